"""A transcript as the call page shows it: lines with their words, who speaks, what is doubtful, what people changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from apps.calls.models import Call
from apps.transcripts.models import TranscriptSegment
from apps.transcripts.selectors import changed_lines, party_names
from apps.transcripts.words import LOW_CONFIDENCE, TimedWord, timed_words


@dataclass(frozen=True)
class Turn:
    """One line; `opens` tells that another party spoke before, `name` is what people call the party, or ""."""

    segment: TranscriptSegment
    opens: bool
    name: str
    changed: bool

    @property
    def unsure(self) -> bool:
        """Tell whether the line was hard to hear; what a person wrote is not doubted."""
        return self.segment.confidence < LOW_CONFIDENCE and not self.changed

    @cached_property
    def words(self) -> tuple[TimedWord, ...]:
        """The words of the line with the times at which they are heard."""
        line = self.segment
        return timed_words(line.text, line.words, line.start_s, line.end_s)


def read_turns(call: Call, segments: Sequence[TranscriptSegment]) -> list[Turn]:
    """Return the lines of `call` in order."""
    names, changed = party_names(call), changed_lines(call)
    before = [None, *(segment.party for segment in segments)]
    return [
        Turn(segment, segment.party != party, names.get(segment.party, ""), segment.number in changed)
        for segment, party in zip(segments, before, strict=False)
    ]
