"""The generator: summaries of any batch parse, are the same alone and together, stream, and can be cancelled."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from torch import Tensor

from model_core.data.call import Line
from model_core.data.summary_format import parse
from model_core.data.tokenizer import train_tokenizer
from model_core.errors import ModelCoreError
from model_core.inference import engine
from model_core.inference.engine import SummaryGenerator
from model_core.inference.errors import GenerationCancelled, InferenceError
from model_core.inference.grammar import Limits
from model_core.inference.notes import in_notes
from model_core.inference.sharing import shared_beginnings
from model_core.models.cache import KVCache
from model_core.models.cached import CachedDecoder
from tests.tiny_model import save_tiny_model

CALLS = (
    (Line("A", "네, 가온텔레콤입니다."), Line("B", "요금이 54,000원 나왔어요.")),
    (Line("B", "내일 오후 세 시에 갈게요."), Line("A", "네, 그때 봬요."), Line("B", "수고하세요.")),
    (Line("A", "여보세요?"),),
)
TOKENIZER = train_tokenizer([line.text for call in CALLS for line in call] * 9, 700)
LIMITS = Limits(max_topics=2, max_points=2, max_actions=2, max_decisions=1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_model(tmp_path_factory.mktemp("models"), TOKENIZER, max_positions=700)


@pytest.fixture(scope="module")
def generator(folder: Path) -> SummaryGenerator:
    return SummaryGenerator.load(folder, limits=LIMITS, max_batch=2)


def test_a_batch_gives_what_each_call_gives_alone(generator: SummaryGenerator) -> None:
    together = generator.generate(CALLS, max_new_tokens=500)
    alone = [generator.generate([call], max_new_tokens=500)[0] for call in CALLS]
    assert [result.ids for result in together] == [result.ids for result in alone]
    assert len({result.ids for result in together}) == len(CALLS)


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the list to which each pass over the model adds the number of tokens it reads."""
    counts: list[int] = []
    read = CachedDecoder.read

    def counted(decoder: CachedDecoder, tokens: Sequence[Sequence[int]], cache: KVCache) -> Tensor:
        counts.append(sum(map(len, tokens)))
        return read(decoder, tokens, cache)

    monkeypatch.setattr(CachedDecoder, "read", counted)
    return counts


def test_guesses_change_the_number_of_passes_and_nothing_else(
    generator: SummaryGenerator, passes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    results, counts = [], []
    for longest in (engine.MAX_FORESEEN, 0):
        monkeypatch.setattr(engine, "MAX_FORESEEN", longest)
        passes.clear()
        results.append(generator.generate(CALLS, max_new_tokens=500))
        counts.append(len(passes))
    assert [result.ids for result in results[0]] == [result.ids for result in results[1]]
    # Several tokens in one pass are other shapes of product, which round in another way.
    alike = pytest.approx([result.confidence for result in results[1]], rel=1e-5)
    assert [result.confidence for result in results[0]] == alike
    assert counts[0] < counts[1] < sum(len(result.ids) for result in results[1])


def test_a_beginning_that_prompts_share_is_read_once_and_changes_no_token(folder: Path, passes: list[int]) -> None:
    generator = SummaryGenerator.load(folder, limits=LIMITS)
    longer = (*CALLS[1], *CALLS[0][:1])
    alone = [generator.generate([call], max_new_tokens=500)[0] for call in (CALLS[1], longer, CALLS[2])]
    passes.clear()
    together = generator.generate([CALLS[1], longer, CALLS[2], CALLS[1]], max_new_tokens=500)
    assert [result.ids for result in together] == [result.ids for result in (*alone, alone[0])]
    same, more, other = (generator.count_tokens(call) for call in (CALLS[1], longer, CALLS[2]))
    # The shortest first, as they are read; all of a call but its last token, which closes it.
    assert [result.shared_tokens for result in together] == [0, same - 1, 0, same - 1]
    assert passes[:2] == [same - 1 + other - 1, 1 + 1 + 1 + more - (same - 1)]


def test_less_than_half_a_prompt_is_not_shared() -> None:
    tail = [*range(100, 120)]
    prompts = [[1, 2, 3, *tail], [1, 2, 3, 4], [1, 2, 3, 5, 6, 7, 8], [*tail], [1, 2, 3, *tail]]
    assert shared_beginnings(prompts) == [(0, 0), (0, 3), (2, 0), (3, 0), (0, 22)]


def test_counts_and_confidence_are_of_the_summary(generator: SummaryGenerator) -> None:
    (result,) = generator.generate(CALLS[:1], max_new_tokens=500)
    assert in_notes(parse(TOKENIZER, result.ids), CALLS[0]) == result.summary
    assert result.completion_tokens == len(result.ids) <= 500
    assert result.prompt_tokens == generator.count_tokens(CALLS[0])
    assert result.confidence < 0
    assert result.duration_s > 0


def test_tokens_are_streamed_as_they_are_written(generator: SummaryGenerator) -> None:
    seen: dict[int, list[int]] = {}
    results = generator.generate(
        CALLS, max_new_tokens=500, on_token=lambda call, token: seen.setdefault(call, []).append(token)
    )
    assert {call: tuple(ids) for call, ids in seen.items()} == {n: result.ids for n, result in enumerate(results)}


def test_a_stream_ends_with_the_same_summary(generator: SummaryGenerator) -> None:
    stream = generator.stream(CALLS[0], max_new_tokens=500)
    ids = []
    while True:
        try:
            ids.append(next(stream))
        except StopIteration as end:
            assert tuple(ids) == end.value.ids == generator.generate(CALLS[:1], max_new_tokens=500)[0].ids
            return


def test_a_generation_can_be_cancelled(generator: SummaryGenerator) -> None:
    asked: list[None] = []

    def cancel() -> bool:
        asked.append(None)
        return len(asked) > 5

    with pytest.raises(GenerationCancelled, match="unfinished"):
        generator.generate(CALLS[:1], cancel=cancel, max_new_tokens=500)
    assert len(asked) == 6


def test_a_call_longer_than_the_context_is_refused_by_name(generator: SummaryGenerator) -> None:
    long_call = [Line("B", "요금이 54,000원 나왔어요. 내일 오후 세 시에 갈게요.")] * 40
    with pytest.raises(InferenceError, match=r"call 1 has \d+ prompt tokens of a context of 700"):
        generator.generate([CALLS[0], long_call])


@pytest.mark.parametrize("missing", ["lexicon.json", "tokenizer.json", "config.json", "model.safetensors"])
def test_a_folder_without_a_part_is_refused(folder: Path, tmp_path: Path, missing: str) -> None:
    for path in folder.iterdir():
        if path.name not in (missing, "MANIFEST.json"):
            (tmp_path / path.name).write_bytes(path.read_bytes())
    with pytest.raises(ModelCoreError, match=missing.replace(".", r"\.")):
        SummaryGenerator.load(tmp_path)
