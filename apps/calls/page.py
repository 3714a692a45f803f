"""Gather what the call page shows: recording, transcript, the summary's versions, the newest job.

Reads through selectors; decides nothing about permissions, which the view has done.
"""

from typing import Any

from django.utils import timezone

from apps.accounts.models import User
from apps.calls.exports.texts import summary_text
from apps.calls.models import Call
from apps.calls.selectors import recording_of
from apps.calls.waveform import draw
from apps.intake.selectors import details_of
from apps.jobs.costs import Work, summary_work
from apps.jobs.models import Job
from apps.jobs.progress import progress_of
from apps.jobs.selectors import latest_job_by_call, probe_facts, waiting_before
from apps.sorting.selectors import access_tags, tags_by_call
from apps.summaries.chips import Chip, chips_of
from apps.summaries.models import Summary
from apps.summaries.selectors import access_versions, current_summary
from apps.summary_templates.selectors import access_templates, chosen_template
from apps.summary_templates.shaping import show
from apps.summary_templates.uses import use_of
from apps.transcripts.corrected import corrected_at
from apps.transcripts.models import TranscriptSegment
from apps.transcripts.selectors import access_segments, parties_swapped, party_names
from apps.transcripts.turns import read_turns
from workers.contracts.summary import CallSummary


def call_page(actor: User, call: Call, *, version: str) -> dict[str, Any]:
    """Return the context of the page of `call`; `version` names an earlier summary, anything else the current one."""
    segments = access_segments(actor, call)
    names = party_names(call)
    versions = access_versions(actor, call.pk)
    current = current_summary(call)
    shown = _chosen(versions, version) or current
    job = latest_job_by_call([call.pk]).get(call.pk)
    facts = probe_facts(call)
    return {
        "call": call,
        "details": details_of(call),
        "segments": read_turns(call, segments),
        "parties": [(party, names.get(party, "")) for party in sorted({segment.party for segment in segments})],
        "party_count": len({segment.party for segment in segments}),
        "summary": shown,
        "is_current": shown == current,
        "stale": _stale(call, shown),
        "chips": _chips(call, shown),
        **_reading(shown, segments),
        "templates": access_templates(actor).filter(organization=call.organization_id),
        "tags": tags_by_call([call.pk]).get(call.pk, []),
        "known_tags": access_tags(actor).filter(organization=call.organization_id),
        "chosen_template": chosen_template(call),
        "versions": versions,
        "cost": _cost(call, shown),
        "progress": progress_of(job) if job else None,
        "before": waiting_before(job) if job and job.state == Job.State.QUEUED else 0,
        "notices": facts.get("notices", []),
        **_player(call, segments, names, two_tracks=len(facts.get("tracks", [])) > 1),
    }


def _reading(shown: Summary | None, segments: list[TranscriptSegment]) -> dict[str, Any]:
    if shown is None:
        return {"reading": None, "plain": ""}
    use = use_of(shown)
    view = show(shown, segments, use)
    return {
        "reading": view.reading,
        "plain": summary_text(view),
        "sections": view.sections,
        "fields": view.fields,
        "template_use": use,
    }


def _chips(call: Call, shown: Summary | None) -> tuple[Chip, ...]:
    if shown is None:
        return ()
    return chips_of(CallSummary.model_validate(shown.content), timezone.localdate(call.happened_at))


def _cost(call: Call, shown: Summary | None) -> Work | None:
    """Return what the model's work on the summary took; a person's has none."""
    by_model = shown is not None and shown.author_id is None
    return summary_work(call, shown.model_version, shown.created_at) if shown and by_model else None


def _chosen(versions: list[Summary], version: str) -> Summary | None:
    return next((summary for summary in versions if str(summary.version) == version), None)


def _stale(call: Call, summary: Summary | None) -> bool:
    """Tell whether people changed the transcript after the summary was written."""
    changed_at = corrected_at(call.pk)
    return summary is not None and changed_at is not None and changed_at > summary.created_at


def _player(
    call: Call, segments: list[TranscriptSegment], names: dict[str, str], *, two_tracks: bool
) -> dict[str, Any]:
    recording = recording_of(call)
    if recording is None:
        return {"recording": None, "playable": False, "timed": False}
    length_s = call.duration_s or max((segment.end_s for segment in segments), default=0.0)
    waveform = draw(recording.peaks, party_each=two_tracks, swapped=parties_swapped(call))
    return {
        "recording": recording,
        "playable": bool(recording.listen_path),
        "timed": True,
        "length_s": length_s,
        "waveform": waveform,
        "channels": [(lane.party, names.get(lane.party, "")) for lane in waveform.lanes] if waveform else [],
    }
