"""The shapes that values take in Korean speech and writing: one table of patterns for `values`.

A pattern says where a value of its kind may stand; what it is worth is read elsewhere.
"""

import re
from dataclasses import dataclass
from typing import Final

from model_core.data.korean.reading import NATIVE_VALUES

# 이 is no digit where it begins the copula behind a consonant: 육십이에요 is 60, 육십이예요 would be 62.
_TWO: Final = "(?:(?<![일삼육칠팔십백천만억영공])이(?!에요)|이(?!에요|고|요|라|네|죠|지|야|면|며|었|랑))"
_D: Final = f"(?:[일삼사오육륙칠팔구]|{_TWO})"
_WRITTEN: Final = r"\d+(?:,\d{3})*(?:\.\d+)?"
_ATOM: Final = rf"(?:{_D}|{_WRITTEN})"
_SMALL: Final = rf"(?:(?:{_ATOM} ?)?천 ?)?(?:(?:{_ATOM} ?)?백 ?)?(?:(?:{_ATOM} ?)?십 ?)?{_ATOM}?"
_POINT: Final = rf"(?: ?점 ?{_D}+)?"
# A number in sino-Korean, in digits or mixed. The look-ahead keeps it from matching nothing.
NUMBER: Final = (
    rf"(?:(?=[\d일이삼사오육륙칠팔구십백천만억])(?:{_SMALL} ?억 ?)?(?:{_SMALL} ?만 ?)?{_SMALL}{_POINT}|영 ?점 ?{_D}+)"
)
# 하나, 둘, 셋 and 넷 never stand before a counter, and 하나도 is no degree.
NATIVE: Final = "(?:" + "|".join(sorted(NATIVE_VALUES.keys() - {*"둘셋넷", "하나"}, key=len, reverse=True)) + ")"

_PARTICLES: Final = (
    "이에요|예요|이요|요|이야|야|입니|인데|인가|인지|이네|이죠|죠|이지|지요|이었|였|이세|이신|이라|라고|라서|"
    "라는|이고|고|이며|이면|면|이나|나 |이랑|랑|으로|로|에|부터|까지|쯤|경|정도|만|도|은|는|이|가|을|를|과|와|"
    "의|씩|짜리|째|보다|밖에|뿐|대|간|동안|뒤|후|전|안에|내에|내로|미만|초과|마다|당|치|어치|맞|남"
)
# Behind a value: the end of the word, or a particle.
_TAIL: Final = rf"(?=$|[^가-힣\d]|(?:{_PARTICLES}|[월화수목금토일]요일))"
_AFTER_SPAN: Final = "(?= ?(?:뒤|후|전|동안|정도|이내|안|내로|만에|간|쯤|짜리|째|씩|넘|이상|걸|소요|더|가량|치|이면))"

_MONEY_TAIL: Final = r"(?![래인하룸장칙본단스격룡])"
_NATIVE_COUNTERS: Final = (
    "인분|사람|군데|가지|켤레|마리|그루|송이|박스|상자|봉지|세트|그릇|접시|포대|조각|차례|자리|바퀴|묶음|팔레트|파렛트|컨테이너|테이블|"
    "페이지|단계|학기|줄|개|명|분|번|장|대|병|잔|판|통|권|벌|채|칸|곳|건|살|팩|포|알|정|캔|쪽|쌍|짝|층|톤|롤|척|근|곡|끼|배|주|모|박"
)
_SINO_COUNTERS: Final = (
    "인분|시리즈|박스|상자|세트|페이지|학년|학기|단계|호선|차로|차선|마리|회|층|호|번|명|개|대|장|건|쪽|평|점|차|톤|위|등|급|조|과|강|세|배|인|위|"
    "포대|팔레트|파렛트|병|판|통|권|칸|동|팩|포|알|정|캔|기|본|롤|필|척|석"
)
_MEASURES: Final = (
    "킬로그램|킬로미터|킬로와트|킬로바이트|밀리그램|밀리리터|밀리미터|센티미터|센치미터|제곱미터|기가바이트|메가바이트|테라바이트|킬로|밀리|센티|센치|"
    "그램|미터|리터|기가|메가|테라|와트|볼트|암페어|마력|헤르츠|인치|피트|바|킬로파스칼|파스칼|씨씨|루베|헤베|데시벨|칼로리|포인트|마일|도"
)
_LATIN_UNITS: Final = "kg|km|cm|mm|ml|mg|kW|kPa|GB|MB|TB|Hz|dB|cc|bar|g|m|L|l|W|V|A|℃|°C|㎏|㎞|㎝|㎜|㎡|ℓ"
_YEAR: Final = rf"(?:이천 ?(?:[이삼]?십 ?)?{_D}?|(?:19|20)\d\d(?!\d))"
_RANGE_UNITS: Final = "개월|시간|만 ?원|천 ?원|일|분|년|주|명|개|번|층|회|시|달|살|건|장|대|퍼센트|프로|%"
_MONTH: Final = rf"(?:유|시|십 ?일|십 ?이|십|{_D}|1[0-2]|0?[1-9])"
_DAY: Final = rf"(?:(?:이|삼)? ?십 ?{_D}?|{_D}|[12]\d|3[01]|0?[1-9])"
_SPOKEN_DIGIT: Final = f"(?:[공영]|{_D})"
_SPOKEN_GROUP: Final = rf"{_SPOKEN_DIGIT}+(?!\d)"
_DIGIT_GROUP: Final = rf"(?:{_SPOKEN_GROUP}|\d+)"
_PLATE_LETTER: Final = "[가나다라마거너더러머버서어저고노도로모보소오조구누두루무부수우주하허호배바사아자]"


