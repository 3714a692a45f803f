"""Which clauses say that somebody will or is to do something, for an action to rest on. It knows endings only."""

import re
from typing import Final

from model_core.data.korean.jamo import split

_ENDING: Final = re.compile(
    r"(?:[게께]요|겠습니다|겠어요|주(?:세요|십시오|시겠어요|시겠습니까|실래요|시면 됩니다|시면 돼요)|세요|십시오|시죠|"
    r"[려라]고요|려구요|예정(?:이에요|입니다)?|거예요|거에요|겁니다|거야|기로 (?:했어요?|해요|할게요?)|"
    r"야 (?:돼요?|되고요|합니다|해요?|됩니다|하고요)|면 (?:돼요?|됩니다)|부탁(?:드려요|드립니다|드릴게요|해요?)|"
    r"줘요?|줄래요?|달라고요?|드려요|드립니다|보내요|야겠네요?|시고요|가자|하자|잡자|보자|해라|까지요)[.?!]?$"
)
_PROMISE: Final = re.compile(r"([가-힣])게[.!]?$")
_COURTESY: Final = re.compile(
    r"(?:말씀|안녕|수고|들어가|여보|기다려|건강|조심|행복|안전|좋은|즐거운|편안)"
    r"\S* ?\S* ?(?:주|히|보내|가)?\S*(?:세요|십시오|게요)[.?!]?$|"
    r"(?:알겠|모르겠|감사하겠|되겠|좋겠)(?:습니다|어요)[.?!]?$|(?<!주)세요\?$"
)


def is_promise(clause: str) -> bool:
    """Tell whether a clause ends as an offer, a request or an order does, courtesies aside."""
    if _COURTESY.search(clause):
        return False
    familiar = _PROMISE.search(clause)
    return bool(_ENDING.search(clause)) or bool(familiar and split(familiar[1])[2] == "ㄹ")
