"""The typed configuration of a model, its data and its training run.

Plain frozen dataclasses that check themselves when they are made. They know no torch: the web process reads them too.
"""

from dataclasses import dataclass, field
from math import inf, isfinite
from typing import Literal, get_args

from model_core.errors import ConfigError

Precision = Literal["auto", "bf16", "fp32"]
Schedule = Literal["wsd", "cosine"]
OptimizerName = Literal["adamw", "muon"]
RouterKind = Literal["sigmoid", "softmax"]
Objective = Literal["summaries", "text"]
DeviceName = Literal["auto", "cpu", "cuda"]


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ConfigError(message)


def _require_between(owner: object, section: str, low: float, high: float, *names: str, above: bool = False) -> None:
    """Require finite numbers from `low` to `high`, or with `above` above `low` and up to `high`."""
    for name in names:
        value = getattr(owner, name)
        limit = f"{'above' if above else 'at least'} {low:g}" + (f" and at most {high:g}" if isfinite(high) else "")
        fits = isfinite(value) and (low < value if above else low <= value) and value <= high
        _require(fits, f"{section}.{name} is {value}; it must be {limit}")


@dataclass(frozen=True)
class ModelConfig:
    """The architecture: a decoder whose first layers are dense and whose other layers are mixtures of experts.

    The defaults are this project's own form. `router`, `shared_expert`, `qk_norm` (a norm on the queries and keys of
    each head) and `attention_bias` (on queries, keys and values) tell it from models that others trained. A softmax
    router has no correction bias: nothing balances its experts.
    """

    vocab_size: int
    hidden_size: int
    num_layers: int
    num_heads: int
    num_kv_heads: int
    head_dim: int
    dense_intermediate_size: int
    moe_intermediate_size: int
    num_experts: int
    num_experts_per_token: int
    max_positions: int
    num_dense_layers: int = 1
    partial_rotary_factor: float = 0.5
    rope_theta: float = 10_000.0
    rms_norm_eps: float = 1e-5
    routed_scaling_factor: float = 1.0
    init_std: float = 0.02
    router: RouterKind = "sigmoid"
    shared_expert: bool = True
    qk_norm: bool = True
    attention_bias: bool = False
    pad_token_id: int = 0
    eos_token_id: int = 0

    def __post_init__(self) -> None:
        sizes = ("vocab_size", "hidden_size", "num_layers", "head_dim", "moe_intermediate_size", "max_positions")
        scales = ("rope_theta", "rms_norm_eps", "routed_scaling_factor")
        _require_between(self, "model", 0, inf, *sizes, *scales, above=True)
        _require_between(self, "model", 0, inf, "init_std")
        _require_between(self, "model", 0, 1, "partial_rotary_factor", above=True)
        _require(
            self.num_kv_heads > 0 and self.num_heads % self.num_kv_heads == 0,
            f"model.num_heads is {self.num_heads}; it must be a multiple of model.num_kv_heads, {self.num_kv_heads}",
        )
        _require(
            0 < self.num_experts_per_token < self.num_experts,
            f"model.num_experts_per_token is {self.num_experts_per_token}; "
            f"it must lie between 1 and model.num_experts - 1, {self.num_experts - 1}",
        )
        _require(
            0 <= self.num_dense_layers <= self.num_layers,
            f"model.num_dense_layers is {self.num_dense_layers}; it must lie between 0 and {self.num_layers}",
        )
        _require(
            self.rotary_dim % 2 == 0 and self.rotary_dim > 0,
            f"model.head_dim x model.partial_rotary_factor is {self.rotary_dim}; it must be even and above 0",
        )
        _require(
            self.router in ("sigmoid", "softmax"), f"model.router is {self.router!r}; it must be sigmoid or softmax"
        )
        for name in ("pad_token_id", "eos_token_id"):
            _require(
                0 <= getattr(self, name) < self.vocab_size,
                f"model.{name} is {getattr(self, name)}; it must be below model.vocab_size, {self.vocab_size}",
            )

    @property
    def rotary_dim(self) -> int:
        """The number of channels of a head that carry positions."""
        return int(self.head_dim * self.partial_rotary_factor)


