"""Which clauses say that somebody will or is to do something, for an action to rest on, and who of the two speaking.

It knows endings, and what is said of the call itself: greetings, asking and looking while the other waits.
"""

import re
from typing import Final, Literal

from model_core.data.korean.jamo import split

# Stems of what is, and is not done: before -세요 they are honoured, not asked for.
STATES: Final = (
    "있으|없으|많으|늦으|괜찮으|좋으|싫으|어려우|쉬우|가까우|아프|바쁘|크|힘드|"
    "(?:가능|불가능|필요|불편|편|유리|불리|중요|급|익숙|확실|안전|궁금)하"
)
_ASKED: Final = r"주(?:세요|십시오|시겠어요|시겠습니까|실래요|시면 됩니다|시면 돼요)"
_ENDING: Final = re.compile(
    rf"(?:[게께]요|겠습니다|겠어요|{_ASKED}|세요|십시오|시죠|"
    r"[려라]고요|려구요|예정(?:이에요|입니다)?|거예요|거에요|겁니다|거야|기로 (?:했어요?|해요|할게요?)|"
    r"야 (?:돼요?|되고요|합니다|해요?|됩니다|하고요)|면 (?:돼요?|됩니다)|부탁(?:드려요|드립니다|드릴게요|해요?)|"
    r"줘요?|줄래요?|달라고요?|드려요|드립니다|보내요|야겠네요?|시고요|가자|하자|잡자|보자|해라|까지요)[.!]?$|"
    rf"(?:[게께]요|{_ASKED}|줘요?|줄래요?)\?$"
)
_PROMISE: Final = re.compile(r"([가-힣])게[.!]?$")
_TO_COME: Final = re.compile(r"([가-힣]) ?(?:거예요|거에요|겁니다|거야)[.!]?$")
_COURTESY: Final = re.compile(
    r"(?:말씀|안녕|수고|들어가|여보|기다려|건강|조심|행복|안전|좋은|즐거운|편안)"
    r"\S* ?\S* ?(?:주|히|보내|가)?\S*(?:세요|십시오|게요)[.?!]?$|"
    r"(?:알겠|모르겠|감사하겠|고맙겠|되겠|좋겠)(?:습니다|어요)[.?!]?$|(?<!주)세요\?$|"
    r"(?:필요|문의|궁금|불편)\S* (?:\S+ )?(?:있으시면|계시면) .*(?:주세요|주십시오)[.!]?$"
)
# What is done while the other listens, or is none's to do: 끊을게요, 하나 더 여쭤볼게요, 번호 불러 주시겠어요?
_IN_THE_CALL: Final = re.compile(
    r"^(?:\S+ ){0,2}끊을게요?[.!]?$|(?:하나|가지|좀)(?: 더)? (?:여쭤볼게요|여쭐게요|여쭤보겠습니다|물어볼게요)[.!]?$|"
    r"(?:불러|알려|말씀해) ?주(?:시겠어요|시겠습니까|실래요|세요)\?$"
)
_STATED: Final = re.compile(
    rf"(?:^|\s)못 (?!\S*게 )\S+(?: \S+)?$|(?:{STATES})세요[.!]?$|"
    r"(?:있을|없을|나올|걸릴|같을|안 될) (?:거예요|거에요|겁니다|거야)[.!]?$"
)
_WAIT: Final = re.compile(r"(?:잠시|잠깐)만|(?:잠시|잠깐) (?:확인|조회|기다|계)")
_OF_SPEAKER: Final = re.compile(r"(?:[게께]요|겠습니다|겠어요|[가-힣]려고요|[가-힣]려구요)[.!]?$")
_OF_LISTENER: Final = re.compile(
    rf"(?:{_ASKED}|세요|십시오|야 (?:돼요?|합니다|해요?|됩니다)|면 (?:돼요?|됩니다))[.?!]?$"
)


def is_promise(clause: str) -> bool:
    """Tell whether a clause ends as an offer, a request or an order does, less courtesies and what the call settles."""
    if any(pattern.search(clause) for pattern in (_COURTESY, _IN_THE_CALL, _STATED)):
        return False
    to_come = _TO_COME.search(clause)
    if to_come and split(to_come[1])[2] != "ㄹ":
        return False
    return bool(_ENDING.search(clause)) or _is_familiar(clause)


def makes_wait(line: str) -> bool:
    """Tell whether a line asks the other to wait: what it promises is done before the call goes on."""
    return _WAIT.search(line) is not None


def doer(clause: str) -> Literal["speaker", "listener"] | None:
    """Return whose a promise or a request is to do; None where its ending does not tell."""
    if _OF_SPEAKER.search(clause) or _is_familiar(clause):
        return "speaker"
    return "listener" if _OF_LISTENER.search(clause) else None


def _is_familiar(clause: str) -> bool:
    familiar = _PROMISE.search(clause)
    return familiar is not None and split(familiar[1])[2] == "ㄹ"
