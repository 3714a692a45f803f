"""What an export is made of: a call with its transcript and the summary that is shown. Permission was asked before."""

from collections.abc import Sequence
from dataclasses import dataclass

from apps.calls.models import Call
from apps.summaries.models import Summary
from apps.summaries.shown import current_by_call
from apps.summary_templates.models import TemplateUse
from apps.summary_templates.shaping import View, show
from apps.summary_templates.uses import uses_of
from apps.transcripts.models import TranscriptSegment
from apps.transcripts.selectors import party_names, segments_of


@dataclass(frozen=True)
class Material:
    """One call to write out: `shown` is the summary, `view` how its template `use` shows it, `names` are of parties."""

    call: Call
    segments: list[TranscriptSegment]
    shown: Summary | None
    use: TemplateUse | None
    view: View | None
    names: dict[str, str]

    def speaker(self, party: str) -> str:
        """Return the name of a party, or its letter."""
        return self.names.get(party, party)

    @property
    def timed(self) -> bool:
        """Tell whether the lines have times; those of an imported transcript have none."""
        return any(segment.end_s > 0 for segment in self.segments)


def material_of(calls: Sequence[Call], *, transcripts: bool = True) -> list[Material]:
    """Return what there is to write of each of `calls`, without the lines when `transcripts` is false."""
    shown = current_by_call([call.pk for call in calls])
    uses = uses_of(shown.values())
    made = ((call, shown.get(call.pk)) for call in calls)
    return [_one(call, one, uses.get(one.pk) if one else None, transcripts) for call, one in made]


def _one(call: Call, shown: Summary | None, use: TemplateUse | None, transcript: bool) -> Material:
    segments, names = (segments_of(call), party_names(call)) if transcript else ([], {})
    return Material(call, segments, shown, use, show(shown, segments, use) if shown else None, names)
