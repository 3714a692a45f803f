"""Read transcripts of calls the acting person may see."""

from apps.accounts.models import User
from apps.calls.models import Call
from apps.calls.selectors import access_call
from apps.transcripts.models import TranscriptSegment


def access_segments(actor: User, call: Call) -> list[TranscriptSegment]:
    """Return the segments of `call` in order; Http404 when `actor` may not see it."""
    access_call(actor, call.pk)
    return segments_of(call)


def segments_of(call: Call) -> list[TranscriptSegment]:
    """Return the segments of `call` in order, for callers that hold the call by right."""
    return list(TranscriptSegment.objects.filter(call=call).order_by("number"))
