"""Calls in, summaries out: batched greedy decoding of a trained checkpoint under the grammar.

It knows the decoder with its cache, the tokenizer and the grammar; it knows no queue, no database and no audio.

Legend: B sequences, T tokens, V vocabulary.
"""

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch

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
from model_core.inference.source import Span
from model_core.models.cache import KVCache
from model_core.models.decoder import Decoder

DEFAULT_MAX_NEW_TOKENS = 900
# A longer guess is read in vain too often. Measured with `benchmarks/summarize.py`.
MAX_FORESEEN = 12
Cancel = Callable[[], bool]
OnToken = Callable[[int, int], None]


@dataclass(frozen=True)
class GeneratedSummary:
    """A summary with what it took. `confidence` is the mean log-probability of the choices of codes, sections and
    evidence; `duration_s` is the share of the batch's time."""

    summary: Summary
    ids: tuple[int, ...]
    prompt_tokens: int
    completion_tokens: int
    duration_s: float
    confidence: float


@dataclass
class _Writing:
    """One sequence of a batch: where its grammar stands and what has been written."""

    call: int
    state: SummaryState
    prompt: list[int]
    breaks: frozenset[int]
    ids: list[int] = field(default_factory=list)
    text: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)

    def take(self, logits_V: sampling.Logits) -> int:
        """Choose and take the next token."""
        choice = self.state.choice
        if choice is None:
            raise InferenceError("the summary has ended; no token follows")
        token, logprob = sampling.best(logits_V, sampling.unrepeated(choice, self.text))
        if choice.structural and len(choice.ids) > 1:
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
        self._model = model.eval()
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
        return self._model.config.max_positions

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
        return _Writing(number, state, prompt, self._breaks)

    def _write(self, batch: list[_Writing], max_new_tokens: int, cancel: Cancel | None) -> Iterator[tuple[int, int]]:
        """Write the batch to its end; yield each call's number with each of its tokens."""
        longest = max(len(writing.prompt) for writing in batch)
        weight = self._model.head.weight
        cache_len = min(self.max_positions, longest + max_new_tokens)
        cache = KVCache(self._model.config, len(batch), cache_len, dtype=weight.dtype, device=weight.device)
        active = batch
        rows = [writing.prompt for writing in batch]
        while True:
            if cancel is not None and cancel():
                raise GenerationCancelled(f"generation was cancelled with {len(active)} summaries unfinished")
            yield from self._step(active, rows, cache)
            left = [row for row, writing in enumerate(active) if not writing.state.done]
            if not left:
                return
            if len(left) < len(active):
                active = [active[row] for row in left]
                cache.select(left)
            room = min(MAX_FORESEEN, cache.max_len - max(cache.lengths) - 1)
            rows = [[writing.ids[-1], *writing.state.foreseen(room)] for writing in active]

    def _step(self, active: list[_Writing], rows: list[list[int]], cache: KVCache) -> Iterator[tuple[int, int]]:
        """Read the rows, of which all but the prompts are a token and a guess; take the next tokens as far as it holds.

        Source: Leviathan et al. 2023, arXiv 2211.17192, for reading a guess in one pass; here the grammar guesses.
        """
        lengths = list(cache.lengths)
        logits_BTV = self._logits(rows, cache)
        for row, (writing, tokens) in enumerate(zip(active, rows, strict=True)):
            first = len(tokens) - 1 if not writing.ids else 0
            read = first
            while True:
                token = writing.take(logits_BTV[row][read - first])
                yield writing.call, token
                read += 1
                if writing.state.done or read == len(tokens) or tokens[read] != token:
                    break
            lengths[row] += read
        cache.truncate(lengths)

    @torch.inference_mode()
    def _logits(self, rows: list[list[int]], cache: KVCache) -> list[sampling.Logits]:
        """Feed the new tokens of each row; return the logits (T, V) after each of them, of a prompt after the last."""
        counts = [len(row) for row in rows]
        device = self._model.head.weight.device
        ids_BT = torch.zeros((len(rows), max(counts)), dtype=torch.long)
        for row, tokens in enumerate(rows):
            ids_BT[row, : len(tokens)] = torch.tensor(tokens)
        prompts = not any(cache.lengths)
        states_BTD = self._model.hidden(ids_BT.to(device), cache=cache, counts=counts)
        wanted = [states_BTD[row, count - 1 if prompts else 0 : count] for row, count in enumerate(counts)]
        logits_NV = self._model.head(torch.cat(wanted)).float().cpu()
        return [part.numpy() for part in torch.split(logits_NV, [len(states) for states in wanted])]

    def _result(self, writing: _Writing, duration_s: float) -> GeneratedSummary:
        return GeneratedSummary(
            summary=in_notes(parse(self.tokenizer, writing.ids)),
            ids=tuple(writing.ids),
            prompt_tokens=len(writing.prompt),
            completion_tokens=len(writing.ids),
            duration_s=duration_s,
            confidence=sum(writing.logprobs) / max(1, len(writing.logprobs)),
        )
