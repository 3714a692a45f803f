"""Names of people in conversation: found where something names them as such, then everywhere in the same text.

김민수 is taken for a name beside 고객님, 성함이 or 라고 합니다, never for its look alone: 이미지 and 주소지 look the
same. Names that are known beforehand (from the record of a call) are given. Knows no names of companies and places.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

_LONG_SURNAMES: Final = ("남궁", "황보", "제갈", "사공", "선우", "서문", "독고", "동방")
_SURNAMES: Final = (
    "김이박최정강조윤장임한오서신권황안송전홍유고문양손배백허남심노하곽성차주우구나민진지엄채원천방공현함변염여추도소석"
    "선설마길연위표명기반라왕금옥육인맹제모탁국어은편용예봉경사부가복태목형계피두감음빈동온호범좌팽승간상시갈단류"
)
# Syllables that given names are made of; those that also begin and end common words are few enough to list the words.
_GIVEN: Final = (
    "민서지현수준우예은하윤주영진호성경재정희원연아유나미혜선상훈동건태승규석인철용광명순숙자옥란금화춘복길남일"
    "덕종만봉기대근식환웅혁찬빈율솔별빛슬람온이로리라보소다채시후도형욱강산천한해준섭필창균복섭열섬향애례련분"
    "귀가효은율린담별훤휘권범국병헌홍익완택탁표학행현묵백서경언엽오운월위임장전제조중청초충치칠태풍필하혁협형세"
)
_GIVEN_SET: Final = "[" + "".join(sorted(set(_GIVEN))) + "]"
_FULL: Final = rf"(?:(?:{'|'.join(_LONG_SURNAMES)})|[{_SURNAMES}]){_GIVEN_SET}{{2}}"
_SHORT: Final = rf"(?:(?:{'|'.join(_LONG_SURNAMES)})|[{_SURNAMES}]){_GIVEN_SET}{{1,2}}"
_TITLE: Final = (
    "고객님|회원님|선생님|환자분|환자|어르신|씨|님|과장|부장|차장|대리|팀장|사원|기사|실장|원장|소장|상담원|상담사|매니저|"
    "본인|어머니|아버지|보호자|예금주|앞으로|명의|학생|어머님|아버님|사장|대표|주임|이사님|선배|교수|엄마|엄만|아빠|아빤|할머니|할아버지|"
    "셰프|설계사|조사관|조사원|대원|담당|수사관|주무관|간호사|코치|강사|반장|지점장|계장|작가|변호사|세무사|법무사|약사|이모|삼촌|언니|누나|오빠"
)
_ROLE: Final = (
    "이름|성함|성명|예금주|명의자|명의|받는 ?사람|받는 ?분|보내는 ?사람|보내는 ?분|수령인|보호자|환자|담당자|"
    "상담원|상담사|매니저|기사|예약자|신청자|본인|고객|팀장|과장|대리"
)
_AS_NAMED: Final = "(?:이라고|라고|입니다|이에요|예요|인데요|이고요|이요|이야|이구요|이라는|이거든요|이신)"
_SAID: Final = "(?:이라고 ?(?:합니다|하는데|해요|하고|해|하는)|입니다|이라는 ?사람)"
_BEFORE: Final = r"(?<![가-힣])"
_AFTER: Final = (
    r"(?=$|[^가-힣]|이?(?:에게|한테|께|랑|하고)|(?:이|가|은|는|을|를|과|와|의|도|만|으로|로|님|씨|이요|요|예요|이에요|"
    "입니다|인데|이라|라고|이고|고[, ]|이네|였|이었|네요|한테|에게|랑|하고|"
    "이야|야|아|이나|부터|까지|께서|이랑|보고|맞|고객|본인|앞|명의|이세|이신|이시))"
)
_CALLED: Final = "(?=야|아[ ,.!?~]| ?씨|이가 |이는 |이랑|이한테| ?님|이도 |이 ?엄마|이 ?아빠)"
_CUES: Final = (
    re.compile(rf"{_BEFORE}(?P<name>{_SHORT}) ?(?:{_TITLE})(?![가-힣]{{0,2}}적)"),
    re.compile(rf"(?:{_ROLE})(?:님|분)?(?:이|은|는|가|이요)? ?:? ?(?:저는 |제가 )?(?P<name>{_FULL}){_AFTER}"),
    re.compile(rf"(?:저는|제가|전|여기|나는|나|난|제 이름은) (?P<name>{_FULL}){_AS_NAMED}"),
    re.compile(rf"{_BEFORE}(?P<name>{_FULL}){_SAID}"),
    # Only people are given things with these particles.
    re.compile(rf"{_BEFORE}(?P<name>{_FULL})이?(?:한테|에게|께서|께)"),
    # The whole answer: "네, 김민수요."
    re.compile(
        rf"^(?:[A-Z?]: )?(?:(?:네|예|음|어|저|아)[,.]? )*(?P<name>{_FULL})"
        r"(?:이에요|예요|이요|요|이고요|고요|이고|고|이야)?(?=[.,]|$)",
        re.MULTILINE,
    ),
)
# Who somebody is and not what they are called: people too, so particles do not tell them from names.
_ROLES: Final = frozenset(
    [
        *_TITLE.split("|"),
        *re.split(r"\|", _ROLE.replace(" ?", "")),
        *(
            "직원",
            "점원",
            "종업원",
            "안내원",
            "경비원",
            "배달원",
            "판매원",
            "승무원",
            "공무원",
            "연구원",
            "조합원",
            "관리원",
        ),
        *("관리자", "책임자", "대표자", "소비자", "이용자", "사용자", "참석자", "방문자", "동승자", "운전자", "당사자"),
        *("미용사", "정비사", "운전사", "조리사", "영양사", "상담사", "임대인", "임차인", "보증인", "상대방", "조정인"),
    ]
)
_VERBAL: Final = "하해한할함합했"
# Words that look like a name in front of a title or behind a role.
_WORDS: Final = frozenset(
    [
        "이미지",
        "이자율",
        "이용료",
        "정수기",
        "주소지",
        "성수기",
        "정상가",
        "주차장",
        "조수석",
        "지하수",
        "현수막",
        "이용자",
        "신용자",
        "가입자",
        "신청자",
        "예약자",
        "주문자",
        "사용자",
        "보호자",
        "명의자",
        "이체",
        "전화",
        "주소",
        "성함",
        "성인",
        "기사",
        "기존",
        "유료",
        "무료",
        "신규",
        "우수",
        "일반",
        "해당",
        "상담",
        "담당",
        "전담",
        "전문",
        "현장",
        "지정",
        "지점",
        "지역",
        "본인",
        "신청",
        "신용",
        "정기",
        "정상",
        "정지",
        "유지",
        "이상",
        "이하",
        "이동",
        "이후",
        "인하",
        "인상",
        "가정",
        "가상",
        "고정",
        "고가",
        "고유",
        "금액",
        "남자",
        "여자",
        "노인",
        "동일",
        "명의",
        "모두",
        "모임",
        "문의",
        "반대",
        "방금",
        "배송",
        "변경",
        "사람",
        "사장",
        "서류",
        "서비스",
        "선생",
        "설치",
        "성공",
        "소장",
        "손해",
        "송금",
        "수리",
        "승인",
        "시간",
        "시공",
        "안내",
        "안전",
        "어제",
        "연결",
        "연장",
        "연체",
        "영수증",
        "예금",
        "예약",
        "오늘",
        "우리",
        "원래",
        "위치",
        "유선",
        "육아",
        "은행",
        "음식",
        "의사",
        "임대",
        "임시",
        "임원",
        "자동",
        "장기",
        "장애",
        "재직",
        "저희",
        "전세",
        "점검",
        "정보",
        "제가",
        "조회",
        "조건",
        "주민",
        "주말",
        "주문",
        "주임",
        "주인",
        "준비",
        "지금",
        "지난",
        "직원",
        "진료",
        "차량",
        "천천히",
        "최근",
        "최소",
        "추가",
        "출고",
        "표시",
        "하루",
        "학생",
        "한도",
        "한번",
        "한분",
        "현금",
        "현재",
        "형제",
        "호실",
        "홍보",
        "확인",
        "환자",
        "회사",
        "기본",
        "기타",
        "공용",
        "공사",
        "공지",
        "공유",
        "구조",
        "국산",
        "권한",
        "나이",
        "나머지",
        "단체",
        "대표",
        "도로",
        "도시",
        "마감",
        "만기",
        "명단",
        "매니저",
        "민원",
        "반품",
        "방문",
        "배상",
        "백화점",
        "보험",
        "부동산",
        "상의",
        "설명",
        "소화",
        "신한",
        "신분",
        "심사",
        "안경",
        "양도",
        "여기",
        "여행",
        "연락",
        "연세",
        "염려",
        "오전",
        "오후",
        "용도",
        "원금",
        "원하",
        "유학",
        "이분",
        "이사",
        "이전",
        "이제",
        "이하",
        "인사",
        "임신",
        "장사",
        "장소",
        "전기",
        "전무",
        "전부",
        "정말",
        "정원",
        "제일",
        "조금",
        "주치의",
        "지인",
        "지원",
        "진상",
        "진행",
        "차례",
        "천만",
        "최고",
        "여보세",
        "하나",
        "학부",
        "한국",
        "현지",
        "형님",
        "이모",
        "고모",
        "이용",
        "지하",
        "지상",
        "강사",
        "강의",
        "안과",
        "내과",
        "외과",
        "치과",
        "원장",
        "도장",
        "성형",
        "예방",
        "정형",
        "조장",
        "반장",
        "이장",
        "고수",
        "하지만",
        "하지",
        "이상한",
        "이유로",
        "이용하",
        "정상적",
        "한지",
        "인지",
        "이나",
        "하나은",
        "우리은",
        "신한은",
        "국민은",
        "경남은",
        "부산은",
        "소형",
        "대형",
        "중형",
        "국내",
        "경기",
        "강원",
        "전라",
        "경상",
        "제주",
        "인천",
        "대전",
        "서울",
        "하이",
        "가운",
        "안녕하",
        "감사하",
        "고마운",
        "미안하",
        "조용한",
        "가능한",
        "우선",
        "이런",
        "저런",
        "그런",
        "어떤",
        "하나도",
        "한하나",
    ]
)


def find_names(text: str) -> list[str]:
    """Return the full names that a text names as such, in the order of their first cue, each once."""
    found: dict[str, int] = {}
    for cue in _CUES:
        for match in cue.finditer(text):
            name = match["name"]
            if not _is_word(name):
                found.setdefault(name, match.start("name"))
    return sorted(found, key=lambda name: found[name])


def _is_word(name: str) -> bool:
    """Tell whether what stands where a name does is a word, or a verb made of one (전화해)."""
    return name in _WORDS or name in _ROLES or (name[:2] in _WORDS and name[2:] in _VERBAL)


def name_spans(text: str, names: Iterable[str]) -> Iterator[tuple[int, int, str]]:
    """Yield (start, end, full name) of each place that says one of the names, in full or by the given name.

    A given name alone counts only where it is called (민수야, 민수 씨): 지수 and 정원 are words too.
    """
    for name in dict.fromkeys(names):
        if not name.strip():
            continue
        for match in re.finditer(rf"{_BEFORE}{re.escape(name)}{_AFTER}", text):
            yield match.start(), match.end(), name
        given = _given(name)
        if given:
            for match in re.finditer(rf"{_BEFORE}{re.escape(given)}{_CALLED}", text):
                yield match.start(), match.end(), name


def _given(name: str) -> str | None:
    surname = 2 if name.startswith(_LONG_SURNAMES) and len(name) > 3 else 1
    return name[surname:] if len(name) - surname == 2 else None
