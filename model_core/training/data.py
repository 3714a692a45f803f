"""What a run reads: calls with their summaries, or documents, to learn from and to hold out.

It knows the sources and the batches made of them, and neither model nor optimizer.
"""

from dataclasses import dataclass
from pathlib import Path

from model_core.config.schema import RunConfig
from model_core.data.batches import BatchMaker, StepMaker
from model_core.data.drills import DrilledExamples
from model_core.data.encoding import ExampleEncoder
from model_core.data.examples import ExampleSource, MixedExamples, SimulatedExamples, read_approved
from model_core.data.packing import PackedBatch
from model_core.data.refinery.shards import sha256_of
from model_core.data.text.batches import TextBatchMaker
from model_core.data.text.shards import MANIFEST, TokenShards
from model_core.data.tokenizer import FILE_NAME
from model_core.errors import ConfigError


@dataclass(frozen=True)
class Origin:
    """A file or a folder that a run learns from, as the registry keeps it; `examples` counts pairs or documents."""

    name: str
    path: str
    sha256: str
    examples: int


@dataclass(frozen=True)
class RunData:
    """The maker of the batches to learn from, the rows that are held out, and where they are from, unless simulated."""

    maker: StepMaker
    held_out: list[PackedBatch]
    origin: Origin | None = None


def run_data(config: RunConfig, tokenizer: Path, approved: Path | None) -> RunData:
    """Return what the run's objective reads; `tokenizer` is a folder, `approved` a file of pairs to mix in.

    Raises: ConfigError when approved pairs are given to a run on text; DataError when something cannot be read, or is
    made for another tokenizer.
    """
    if config.train.objective == "text":
        if approved is not None:
            raise ConfigError("train.objective is 'text'; approved pairs are for a run on summaries")
        return _text(config, tokenizer)
    return _summaries(config, ExampleEncoder(tokenizer, config.data.reading_weight), approved)


def _text(config: RunConfig, tokenizer: Path) -> RunData:
    shards = TokenShards(Path(config.data.tokens))
    shards.check_tokenizer(tokenizer / FILE_NAME)
    maker = TextBatchMaker(
        shards=shards,
        max_tokens=config.model.max_positions,
        tokens_per_micro_batch=config.train.tokens_per_micro_batch,
        micro_batches=config.train.micro_batches,
        held_out_rows=config.data.eval_rows,
        seed=config.train.seed,
    )
    return RunData(maker, maker.held_out(), _origin("text", shards.folder, shards.folder / MANIFEST, shards.documents))


def _summaries(config: RunConfig, encoder: ExampleEncoder, approved: Path | None) -> RunData:
    data, seed = config.data, config.train.seed
    source: ExampleSource = SimulatedExamples(
        data.split, seed, data.noise_levels, data.substitute_share, data.thin_share
    )
    if data.drill_until:
        source = DrilledExamples(source, data.drill_share, data.drill_until, seed)
    origin = None
    if approved is not None:
        pairs = read_approved(approved)
        source = MixedExamples(source, pairs, data.approved_share, seed)
        origin = _origin("approved", approved, approved, len(pairs))
    return RunData(_batch_maker(config, encoder, source), _held_out(config, encoder), origin)


def _origin(name: str, path: Path, digested: Path, examples: int) -> Origin:
    return Origin(name, str(path.resolve()), sha256_of(digested), examples)


def _held_out(config: RunConfig, encoder: ExampleEncoder) -> list[PackedBatch]:
    """Return the held-out calls, clean and noisy as in training, in rows of the micro batch's size."""
    source = SimulatedExamples(config.data.eval_split, config.train.seed, config.data.noise_levels)
    maker = _batch_maker(config, encoder, source)
    batches: list[PackedBatch] = []
    index = 0
    while index < config.data.eval_examples:
        step = maker.step(index)
        batches += step.micro_batches
        index = step.next_index
    return batches


def _batch_maker(config: RunConfig, encoder: ExampleEncoder, source: ExampleSource) -> BatchMaker:
    return BatchMaker(
        source=source,
        encode=encoder,
        max_tokens=config.model.max_positions,
        tokens_per_micro_batch=config.train.tokens_per_micro_batch,
        micro_batches=config.train.micro_batches,
        transcript_weight=config.train.transcript_loss_weight,
    )
