"""Read transcripts of calls the acting person may see."""

from uuid import UUID

from django.shortcuts import get_object_or_404

from apps.accounts.models import User
from apps.calls.models import Call
from apps.calls.selectors import access_call
from apps.transcripts.models import PartyName, TranscriptChange, TranscriptSegment


def access_segments(actor: User, call: Call) -> list[TranscriptSegment]:
    """Return the segments of `call` in order; Http404 when `actor` may not see it."""
    access_call(actor, call.pk)
    return segments_of(call)


def segments_of(call: Call) -> list[TranscriptSegment]:
    """Return the segments of `call` in order, for callers that hold the call by right."""
    return list(TranscriptSegment.objects.filter(call=call).order_by("number"))


def access_segment(actor: User, call_id: UUID, number: int) -> TranscriptSegment:
    """Return one line of a call or raise Http404.

    Whoever may see a call owns it or reviews its organization, so they may also correct its lines.
    """
    return get_object_or_404(TranscriptSegment, call=access_call(actor, call_id), number=number)


def line_history(segment: TranscriptSegment) -> list[TranscriptChange]:
    """Return what people changed of the line, newest first, for callers that hold it by right."""
    changes = TranscriptChange.objects.filter(call_id=segment.call_id, number=segment.number)
    return list(changes.select_related("author"))


def changed_lines(call: Call) -> set[int]:
    """Return the numbers of the lines that people changed."""
    numbers = TranscriptChange.objects.filter(call=call).values_list("number", flat=True)
    return {number for number in numbers if number is not None}


def party_names(call: Call) -> dict[str, str]:
    """Return the names that people gave the parties of `call`."""
    return dict(PartyName.objects.filter(call=call).values_list("party", "name"))


def parties_swapped(call: Call) -> bool:
    """Tell whether people swapped A and B, so that the first channel of the recording is B's."""
    return TranscriptChange.objects.filter(call=call, number=None).count() % 2 == 1
