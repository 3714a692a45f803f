"""Calls in, summaries out: batched greedy decoding of a trained checkpoint under the grammar.

It knows the decoder with its cache, the tokenizer and the grammar; it knows no queue, no database and no audio.

Legend: D model width.
"""

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path

import torch
from torch import Tensor

from model_core.checkpoint.pretrained import load_model
from model_core.data.call import VALUE_CLOSE, VALUE_OPEN, Line, Summary
from model_core.data.korean.values import find_values
from model_core.data.summary_format import encode_prompt, parse
from model_core.data.tokenizer import SummaryTokenizer, load_tokenizer, structure_tokens
from model_core.inference import sampling
from model_core.inference.errors import GenerationCancelled, InferenceError
from model_core.inference.grammar import Limits, SummaryGrammar, SummaryState
from model_core.inference.lexicon import Lexicon, load_lexicon
from model_core.inference.notes import in_notes
from model_core.inference.sharing import shared_beginnings
from model_core.inference.source import Span
from model_core.inference.vocabulary import Ids
from model_core.models.cache import KVCache
from model_core.models.cached import CachedDecoder
from model_core.models.decoder import Decoder

DEFAULT_MAX_NEW_TOKENS = 900
# A longer guess is read in vain too often. Measured with `benchmarks/summarize.py`.
MAX_FORESEEN = 16
# The call's own words go on as in the call less often than a quote does.
MAX_LOOKED_UP = 4
Cancel = Callable[[], bool]
OnToken = Callable[[int, int], None]


@dataclass(frozen=True)
class GeneratedSummary:
    """A summary with what it took. `shared_tokens` of the prompt's tokens were read for another call of the batch;
    `confidence` is the mean log-probability of the choices of codes, sections and evidence; `duration_s` is the share
    of the batch's time."""

    summary: Summary
    ids: tuple[int, ...]
    prompt_tokens: int
    shared_tokens: int
    completion_tokens: int
    duration_s: float
    confidence: float


@dataclass
class _Writing:
    """One sequence of a batch: where its grammar stands and what has been written."""

    call: int
    lines: Sequence[Line]
    state: SummaryState
    prompt: list[int]
    breaks: frozenset[int]
    shared_tokens: int = 0
    ids: list[int] = field(default_factory=list)
    text: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)

    @property
    def is_forced(self) -> bool:
        """Whether one token alone may follow."""
        return self.state.choice is not None and len(self.state.choice.ids) == 1

    def foreseen(self, most: int) -> list[int]:
        """Return up to `most` tokens that may well follow: the grammar's guess, or how the call itself goes on."""
        guess = self.state.foreseen(most)
        if guess or not self.text:
            return guess
        found = self._last_in_prompt.get(self.text[-1])
        return [] if found is None else self.prompt[found + 1 : found + 1 + min(most, MAX_LOOKED_UP)]

    @cached_property
    def _last_in_prompt(self) -> dict[int, int]:
        return {token: place for place, token in enumerate(self.prompt)}

    def unread(self, cached: int) -> list[int]:
        """Return the tokens that follow the first `cached` of the prompt and the summary."""
        written = cached - len(self.prompt)
        return self.ids[written:] if written >= 0 else self.prompt[cached:]

    def take(self, logits: Callable[[Ids], sampling.Logits]) -> int:
        """Choose and take the next token; `logits`, asked if several are allowed, gives those of the allowed ones."""
        choice = self.state.choice
        if choice is None:
            raise InferenceError("the summary has ended; no token follows")
        if self.is_forced:
            token = int(choice.ids[0])
        else:
            allowed = sampling.unrepeated(choice, self.text)
            token, logprob = sampling.best(logits(allowed.ids), allowed)
            if choice.structural:
                self.logprobs.append(logprob)
        self.state.advance(token)
        self.ids.append(token)
        self.text = [] if token in self.breaks else [*self.text, token]
        return token


