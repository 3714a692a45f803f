"""What people change of a transcript: a line's text, the parties and their names. Each change is kept with its author.

Once a person has changed a transcript, recognition run again does not replace it (`services.replace_segments`), and
summaries are made from it.
"""

from collections.abc import Mapping

from django.db import transaction

from apps.accounts.models import User
from apps.accounts.services import log_access
from apps.calls.models import Call
from apps.core.errors import YoyakError
from apps.core.lines import one_line
from apps.insights.services import measure_talk
from apps.search.services import index_call
from apps.transcripts.models import PartyName, TranscriptChange, TranscriptSegment
from apps.transcripts.services import MAX_TURN_CHARS

MAX_NAME_CHARS = 40


@transaction.atomic
def correct_line(*, segment: TranscriptSegment, before: str, after: str, actor: User) -> None:
    """Write `after` into the line that the person saw as `before`; nothing happens when both are the same.

    Raises:
        YoyakError: the line holds another text by now ("line_changed"), or `after` is empty or too long.
    """
    before, after = one_line(before), one_line(after)
    _refuse_bad_text(segment.number, after)
    Call.objects.select_for_update().get(pk=segment.call_id)
    now = TranscriptSegment.objects.get(call_id=segment.call_id, number=segment.number)
    if one_line(now.text) != before:
        raise YoyakError("line_changed", number=segment.number)
    if after == before:
        return
    TranscriptSegment.objects.filter(pk=now.pk).update(text=after)
    _keep(now.call, actor, "correct_line", number=segment.number, before=now.text, after=after)


def _refuse_bad_text(number: int, text: str) -> None:
    if not text:
        raise YoyakError("line_empty", number=number)
    if len(text) > MAX_TURN_CHARS:
        raise YoyakError("line_too_long", number=number, chars=len(text), limit=MAX_TURN_CHARS)


def _keep(call: Call, actor: User, action: str, *, number: int | None, before: str, after: str) -> None:
    TranscriptChange.objects.create(
        call=call, organization_id=call.organization_id, number=number, author=actor, before=before, after=after
    )
    index_call(call_id=call.pk)
    _log(call, actor, action)


def _log(call: Call, actor: User, action: str) -> None:
    log_access(actor=actor, organization_id=call.organization_id, action=action, kind="call", object_id=call.pk)


@transaction.atomic
def swap_parties(*, call: Call, actor: User) -> None:
    """Give every line of A to B and the other way round. Names stay with their letter: it is the lines that move."""
    Call.objects.select_for_update().get(pk=call.pk)
    lines = TranscriptSegment.objects.filter(call=call)
    others = list(lines.filter(party="B").values_list("pk", flat=True))
    lines.filter(party="A").update(party="B")
    lines.filter(pk__in=others).update(party="A")
    measure_talk(call_id=call.pk)
    _keep(call, actor, "swap_parties", number=None, before="A B", after="B A")


@transaction.atomic
def name_parties(*, call: Call, names: Mapping[str, str], actor: User) -> None:
    """Call each party of `names` by its name on the pages of this call; an empty name takes it back.

    Raises:
        YoyakError: a name is longer than MAX_NAME_CHARS; none is kept then.
    """
    for party, name in names.items():
        _name(call, party, one_line(name))
    _log(call, actor, "name_parties")


def _name(call: Call, party: str, name: str) -> None:
    if len(name) > MAX_NAME_CHARS:
        raise YoyakError("name_too_long", chars=len(name), limit=MAX_NAME_CHARS)
    if name:
        values = {"name": name, "organization_id": call.organization_id}
        PartyName.objects.update_or_create(call=call, party=party, defaults=values)
    else:
        PartyName.objects.filter(call=call, party=party).delete()
