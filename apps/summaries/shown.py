"""Which version of a summary is the one shown: the rule that pages, search and exports share. Asks no permission."""

from collections.abc import Iterable
from uuid import UUID

from apps.summaries.models import Summary
from apps.summaries.reading import in_words
from workers.contracts.summary import CallSummary


def current_by_call(call_ids: Iterable[UUID]) -> dict[UUID, Summary]:
    """Return the version shown for each call that has one: the newest, but a person's before any of the model's."""
    shown: dict[UUID, Summary] = {}
    for summary in Summary.objects.filter(call_id__in=list(call_ids)).order_by("version"):
        before = shown.get(summary.call_id)
        if before is None or summary.by_person or not before.by_person:
            shown[summary.call_id] = summary
    return shown


def titles_by_call(call_ids: Iterable[UUID]) -> dict[UUID, str]:
    """Return the title of the summary that is shown for each call that has one: what lists call the call."""
    contents = {key: CallSummary.model_validate(shown.content) for key, shown in current_by_call(call_ids).items()}
    return {key: in_words(content, content.title) for key, content in contents.items() if content.title}
