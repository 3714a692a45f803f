"""A summary of quoted clauses turned into notes without idle words, as it is shown.

It knows summaries; the language is `data`'s.
"""

from collections.abc import Sequence
from dataclasses import replace

from model_core.data.call import Action, Item, Line, Summary, Topic
from model_core.data.korean.notes import as_note, as_title
from model_core.inference.actions import settled
from model_core.inference.wording import without_idle_words

# Raised whenever the rules of this package make another summary of the same answer: one that was kept is made anew.
RULES = 2


def in_notes(summary: Summary, lines: Sequence[Line]) -> Summary:
    """Return the summary of `lines` with statements and titles as notes that say something; evidence and codes stay.

    Whose an action is and when it is due is what the promise says; what promises nothing is left out.
    """
    actions = (settled(action, lines) for action in summary.actions)
    noted = replace(
        summary,
        title=as_title(summary.title),
        one_line=_noted(summary.one_line),
        topics=tuple(Topic(as_title(topic.title), tuple(map(_noted, topic.points))) for topic in summary.topics),
        actions=tuple(_noted_action(action) for action in actions if action),
        decisions=tuple(map(_noted, summary.decisions)),
    )
    return without_idle_words(noted)


def _noted(item: Item) -> Item:
    return replace(item, text=as_note(item.text) or item.text)


def _noted_action(action: Action) -> Action:
    return replace(action, what=as_note(action.what) or action.what, when=as_note(action.when) if action.when else None)