def value_spans(text: str) -> list[Span]:
    """Return where the figures, dates, times, amounts and numbers of a text stand, in characters."""
    return [(value.start, value.end) for value in find_values(text)]


class SummaryGenerator:
    """A model with its tokenizer and grammar, ready to write summaries. Not for several threads at once."""

    def __init__(
        self,
        model: Decoder,
        tokenizer: SummaryTokenizer,
        lexicon: Lexicon,
        *,
        limits: Limits | None = None,
        max_batch: int = 8,
    ) -> None:
        if tokenizer.vocab_size > model.config.vocab_size:
            raise InferenceError(
                f"the tokenizer has {tokenizer.vocab_size} tokens; the model knows {model.config.vocab_size}"
            )
        self.tokenizer = tokenizer
        self._breaks = frozenset(map(tokenizer.token_id, structure_tokens())) - {
            tokenizer.token_id(mark) for mark in (VALUE_OPEN, VALUE_CLOSE)
        }
        self._decoder = CachedDecoder(model.eval())
        self._grammar = SummaryGrammar(tokenizer, lexicon, value_spans, limits)
        self._max_batch = max_batch

    @classmethod
    def load(
        cls, folder: Path | str, *, limits: Limits | None = None, device: str = "cpu", max_batch: int = 8
    ) -> "SummaryGenerator":
        """Return the generator of a model folder, which holds the weights, the tokenizer and the lexicon.

        Raises: ModelCoreError when a part is missing, altered or of another form.
        """
        path = Path(folder)
        model = load_model(path).to(device)
        return cls(model, load_tokenizer(path), load_lexicon(path), limits=limits, max_batch=max_batch)

    @property
    def max_positions(self) -> int:
        """The most tokens of a prompt and its summary together."""
        return self._decoder.config.max_positions

    def count_tokens(self, lines: Sequence[Line]) -> int:
        """Return the number of prompt tokens of a call."""
        return len(encode_prompt(self.tokenizer, lines))

    def generate(
        self,
        calls: Sequence[Sequence[Line]],
        *,
        max_new_tokens: int = DEFAULT_MAX_NEW_TOKENS,
        cancel: Cancel | None = None,
        on_token: OnToken | None = None,
    ) -> list[GeneratedSummary]:
        """Return the summary of each call, in order. Deterministic for the same batch.

        `on_token` gets the index of the call and each token as it is written; `cancel` is asked before each step.

        Raises: InferenceError when a call has no words or does not fit the context (see `long_calls`);
            GenerationCancelled when `cancel` says so; FormatError for lines that the format cannot hold.
        """
        writings = [self._begin(number, lines, max_new_tokens) for number, lines in enumerate(calls)]
        order = sorted(writings, key=lambda writing: len(writing.prompt))
        results: dict[int, GeneratedSummary] = {}
        for start in range(0, len(order), self._max_batch):
            batch = order[start : start + self._max_batch]
            began = time.perf_counter()
            for call, token in self._write(batch, max_new_tokens, cancel):
                if on_token is not None:
                    on_token(call, token)
            share_s = (time.perf_counter() - began) / len(batch)
            results.update({writing.call: self._result(writing, share_s) for writing in batch})
        return [results[number] for number in range(len(calls))]

    def stream(
        self, lines: Sequence[Line], *, max_new_tokens: int = DEFAULT_MAX_NEW_TOKENS, cancel: Cancel | None = None
    ) -> Generator[int, None, GeneratedSummary]:
        """Yield the tokens of one call's summary as they are written; return the summary. Raises as `generate`."""
        writing = self._begin(0, lines, max_new_tokens)
        began = time.perf_counter()
        for _, token in self._write([writing], max_new_tokens, cancel):
            yield token
        return self._result(writing, time.perf_counter() - began)

    def _begin(self, number: int, lines: Sequence[Line], max_new_tokens: int) -> _Writing:
        prompt = encode_prompt(self.tokenizer, lines)
        room = self.max_positions - len(prompt)
        try:
            state = self._grammar.start(lines, min(max_new_tokens, room))
        except InferenceError as error:
            raise InferenceError(
                f"call {number} has {len(prompt)} prompt tokens of a context of {self.max_positions}: {error}"
            ) from error
        return _Writing(number, lines, state, prompt, self._breaks)

    def _write(self, batch: list[_Writing], max_new_tokens: int, cancel: Cancel | None) -> Iterator[tuple[int, int]]:
        """Write the batch to its end; yield each call's number with each of its tokens."""
        longest = max(len(writing.prompt) for writing in batch)
        cache = self._decoder.new_cache(len(batch), min(self.max_positions, longest + max_new_tokens))
        self._share(batch, cache)
        while True:
            left = [row for row, writing in enumerate(batch) if not writing.state.done]
            if not left:
                return
            if cancel is not None and cancel():
                raise GenerationCancelled(f"generation was cancelled with {len(left)} summaries unfinished")
            if 2 * len(left) <= len(batch):  # a copy of the cache costs more than a few rows that rest
                batch = [batch[row] for row in left]
                cache.select(left)
            yield from self._step(batch, cache)

    def _share(self, batch: list[_Writing], cache: KVCache) -> None:
        """Read what several prompts begin with once, and copy it to the others that do; nothing where none is shared.

        Those that share nothing are read along, whole but for the last token: the next step has few tokens then.
        """
        beginnings = shared_beginnings([writing.prompt for writing in batch])
        if not any(beginning.length for beginning in beginnings):
            return
        self._decoder.read(
            [[] if shared.length else writing.prompt[:-1] for writing, shared in zip(batch, beginnings, strict=True)],
            cache,
        )
        for row, (writing, shared) in enumerate(zip(batch, beginnings, strict=True)):
            writing.shared_tokens = shared.length
            if shared.length:
                cache.copy(shared.source, row, shared.length)

    def _step(self, batch: list[_Writing], cache: KVCache) -> Iterator[tuple[int, int]]:
        """Read what each summary has not read yet, and a guess of what follows; take tokens as far as the guess holds.

        Source: Leviathan et al. 2023, arXiv 2211.17192, for reading a guess in one pass; here the grammar guesses.
        """
        begins = list(cache.lengths)
        known = [[] if row.state.done else row.unread(begin) for row, begin in zip(batch, begins, strict=True)]
        rows = [self._with_guess(*row, cache.max_len) for row in zip(batch, known, begins, strict=True)]
        states = torch.split(self._decoder.read(rows, cache), [len(tokens) for tokens in rows])
        for number, (writing, tokens, states_TD) in enumerate(zip(batch, rows, states, strict=True)):
            certain, open_ = len(known[number]), True
            while not writing.state.done and (open_ or writing.is_forced):
                token = writing.take(partial(self._logits, states_TD[certain - 1]))
                yield writing.call, token
                open_ = open_ and tokens[certain : certain + 1] == [token]
                certain += open_
            begins[number] += certain
        cache.truncate(begins)

    def _with_guess(self, writing: _Writing, known: list[int], begin: int, max_len: int) -> list[int]:
        room = min(MAX_FORESEEN, max_len - begin - len(known))
        return known + writing.foreseen(room) if writing.ids and known else known

    def _logits(self, state_D: Tensor, ids: Ids) -> sampling.Logits:
        logits: sampling.Logits = self._decoder.logits(state_D, torch.from_numpy(ids)).numpy()
        return logits

    def _result(self, writing: _Writing, duration_s: float) -> GeneratedSummary:
        return GeneratedSummary(
            summary=in_notes(parse(self.tokenizer, writing.ids), writing.lines),
            ids=tuple(writing.ids),
            prompt_tokens=len(writing.prompt),
            shared_tokens=writing.shared_tokens,
            completion_tokens=len(writing.ids),
            duration_s=duration_s,
            confidence=sum(writing.logprobs) / max(1, len(writing.logprobs)),
        )
