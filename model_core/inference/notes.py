"""A summary of quoted clauses turned into notes without idle words, as it is shown.

It knows summaries; the language is `data`'s.
"""

from dataclasses import replace
from typing import Final

from model_core.data.call import Action, Item, Summary, Topic, plain
from model_core.data.korean.notes import as_note, as_title
from model_core.data.korean.values import find_values
from model_core.inference.wording import without_idle_words

_TIMES: Final = frozenset(("date", "time", "duration"))


def in_notes(summary: Summary) -> Summary:
    """Return the summary with statements and titles as notes that say something; roles, evidence and codes stay.

    A time at which something is to be done stays only if it names one.
    """
    noted = replace(
        summary,
        title=as_title(summary.title),
        one_line=_noted(summary.one_line),
        topics=tuple(Topic(as_title(topic.title), tuple(map(_noted, topic.points))) for topic in summary.topics),
        actions=tuple(map(_noted_action, summary.actions)),
        decisions=tuple(map(_noted, summary.decisions)),
    )
    return without_idle_words(noted)


def _noted(item: Item) -> Item:
    return replace(item, text=as_note(item.text) or item.text)


def _noted_action(action: Action) -> Action:
    named = any(value.kind in _TIMES for value in find_values(plain(action.when or "")))
    return replace(
        action, what=as_note(action.what) or action.what, when=as_note(action.when) if action.when and named else None
    )