@dataclass(frozen=True)
class DataConfig:
    """Where examples come from and how hard they are.

    `noise_levels`, about the share of syllables that a recognizer gets wrong, are drawn from evenly for each simulated
    call. `substitute_share` of the training calls have their nouns exchanged, and each line that no statement cites is
    left out with `thin_share`. `reading_weight` weighs the loss of tokens that only read on in a quote. `drill_share`
    of the examples before number `drill_until` are copying drills. `approved_share` is the part of the examples that
    comes from the approved pairs, when there are any. `tokenizer` is a folder. `eval_examples` calls are held out.

    A run on text reads none of these but the folder `tokens`, which `python -m model_core.data.text` makes of refined
    documents; `eval_rows` of its rows, each a micro batch, are held out.
    """

    split: str = "train"
    eval_split: str = "test"
    noise_levels: tuple[float, ...] = (0.0, 0.03, 0.08, 0.15)
    substitute_share: float = 0.4
    thin_share: float = 0.0
    reading_weight: float = 1.0
    drill_share: float = 0.0
    drill_until: int = 0
    approved_share: float = 0.5
    eval_examples: int = 64
    tokenizer: str = "pretrained/summarizer-mini"
    tokens: str = ""
    eval_rows: int = 16
    prefetch_steps: int = 8

    def __post_init__(self) -> None:
        _require(len(self.noise_levels) > 0, "data.noise_levels is empty; it must name at least one level")
        for level in self.noise_levels:
            _require(0 <= level < 1, f"data.noise_levels names {level}; each must be at least 0 and below 1")
        shares = ("approved_share", "substitute_share", "thin_share", "drill_share", "reading_weight")
        _require_between(self, "data", 0, 1, *shares)
        _require_between(self, "data", 0, inf, "drill_until")
        _require_between(self, "data", 1, inf, "eval_examples", "eval_rows", "prefetch_steps")


_CHOICES: dict[str, tuple[str, ...]] = {
    "objective": get_args(Objective),
    "optimizer": get_args(OptimizerName),
    "schedule": get_args(Schedule),
    "precision": get_args(Precision),
    "device": get_args(DeviceName),
}


@dataclass(frozen=True)
class TrainConfig:
    """How the weights are found. Learning rates are peaks; the schedule scales them.

    `objective` "summaries" learns calls with their summaries, "text" every token of documents.
    `transcript_loss_weight` is the weight of a transcript token beside a summary token's 1; 0 leaves transcripts
    unlearned. `decay_share` is the last part of the steps, over which a WSD schedule goes to zero. `muon_lr` counts
    only with the Muon optimizer, which takes the matrices; `lr` is AdamW's, for everything else. `wire_copying` starts
    a new model with induction heads (`models/copying.py`). `precision` is that of the matrix products; "auto" takes
    bf16 on a GPU and where the processor is faster in it. `activation_checkpointing` keeps a layer's input alone and
    computes the layer again in the backward pass. `spike_threshold` leaves out steps whose loss is that many
    deviations above the recent ones; 0 leaves out none. `peak_tflops` is what the MFU is a share of; 0
    measures it.
    """

    max_steps: int
    tokens_per_step: int
    tokens_per_micro_batch: int
    lr: float
    objective: Objective = "summaries"
    muon_lr: float = 5e-3
    optimizer: OptimizerName = "muon"
    weight_decay: float = 0.05
    warmup_steps: int = 50
    schedule: Schedule = "wsd"
    decay_share: float = 0.3
    clip_norm: float = 1.0
    transcript_loss_weight: float = 0.1
    precision: Precision = "auto"
    device: DeviceName = "auto"
    activation_checkpointing: bool = False
    spike_threshold: float = 0.0
    peak_tflops: float = 0.0
    ema_decay: float = 0.0
    wire_copying: bool = False
    bias_update_rate: float = 1e-3
    seed: int = 1
    log_every: int = 10
    eval_every: int = 100
    checkpoint_every: int = 100
    keep_last: int = 2
    threads: int = 2

    def __post_init__(self) -> None:
        counts = ("max_steps", "tokens_per_step", "log_every", "eval_every", "checkpoint_every", "keep_last", "threads")
        _require_between(self, "train", 1, inf, *counts)
        _require_between(self, "train", 0, inf, "lr", "muon_lr", "clip_norm", above=True)
        zero_is_none = ("weight_decay", "warmup_steps", "bias_update_rate", "spike_threshold", "peak_tflops", "seed")
        _require_between(self, "train", 0, inf, *zero_is_none)
        _require_between(self, "train", 0, 1, "decay_share")
        _require(
            0 < self.tokens_per_micro_batch <= self.tokens_per_step,
            f"train.tokens_per_micro_batch is {self.tokens_per_micro_batch}; "
            f"it must lie between 1 and train.tokens_per_step, {self.tokens_per_step}",
        )
        _require(
            self.tokens_per_step % self.tokens_per_micro_batch == 0,
            f"train.tokens_per_micro_batch is {self.tokens_per_micro_batch}; "
            f"it must divide train.tokens_per_step, {self.tokens_per_step}",
        )
        for name in ("transcript_loss_weight", "ema_decay"):
            value = getattr(self, name)
            _require(0 <= value < 1, f"train.{name} is {value}; it must be at least 0 and below 1")
        for name, known in _CHOICES.items():
            _require(
                getattr(self, name) in known,
                f"train.{name} is {getattr(self, name)!r}; it must be {', '.join(known[:-1])} or {known[-1]}",
            )

    @property
    def micro_batches(self) -> int:
        """The micro batches of a step, over all processes."""
        return self.tokens_per_step // self.tokens_per_micro_batch


