"""The ranks' side of the tests of what a rank holds: a model nearly all of experts is drawn, read, gone on with."""

import gc
import hashlib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from model_core.checkpoint.store import CheckpointStore, load_snapshot
from model_core.config.schema import RunConfig
from model_core.data.tokenizer import load_tokenizer
from model_core.models.decoder import Decoder
from model_core.parallel.slices import held_name
from model_core.parallel.team import Team, join
from model_core.training.engine import SpreadEngine
from model_core.training.run import initial_model
from model_core.training.trainer import Trainer

_TOKENIZER = Path("pretrained/summarizer-mini")


@dataclass
class Growth:
    """By how many bytes a process grew at most, files that are mapped aside."""

    bytes: int = 0


@contextmanager
def watched_growth() -> Iterator[Growth]:
    """Look at the memory of this process every millisecond until the context ends."""
    gc.collect()
    growth, done, before = Growth(), threading.Event(), _anonymous_bytes()

    def watch() -> None:
        while not done.is_set():
            growth.bytes = max(growth.bytes, _anonymous_bytes() - before)
            time.sleep(0.001)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield growth
        growth.bytes = max(growth.bytes, _anonymous_bytes() - before)
    finally:
        done.set()
        watcher.join()


def _anonymous_bytes() -> int:
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.partition("RssAnon:")[2].split()[0])


def digests(model: Decoder) -> dict[str, str]:
    """Return the SHA-256 of each tensor of a model, by the name of what is held of it."""
    return {
        held_name(name, model.held_experts, model.config.num_experts): digest(tensor)
        for name, tensor in model.state_dict().items()
    }


def digest(tensor: Tensor) -> str:
    """Return the SHA-256 of a tensor's bytes."""
    return hashlib.sha256(tensor.contiguous().numpy().tobytes()).hexdigest()


def build(config: RunConfig, team: Team) -> Decoder:
    """Return the model that a run begins with."""
    return initial_model(config, load_tokenizer(_TOKENIZER), team)


def begin(config: RunConfig, folder: Path, saved: Path) -> dict[str, Any]:
    """Draw the first weights, read those of `folder`, go on from the checkpoint `saved`, and save that beside it.

    Return the growth in each, the parameters held, and what was drawn and read.
    """
    team = join(config)
    with watched_growth() as drawing:
        model = build(config, team)
    drawn, parameters = digests(model), sum(parameter.numel() for parameter in model.parameters())
    del model
    with watched_growth() as reading:
        model = build(replace(config, init=str(folder)), team)
    read = digests(model)
    trainer = Trainer(config, model, SpreadEngine(config, model, team))
    with watched_growth() as resuming:
        trainer.restore(load_snapshot(saved, check=False))
    with watched_growth() as saving:
        CheckpointStore(saved.with_name("again"), 1, team).save(trainer.snapshot(), model.config, None)
    grown = {"drawing": drawing, "reading": reading, "resuming": resuming, "saving": saving}
    return {
        "bytes": {name: growth.bytes for name, growth in grown.items()},
        "parameters": parameters,
        "drawn": drawn,
        "read": read,
    }
