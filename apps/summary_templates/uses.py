"""With which template a summary was made, and what fills its fields: the rule that pages, search and exports share.

Asks no permission.
"""

from collections.abc import Iterable
from uuid import UUID

from apps.summaries.models import Summary
from apps.summary_templates.models import TemplateUse
from workers.contracts.template import FilledField


def uses_of(summaries: Iterable[Summary]) -> dict[UUID, TemplateUse]:
    """Return the template that each of `summaries`, or the version a person corrected into it, was made with."""
    found: dict[UUID, TemplateUse] = {}
    bases = {summary.pk: summary.base_id for summary in summaries}
    asked = {key: key for key in bases}
    while asked:
        uses = TemplateUse.objects.filter(summary__in=set(asked.values())).select_related("version__template")
        by_summary = {use.summary_id: use for use in uses}
        found |= {key: by_summary[seen] for key, seen in asked.items() if seen in by_summary}
        before = {key: bases.get(seen) for key, seen in asked.items() if seen not in by_summary}
        asked = {key: base for key, base in before.items() if base is not None}
        bases = dict(Summary.objects.filter(pk__in=set(asked.values())).values_list("pk", "base_id")) if asked else {}
    return found


def use_of(summary: Summary) -> TemplateUse | None:
    """Return the template that `summary`, or the version a person corrected into it, was made with."""
    return uses_of([summary]).get(summary.pk)


def filled_of(use: TemplateUse | None) -> tuple[FilledField, ...]:
    """Return the filled fields of a summary that was made with a template."""
    return tuple(FilledField.model_validate(field) for field in use.fields) if use else ()
