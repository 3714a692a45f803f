"""Which words can be the name of something: what a summary marks as a value although it is no figure.

A model marks too much. It knows endings and common words, and no names.
"""

import re
from typing import Final

from model_core.data.korean.promises import is_promise
from model_core.data.korean.word_lists import word_list

_COMMON: Final = word_list("no_names")
_VERB: Final = re.compile(
    r".*(?:요|니다|니까|는데|은데|인데|려고|지만|거든|잖아|겠네|하네|있네|없네|는|던|를|된|될|"
    r"에서|에게|한테|까지|부터|처럼|만큼|마다|이나|"
    r"(?:하|되|있|없|이|라|나오|주|았|었|했|됐|났|시)고|(?:하|되|있|없|이|으|려|시|주)면|(?:하|되|렇|있|없|이렇|빠르)게|"
    r"(?:해|아|어|라|면|와|가|져|려|쳐|녀|여|워)서|(?:하|보|드|말|나)(?:려|러)|(?:했|됐|있|없|왔|갔|았|었)(?:다|어|지))"
)


def looks_like_name(text: str) -> bool:
    """Tell whether marked words can name something: none of them is a verb, an adverb or a pronoun."""
    words = text.rstrip(".,?!").split()
    if not words or len("".join(words)) < 2:
        return False
    return words[-1] not in _COMMON and not is_promise(words[-1]) and not any(_VERB.fullmatch(word) for word in words)