@dataclass(frozen=True)
class ParallelConfig:
    """How a run is divided over the processes that a launcher starts.

    Each expert group of `expert_parallel` processes holds all experts once, so it divides their number: of one process
    alone it must be 1. `zero_stage` says what DeepSpeed cuts over the processes: 1 the optimizer's state, 2 also the
    gradients, 3 also the weights. A process that does not answer for `lost_after_s` seconds ends the run.
    """

    expert_parallel: int = 1
    zero_stage: int = 2
    lost_after_s: int = 40

    def __post_init__(self) -> None:
        _require(self.expert_parallel > 0, f"parallel.expert_parallel is {self.expert_parallel}; it must be above 0")
        # DeepSpeed's stage 0 clips spread experts by a norm that leaves out those of the other ranks.
        _require(
            self.zero_stage in (1, 2, 3),
            f"parallel.zero_stage is {self.zero_stage}; it must be 1, 2 or 3: stage 0 would clip by a wrong norm",
        )
        _require(
            5 <= self.lost_after_s <= 45,
            f"parallel.lost_after_s is {self.lost_after_s}; it must lie between 5 and 45",
        )


@dataclass(frozen=True)
class RunConfig:
    """A whole run: what a recipe returns and what the registry keeps."""

    name: str
    model: ModelConfig
    train: TrainConfig
    data: DataConfig = field(default_factory=DataConfig)
    parallel: ParallelConfig = field(default_factory=ParallelConfig)
    out: str = ""
    init: str = ""

    def __post_init__(self) -> None:
        _require(
            self.train.tokens_per_micro_batch >= self.model.max_positions,
            f"train.tokens_per_micro_batch is {self.train.tokens_per_micro_batch}; "
            f"it must be at least model.max_positions, {self.model.max_positions}, so that the longest example fits",
        )
        _require(
            self.train.objective != "text" or bool(self.data.tokens),
            "data.tokens is empty; a run on text needs the folder that python -m model_core.data.text made",
        )
        _require(
            self.model.num_experts % self.parallel.expert_parallel == 0,
            f"parallel.expert_parallel is {self.parallel.expert_parallel}; "
            f"it must divide model.num_experts, {self.model.num_experts}",
        )

    def check_processes(self, size: int) -> None:
        """Check that `size` processes can do the run.

        Raises: ConfigError naming the field, its value and the limit.
        """
        _require(
            size > 0 and size % self.parallel.expert_parallel == 0,
            f"parallel.expert_parallel is {self.parallel.expert_parallel}; "
            f"it must divide the number of processes, {size}",
        )
        _require(
            self.train.micro_batches % size == 0,
            f"train.tokens_per_step / train.tokens_per_micro_batch is {self.train.micro_batches} micro batches; "
            f"the number of processes, {size}, must divide it",
        )
