"""What people do while they speak: fillers, stutters, backchannels, self-corrections, confirmations, broken turns.

Changes the utterances of a call and keeps their slots and labels; it never changes what is settled in the call.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from model_core.data.korean import josa
from model_core.data.simulator.slots import SlotValue
from model_core.data.simulator.utterances import Piece, Show, Utterance, breaks, join, plain_piece, split

_FILLERS: Final = {
    "formal": ("어", "음", "저", "그", "아", "저기", "그니까", "그게", "어 그"),
    "polite": ("어", "음", "그", "아", "저기", "그러니까", "뭐", "그게"),
    "familiar": ("어", "음", "아", "그", "아니", "뭐", "야", "그니까", "근데"),
}
_FILLED: Final = ("어", "음", "저", "그", "아", "네", "예", "응", "아니", "뭐", "야", "근데", "그럼", "여보세요")
_BACKCHANNELS: Final = {
    "formal": ("네", "네네", "예", "아 네", "아 예", "네 네", "아 그러시군요", "음"),
    "polite": ("네", "네네", "아 네", "예", "아 그래요", "음 네", "아"),
    "familiar": ("어", "응", "어어", "아 그래", "응응", "진짜", "음"),
}
_CORRECTIONS: Final = {
    "formal": ("아니", "아 아니", "아 죄송합니다", "아니 아니", "아니요"),
    "polite": ("아니", "아 아니", "아니다", "아 죄송해요", "아니 아니"),
    "familiar": ("아니", "아니다", "아 아니", "아니 아니", "아 미안"),
}
_ASK: Final = {
    "formal": (" 맞으시죠?", " 맞으십니까?", "(이라고/라고) 하셨죠?", " 맞으세요?", "(이요/요)?", " 말씀이시죠?"),
    "polite": (" 맞죠?", "(이라고/라고) 하셨죠?", "(이요/요)?", " 맞으시죠?", " 말씀이세요?"),
    "familiar": (" 맞지?", "(이라고/라고)?", " 말이지?", "?"),
}
_CONFIRM: Final = {
    "formal": ("네 맞아요", "네, 맞습니다", "네네", "예 맞아요", "네", "맞습니다"),
    "polite": ("네 맞아요", "네네", "네, 맞아요", "예", "맞아요"),
    "familiar": ("어 맞아", "응", "어", "그렇지", "맞아"),
}
CORRECTABLE: Final = ("time", "date", "money", "count", "number", "duration", "percent", "choice", "person", "digits")
CONFIRMABLE: Final = (
    "time",
    "date",
    "money",
    "count",
    "phone",
    "address",
    "digits",
    "carno",
    "person",
    "unit",
    "number",
)


@dataclass(frozen=True)
class Habits:
    """How often each thing happens, as a probability at each place where it can."""

    filler: float = 0.12
    stutter: float = 0.02
    backchannel: float = 0.14
    correction: float = 0.06
    confirmation: float = 0.12
    broken: float = 0.05
    merged: float = 0.5


def with_fillers(turns: Sequence[Utterance], style: str, habits: Habits, rng: random.Random) -> list[Utterance]:
    """Put fillers and stutters at the start of some utterances."""
    return [_with_filler(turn, style, habits, rng) for turn in turns]


def _with_filler(turn: Utterance, style: str, habits: Habits, rng: random.Random) -> Utterance:
    first = turn.shown.partition(" ")[0].rstrip(".,?")
    if first not in _FILLED and rng.random() < habits.filler:
        comma = rng.choice((" ", " ", ", "))
        return replace(turn, pieces=(plain_piece(rng.choice(_FILLERS[style]) + comma), *turn.pieces))
    if not turn.pieces[0].slot and " " in turn.pieces[0].shown and len(first) < 4 and rng.random() < habits.stutter:
        return replace(turn, pieces=(plain_piece(first + " "), *turn.pieces))
    return turn


def with_backchannels(turns: Sequence[Utterance], style: str, habits: Habits, rng: random.Random) -> list[Utterance]:
    """Cut some long utterances in two, with or without a short word of the listener between the parts."""
    out = []
    for turn in turns:
        places = breaks(turn)
        roll = rng.random()
        if len(turn.shown) < 24 or not places or roll > habits.backchannel + habits.broken:
            out.append(turn)
            continue
        head, tail = split(turn, rng.choice(places))
        out.append(head)
        if roll < habits.backchannel:
            listener = "B" if turn.party == "A" else "A"
            out.append(Utterance(listener, (plain_piece(rng.choice(_BACKCHANNELS[style]) + "."),)))
        out.append(tail)
    return out


def with_corrections(
    turns: Sequence[Utterance],
    style: str,
    habits: Habits,
    rng: random.Random,
    kinds: Mapping[str, str],
    wrong_value: Callable[[str], SlotValue | None],
    show: Show,
) -> list[Utterance]:
    """Let speakers say another value first and put it right ("세 시 아니 네 시 반이요"), at a slot's first mention.

    `kinds` gives the slot types by slot key; `wrong_value` draws a value that the call does not hold, or None.
    """
    seen: set[str] = set()
    out = []
    for turn in turns:
        pieces: list[Piece] = []
        for piece in turn.pieces:
            fresh = piece.slot and piece.slot not in seen and kinds.get(piece.slot) in CORRECTABLE
            seen.add(piece.slot)
            value = wrong_value(piece.slot) if fresh and rng.random() < habits.correction else None
            if value:
                pieces.append(Piece(value.spoken, show(value)))
                pieces.append(plain_piece(f" {rng.choice(_CORRECTIONS[style])} "))
            pieces.append(piece)
        out.append(replace(turn, pieces=tuple(pieces)))
    return out


def with_confirmations(
    turns: Sequence[Utterance],
    style: str,
    habits: Habits,
    rng: random.Random,
    kinds: Mapping[str, str],
) -> list[Utterance]:
    """Let the listener repeat a value that was just said for the first time, and the speaker confirm it.

    `kinds` gives the slot types by slot key, of the slots that may be confirmed.
    """
    seen: set[str] = set()
    out = []
    for index, turn in enumerate(turns):
        out.append(turn)
        fresh = [piece for piece in turn.pieces if piece.slot not in seen and kinds.get(piece.slot) in CONFIRMABLE]
        seen.update(piece.slot for piece in turn.pieces)
        following = {piece.slot for other in turns[index + 1 : index + 2] for piece in other.pieces}
        fresh = [piece for piece in fresh if piece.slot not in following]
        if fresh and turn.labels and rng.random() < habits.confirmation:
            out.extend(_confirmation(turn.party, rng.choice(fresh), style, rng))
    return out


def _confirmation(speaker: str, piece: Piece, style: str, rng: random.Random) -> list[Utterance]:
    ask = rng.choice(_ASK[style])
    if ask.startswith("("):
        forms, _, rest = ask[1:].partition(")")
        consonant, _, vowel = forms.partition("/")
        ask = josa.choose(piece.spoken, consonant, vowel) + rest
    listener = "B" if speaker == "A" else "A"
    yes = rng.choice(_CONFIRM[style]) + "."
    return [Utterance(listener, (piece, plain_piece(ask))), Utterance(speaker, (plain_piece(yes),))]


def merged(turns: Sequence[Utterance], habits: Habits, rng: random.Random) -> list[Utterance]:
    """Join some utterances of a party that follow one another."""
    out: list[Utterance] = []
    for turn in turns:
        if out and out[-1].party == turn.party and rng.random() < habits.merged:
            out[-1] = join(out[-1], turn)
        else:
            out.append(turn)
    return out
