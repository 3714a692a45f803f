"""Speech windows to learn from, made while training runs: texts mixed, spoken, sent over a line, batched by length.

It knows where texts come from and how windows are laid out; it does not know the model or the loss.
"""

import gzip
import random
import re
import unicodedata
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Tokenizer

from model_core.data.simulator.line import draw_line, receive, transmit
from model_core.data.simulator.voice import RATE_HZ, SynthesisError, Voice, draw_voice, speak
from model_core.speech.features import FRAMES_PER_S, HOP, WINDOW_FRAMES, log_mel
from model_core.speech.tokenizer import jamo_ids

Samples = npt.NDArray[np.float32]
Draw = Callable[[random.Random], str]

_KEPT = re.compile(r"[가-힣 .,?]+")
_LAUGHS = re.compile(r"[ㄱ-ㅎㅏ-ㅣ~^*♥♡☆★…\"']+")
MAX_LETTERS = 60
PADDED_WINDOWS = 4


@dataclass(frozen=True)
class Window:
    """Features of one window, (80, T) float16, the frames that hold sound, and its labels."""

    mel: torch.Tensor
    num_frames: int
    token_ids: list[int]
    jamo: list[int]


@dataclass(frozen=True)
class Batch:
    """Windows of about one length: features (B, 80, T) float16, frames with sound (B,), and labels by window."""

    mel: torch.Tensor
    num_frames: torch.Tensor
    token_ids: list[list[int]]
    jamo: list[list[int]]


def clean_sentence(line: str) -> str | None:
    """Return `line` as plain Hangul with . , ? kept, or None when it holds anything not spoken as written."""
    text = _LAUGHS.sub(" ", unicodedata.normalize("NFC", line)).replace("!", ".")
    text = re.sub(r"\s*([.,?])[.,? ]*", r"\1 ", text)
    text = re.sub(r"\s+", " ", text).strip(" ,.")
    if not 2 <= len(text) <= MAX_LETTERS or not _KEPT.fullmatch(text):
        return None
    if max(len(word) for word in text.split()) > 8 or re.search(r"(.)\1\1", text):
        return None
    return text if text.endswith("?") else f"{text}."


def read_corpora(folder: Path) -> tuple[list[str], list[str]]:
    """Read `chatbot-pairs.tsv.gz` and `nsmc-reviews.txt.gz` of `folder` as clean sentences: (conversation, reviews)."""
    with gzip.open(folder / "chatbot-pairs.tsv.gz", "rt", encoding="utf-8") as pairs:
        talk = [clean_sentence(column) for line in pairs for column in line.rstrip("\n").split("\t")]
    with gzip.open(folder / "nsmc-reviews.txt.gz", "rt", encoding="utf-8") as lines:
        reviews = [clean_sentence(line) for line in lines]
    return [text for text in talk if text], [text for text in reviews if text]


def mixed_texts(talk: list[str], reviews: list[str], calls: Iterator[str]) -> Draw:
    """Return a draw over all sources, about half of it call speech."""
    words = sorted({word.strip(".,?") for text in reviews for word in text.split()} - {""})
    sources: list[tuple[float, Draw]] = [
        (0.56, lambda _: next(calls)),
        (0.14, lambda rng: word_salad(rng, words)),
        (0.17, lambda rng: rng.choice(talk)),
        (0.13, lambda rng: rng.choice(reviews)),
    ]
    weights = [weight for weight, _ in sources]
    return lambda rng: rng.choices(sources, weights)[0][1](rng)


def word_salad(rng: random.Random, words: list[str]) -> str:
    """Return words in no order at all, so that listening is the only way to write them down."""
    return " ".join(rng.choice(words) for _ in range(rng.randint(2, 7))) + rng.choice((".", ".", "?"))


@dataclass(frozen=True)
class Lesson:
    """What a stage of training is made of.

    Longest window in seconds, the share of windows that join several utterances, the share of batches padded to 30 s as
    at inference, the worst signal to noise of a line in dB, and the frames of a batch.
    """

    longest_s: float
    joined: float = 0.0
    padded: float = 0.0
    worst_db: float = 5.0
    frames: int = 8_000


def lesson_at(progress: float) -> Lesson:
    """Return the stage at `progress` 0 to 1: short, single and clean first, then long, noisy and padded."""
    stages = (
        (0.06, Lesson(3.0, worst_db=20.0, frames=4_000)),
        (0.12, Lesson(4.0, worst_db=15.0, frames=4_000)),
        (0.68, Lesson(5.0, worst_db=10.0, frames=6_000)),
        (0.92, Lesson(8.0, 0.2, 0.05)),
        (1.01, Lesson(14.0, 0.3, 0.15)),
    )
    return next(lesson for end, lesson in stages if progress < end)


