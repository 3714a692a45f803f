"""Read summaries of calls the acting person may see."""

from uuid import UUID

from django.shortcuts import get_object_or_404

from apps.accounts.models import User
from apps.calls.models import Call
from apps.calls.selectors import access_call
from apps.summaries.models import Summary
from apps.summaries.shown import current_by_call


def access_versions(actor: User, call_id: UUID) -> list[Summary]:
    """Return all versions of a call's summary, newest first; Http404 when `actor` may not see the call."""
    return list(Summary.objects.filter(call=access_call(actor, call_id)).select_related("call").order_by("-version"))


def access_summary(actor: User, summary_id: UUID) -> Summary:
    """Return one version or raise Http404.

    Whoever may see a call owns it or reviews its organization, so they may also correct and approve its summary.
    """
    summary = get_object_or_404(Summary.objects.select_related("call"), pk=summary_id)
    access_call(actor, summary.call_id)
    return summary


def version_before(summary: Summary, versions: list[Summary], number: str) -> Summary | None:
    """Return the version of that number, or else the one that `summary` came after; None for the first."""
    named = [version for version in versions if str(version.version) == number and version.pk != summary.pk]
    earlier = [version for version in versions if version.version < summary.version]
    return next(iter([*named, *earlier]), None)


def current_summary(call: Call) -> Summary | None:
    """Return the version shown for `call`."""
    return current_by_call([call.pk]).get(call.pk)


def approved_summaries(organization_id: UUID) -> list[Summary]:
    """Return the approved versions of an organization, one a call, for training."""
    approved: dict[UUID, Summary] = {}
    for summary in Summary.objects.filter(organization_id=organization_id, state=Summary.State.APPROVED).order_by(
        "version"
    ):
        approved[summary.call_id] = summary
    return list(approved.values())