@dataclass(frozen=True)
class Pattern:
    """A kind of value, its name among the readers of `values`, and its shape."""

    kind: str
    reader: str
    regex: re.Pattern[str]


def _pattern(kind: str, reader: str, source: str) -> Pattern:
    return Pattern(kind, reader, re.compile(source))


# In numerals of one syllable the counter decides whether 이 is "two" or "this", 일 "one" or "work", 사 "four"
# or "buy"; see `values`, which judges short numerals.
NUMERIC: Final = (
    _pattern("money", "money", rf"(?P<n>{NUMBER}) ?원{_MONEY_TAIL}"),
    _pattern("percent", "percent", rf"(?P<n>{NUMBER}) ?(?:퍼센트|프로|%){_TAIL}"),
    _pattern("date", "iso_date", r"(?P<y>\d{4}) ?[-./] ?(?P<m>\d{1,2}) ?[-./] ?(?P<d>\d{1,2})(?!\d)"),
    _pattern(
        "date",
        "date",
        rf"(?:(?P<y>{_YEAR}) ?년 ?)?(?P<m>{_MONTH}) ?월 ?(?P<d>{_DAY}) ?일{_TAIL}",
    ),
    _pattern("date", "month", rf"(?P<m>{_MONTH}) ?월(?=$|[.,?]|에|부터|까지|달| ?(?:말|초|중순|중))"),
    _pattern("date", "year", rf"(?P<y>{_YEAR}) ?년(?: ?(?P<m>{_MONTH}) ?월)?{_TAIL}"),
    _pattern("duration", "nights", rf"(?P<n>{NUMBER}) ?박 ?(?P<d>{NUMBER}) ?일{_TAIL}"),
    _pattern("count", "range", rf"(?P<n>\d+ ?[~-] ?\d+) ?(?P<u>{_RANGE_UNITS}){_TAIL}"),
    _pattern("count", "range", rf"(?P<n>일이|이삼|삼사|사오|오육|오륙|육칠|칠팔|팔구) ?(?P<u>{_RANGE_UNITS}){_TAIL}"),
    _pattern("measure", "below", rf"영하 ?(?P<n>{NUMBER}) ?도{_TAIL}"),
    _pattern("duration", "long_days", rf"(?P<n>{NUMBER}) ?일{_TAIL}"),
    _pattern("duration", "days", rf"(?P<n>{NUMBER}) ?일{_AFTER_SPAN}"),
    _pattern("date", "day", rf"(?P<d>{_DAY}) ?일{_TAIL}"),
    _pattern("time", "clock", r"(?P<h>[01]?\d|2[0-4]):(?P<min>[0-5]\d)(?!\d)"),
    _pattern("time", "time", rf"(?P<h>{NUMBER}) ?시(?: ?(?:(?P<half>반)|(?P<min>{NUMBER}) ?분))?{_TAIL}"),
    _pattern("duration", "hours", rf"(?P<h>{NUMBER}) ?시간(?: ?(?:(?P<half>반)|(?P<min>{NUMBER}) ?분))?{_TAIL}"),
    _pattern("duration", "minutes", rf"(?P<n>{NUMBER}) ?분{_TAIL}"),
    _pattern("duration", "weeks", rf"(?P<n>{NUMBER}) ?주(?:일|간)?{_TAIL}"),
    _pattern("duration", "months", rf"(?P<n>{NUMBER}) ?개월{_TAIL}"),
    _pattern("duration", "years", rf"(?P<n>{NUMBER}) ?년{_TAIL}"),
    _pattern("unit", "unit", rf"(?P<n>{NUMBER}) ?동 ?(?P<r>{NUMBER}) ?호{_TAIL}"),
    _pattern("digits", "digits", r"(?P<g>\d{2,4}(?:[-. ]\d{3,4}){1,3})(?!\d)"),
    _pattern("digits", "digits", rf"(?P<g>{_DIGIT_GROUP}(?:(?: |[에의] ?|다시 |-){_DIGIT_GROUP})*){_TAIL}(?!\d)"),
    _pattern(
        "carno",
        "carno",
        rf"(?P<n>{NUMBER}|{_D}{{3}}) ?(?P<l>{_PLATE_LETTER}) ?"
        rf"(?P<d>\d{{4}}(?!\d)|{_SPOKEN_DIGIT}(?: ?{_SPOKEN_DIGIT}){{3}}{_TAIL})",
    ),
    _pattern("count", "count", rf"(?P<n>{NUMBER}) ?(?P<u>{_SINO_COUNTERS}){_TAIL}"),
    _pattern("measure", "measure", rf"(?P<n>{NUMBER}) ?(?P<u>{_MEASURES}){_TAIL}"),
    _pattern("measure", "measure", rf"(?P<n>{_WRITTEN}) ?(?P<u>{_LATIN_UNITS})(?![A-Za-z])"),
    _pattern("number", "number", rf"(?P<n>{NUMBER}){_TAIL}"),
    _pattern("number", "written", rf"(?P<n>{_WRITTEN})(?![\d,]*\d)"),
)
_WEEKDAY: Final = "[월화수목금토일]요일"
_PART: Final = "(?P<part>오전|오후|새벽|아침|점심|낮|저녁|밤)"
_MINUTES: Final = rf"(?: ?(?:(?P<half>반)|(?P<min>{NUMBER}) ?분))?"
NATIVE_SHAPES: Final = (
    _pattern("time", "native_time", rf"(?P<h>{NATIVE}) ?시{_MINUTES}{_TAIL}"),
    _pattern("duration", "native_hours", rf"(?P<h>{NATIVE}) ?시간{_MINUTES}{_TAIL}"),
    _pattern("duration", "native_months", rf"(?P<h>{NATIVE}) ?달{_TAIL}"),
    _pattern("count", "range", rf"(?P<n>한두|두세|서너|너댓|네댓|대여섯|예닐곱) ?(?P<u>{_RANGE_UNITS}){_TAIL}"),
    _pattern("count", "native_count", rf"(?P<h>{NATIVE}) ?(?P<u>{_NATIVE_COUNTERS}){_TAIL}"),
    _pattern("measure", "native_count", rf"(?P<h>{NATIVE}) ?(?P<u>{_MEASURES}){_TAIL}"),
)
WORDS: Final = (
    _pattern("time", "time", rf"{_PART} ?(?P<h>{NUMBER}) ?시{_MINUTES}{_TAIL}"),
    _pattern("time", "native_time", rf"{_PART} ?(?P<h>{NATIVE}) ?시{_MINUTES}{_TAIL}"),
    _pattern("time", "clock", rf"{_PART} ?(?P<h>[01]?\d|2[0-4]):(?P<min>[0-5]\d)(?!\d)"),
    _pattern("time", "noon", rf"(?:정오|자정){_TAIL}"),
    _pattern(
        "date", "relative", rf"(?:이번|다음|다다음|지난|지지난|저번|돌아오는|매) ?주(?: ?(?:{_WEEKDAY}|주말))?{_TAIL}"
    ),
    _pattern("date", "relative_day", rf"(?P<rel>이번|다음|다다음|지난|저번|매) ?달 ?(?P<d>{_DAY}) ?일{_TAIL}"),
    _pattern("date", "relative", rf"(?:이번|다음|다다음|지난|저번) ?달{_TAIL}"),
    _pattern("date", "relative", rf"(?:내일 ?모레|오늘|내일|모레|글피|어제|그저께|그제|엊그제|내년|작년|올해){_TAIL}"),
    _pattern("date", "relative", rf"(?:이번 |다음 |지난 )?{_WEEKDAY}{_TAIL}"),
    _pattern("duration", "day_word", rf"(?:하루|이틀|사흘|나흘|닷새|엿새|이레|여드레|아흐레|열흘|보름|일주일){_TAIL}"),
)
_ROAD: Final = (
    rf"(?:대로|로|길) ?(?:(?P<a>{NUMBER}) ?(?:번 ?길|길) ?)?(?P<b>{NUMBER})(?: ?(?:다시|-) ?(?P<c>{NUMBER}))?"
)
_LOT: Final = rf"(?:동|리|가) ?(?P<e>{NUMBER})(?: ?번지| ?(?:다시|-) ?(?P<f>{NUMBER}))"
ADDRESS: Final = _pattern("address", "address", rf"(?<![가-힣])(?P<name>[가-힣]+)(?:{_ROAD}|{_LOT}){_TAIL}")
ADDRESS_HINT: Final = re.compile(r"[가-힣](?:로|길|동|리|가) ?(?=[\d일이삼사오육칠팔구십백천])")