class WindowMaker:
    """Draws windows: one or several utterances with pauses, sent over one line, with features and labels."""

    def __init__(self, draw_text: Draw, tokenizer: Tokenizer, seed: int, *, test: bool = False) -> None:
        self._draw_text, self._tokenizer, self._test = draw_text, tokenizer, test
        self._rng = random.Random(seed)
        self._heard: deque[Samples] = deque(maxlen=8)

    def draw(self, lesson: Lesson) -> Window:
        """Make one window no longer than `lesson.longest_s`."""
        rng = self._rng
        target_s = rng.uniform(0.3, 1.0) * lesson.longest_s if rng.random() < lesson.joined else 0.0
        voices = [draw_voice(rng, test=self._test)]
        if rng.random() < 0.25:
            voices.append(draw_voice(rng, test=self._test))
        texts: list[str] = []
        pieces = [_silence(rng, 0.02, 0.5)]
        total_s = pieces[0].size / RATE_HZ
        for _ in range(24):
            text, samples = self._utterance(rng.choice(voices))
            if total_s + samples.size / RATE_HZ > lesson.longest_s:
                if texts or total_s > target_s:
                    break
                continue
            pieces += [samples * rng.uniform(0.6, 1.0), _silence(rng, 0.05, 1.2)]
            texts.append(text)
            total_s = sum(piece.size for piece in pieces) / RATE_HZ
            if total_s >= target_s:
                break
        return self._finished(np.concatenate(pieces)[: int(lesson.longest_s * RATE_HZ)], " ".join(texts), lesson)

    def _utterance(self, voice: Voice) -> tuple[str, Samples]:
        while True:
            text = self._draw_text(self._rng)
            try:
                samples = speak(text, voice)
            except SynthesisError as error:
                if error.permanent and "not installed" in str(error):
                    raise
                continue
            self._heard.append(samples[: 6 * RATE_HZ])
            return text, samples

    def _finished(self, samples: Samples, text: str, lesson: Lesson) -> Window:
        line = draw_line(self._rng, worst_db=lesson.worst_db)
        babble = self._rng.choice(self._heard) if self._heard else None
        heard = receive(transmit(samples.astype(np.float32), line, self._rng, babble), line)
        num_frames = min(-(-heard.size // HOP), WINDOW_FRAMES)
        mel_MT = log_mel(heard, num_frames + num_frames % 2)
        return Window(mel_MT.half(), num_frames, self._tokenizer.encode(text).ids, jamo_ids(text))


def _silence(rng: random.Random, least_s: float, most_s: float) -> Samples:
    return np.zeros(int(rng.triangular(least_s, most_s, least_s) * RATE_HZ), dtype=np.float32)


def make_batches(maker: WindowMaker, progress: Callable[[], float], seed: int, pool: int = 96) -> Iterator[Batch]:
    """Yield batches for ever; `pool` windows are sorted by length, so little is padding."""
    rng = random.Random(seed)
    while True:
        lesson = lesson_at(progress())
        windows = sorted((maker.draw(lesson) for _ in range(pool)), key=lambda window: window.num_frames)
        batches, start = [], 0
        while start < len(windows):
            end = start + 1
            while end < len(windows) and (end + 1 - start) * windows[end].num_frames <= lesson.frames:
                end += 1
            batches.append(windows[start:end])
            start = end
        rng.shuffle(batches)
        for batch in batches:
            if rng.random() < lesson.padded:
                yield collate(rng.sample(batch, min(len(batch), PADDED_WINDOWS)), WINDOW_FRAMES)
            else:
                yield collate(batch, _padded_frames(batch, rng))


def _padded_frames(windows: list[Window], rng: random.Random) -> int:
    longest = max(window.mel.shape[1] for window in windows)
    extra = int(rng.triangular(0.0, 0.25, 0.02) * longest) + rng.randrange(0, FRAMES_PER_S // 2)
    return min(WINDOW_FRAMES, (longest + extra) // 2 * 2)


def collate(windows: list[Window], num_frames: int) -> Batch:
    """Pad windows with silence (each window's own floor) to `num_frames` and stack them."""
    mel_BMT = torch.stack([_with_silence(window.mel, num_frames) for window in windows])
    frames_B = torch.tensor([min(window.num_frames, num_frames) for window in windows])
    return Batch(mel_BMT, frames_B, [window.token_ids for window in windows], [window.jamo for window in windows])


def _with_silence(mel_MT: torch.Tensor, num_frames: int) -> torch.Tensor:
    padded = torch.empty(mel_MT.shape[0], num_frames, dtype=mel_MT.dtype)
    # Silence is clamped to eight decades below the loudest cell (two in the scaled features), and to 1e-10 in any case.
    padded[:] = max(float(mel_MT.max()) - 2.0, -1.5)
    width = min(num_frames, mel_MT.shape[1])
    padded[:, :width] = mel_MT[:, :width]
    return padded
