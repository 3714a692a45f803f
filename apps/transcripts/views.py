"""Correct a line in its place, name and swap the parties. The call page asks for these; a line is a piece of it."""

import uuid
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_POST

from apps.calls.selectors import access_call, recording_of
from apps.calls.services import record_reading
from apps.core.errors import YoyakError
from apps.core.feedback import explain, refusals_as_messages, see_other
from apps.core.people import person
from apps.transcripts.corrections import correct_line, name_parties, swap_parties
from apps.transcripts.selectors import access_segment, access_segments, line_history
from apps.transcripts.turns import read_turns

_STATUS = {"line_changed": HTTPStatus.CONFLICT}


@require_http_methods(["GET", "HEAD", "POST"])
def edit_line(request: HttpRequest, call_id: uuid.UUID, number: int) -> HttpResponse:
    """Return the form and history of a line; after a correction the line itself.

    409 when somebody changed the line since `before` was read, 422 when the text cannot be kept.
    """
    actor = person(request)
    segment = access_segment(actor, call_id, number)
    context = {"segment": segment, "text": segment.text}
    if request.method != "POST":
        record_reading(call=segment.call, actor=actor, action="read_call")
        return render(request, "transcripts/edit.html", context | {"history": line_history(segment)})
    before, after = request.POST.get("before", ""), request.POST.get("text", "")
    try:
        correct_line(segment=segment, before=before, after=after, actor=actor)
    except YoyakError as error:
        context |= {"error": explain(error), "text": after, "history": line_history(segment)}
        status = _STATUS.get(error.code, HTTPStatus.UNPROCESSABLE_ENTITY)
        return render(request, "transcripts/edit.html", context, status=status)
    call = access_call(actor, call_id)
    turns = read_turns(call, access_segments(actor, call))
    turn = next(turn for turn in turns if turn.segment.number == number)
    timed = recording_of(call) is not None
    return render(request, "transcripts/turn.html", {"turn": turn, "call": call, "timed": timed})


@require_POST
@refusals_as_messages("calls:list")
def rename(request: HttpRequest, call_id: uuid.UUID) -> HttpResponse:
    """Name the parties of a call: fields ``name-A``, ``name-B``; an empty field takes the name back."""
    actor = person(request)
    call = access_call(actor, call_id)
    parties = {segment.party for segment in access_segments(actor, call)}
    names = {party: request.POST.get(f"name-{party}", "") for party in parties}
    name_parties(call=call, names=names, actor=actor)
    return see_other("calls:page", call.pk)


@require_POST
def swap(request: HttpRequest, call_id: uuid.UUID) -> HttpResponse:
    """Swap the parties A and B of a call."""
    actor = person(request)
    call = access_call(actor, call_id)
    swap_parties(call=call, actor=actor)
    return see_other("calls:page", call.pk)
