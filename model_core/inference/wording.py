"""Leave out of a model's summary what says nothing: courtesies, and a clause that its statement has already.

The model copies clauses out of the call, and people greet, ask whether there is anything else and say a thing twice.
Only whole clauses go, so that what stays is still the call's own words. It knows summaries, and no model.
"""

import re
from dataclasses import replace
from typing import Final

from model_core.data.call import Action, Item, Summary, Topic, plain

_CLAUSES: Final = re.compile(r"(?<=[,?.]) ")
_COURTESY: Final = re.compile(
    r"(?:네 )*(?:네|여보세요|안녕하(?:세요|심|십니까)|수고하(?:세요|심|십시오|라고 함)"
    r"|(?:말씀하|들어가|계)(?:세요|십시오|라고 함)"
    r"|감사(?:함|합니다|드림|드려요)|고마(?:움|워요)|좋은 하루 되(?:세요|라고 함)"
    r"|(?:더 |혹시 )*궁금하신 (?:점|거|것|건)(?:이|은|도)? (?:더 )?(?:있|없|계)\S*(?: 문의)?)"
)


def without_idle_words(summary: Summary) -> Summary:
    """Return the summary without courtesies and repeated clauses, and without points that were nothing else.

    The headline and what is to be done keep at least what they said.
    """
    topics = (replace(topic, points=_points(topic)) for topic in summary.topics)
    return replace(
        summary,
        one_line=_item(summary.one_line) or summary.one_line,
        topics=tuple(topic for topic in topics if topic.points),
        actions=tuple(map(_action, summary.actions)),
        decisions=tuple(filter(None, map(_item, summary.decisions))),
    )


def _points(topic: Topic) -> tuple[Item, ...]:
    return tuple(filter(None, map(_item, topic.points)))


def _item(item: Item) -> Item | None:
    text = telling(item.text)
    return replace(item, text=text) if text else None


def _action(action: Action) -> Action:
    return replace(action, what=telling(action.what) or action.what)


def telling(text: str) -> str:
    """Return the clauses of `text` that tell something, each once; empty if none does."""
    clauses = {_bare(clause): clause for clause in reversed(_CLAUSES.split(text))}
    kept = [clause for bare, clause in reversed(clauses.items()) if bare and not _COURTESY.fullmatch(bare)]
    return " ".join(kept).rstrip(",")


def _bare(clause: str) -> str:
    return plain(clause).strip(" ,?.")
