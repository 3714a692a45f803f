"""What a model wrote of an action, held against the line in which it was promised: whose it is, and when.

The model chooses a promise well, its doer and its time less so; a promise's ending tells the one, its own sentence
the other. It knows actions and lines, and no model.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from model_core.data.call import Action, Line, plain
from model_core.data.korean.promises import doer, is_promise
from model_core.data.korean.times import time_told

_SENTENCE_END: Final = re.compile(r"(?<=[.?!]) ")
# The roles of the two parties in one kind of call; 직원 and 기사 may be either's.
_OTHER: Final = {"상담원": "고객", "고객": "상담원", "수신자": "발신자", "발신자": "수신자"}
_PARTIES: Final = {"상담원": "A", "수신자": "A", "고객": "B", "발신자": "B"}


def settled(action: Action, lines: Sequence[Line]) -> Action | None:
    """Return an action, before it is noted down, with the doer and the time of its promise; None if it has none."""
    what = plain(action.what)
    if not is_promise(what):
        return None
    party, sentence = _promised(what, action.evidence, lines)
    return replace(action, who=_who(action.who, what, party), when=time_told(what) or time_told(sentence))


def _promised(what: str, evidence: Sequence[int], lines: Sequence[Line]) -> tuple[str, str]:
    """Return the party and the sentence, of the cited lines, that hold most words of a promise."""
    words = what.split()
    cited = [lines[number - 1] for number in evidence if number <= len(lines)]
    sentences = [(line.party, sentence) for line in cited for sentence in _SENTENCE_END.split(line.text)]
    return max(sentences, key=lambda said: sum(word in said[1] for word in words), default=("", ""))


def _who(who: str, what: str, party: str) -> str:
    """Return the role of the party that a promise or a request leaves it to, where `who` names the other's."""
    whose = doer(what)
    if whose is None or plain(who) not in _OTHER or not party:
        return who
    own = _PARTIES[plain(who)] == party
    return who if own == (whose == "speaker") else _OTHER[plain(who)]
