"""Train the speech model on simulated telephone speech: `python -m model_core.speech.train`, alone or under torchrun.

The schedule follows the wall clock and survives restarts: what is kept in the run folder (weights, optimizer, elapsed
time) is written whole, then renamed. It knows the model, the windows and the folder; not conversion or evaluation.
"""

import argparse
import json
import logging
import multiprocessing
import os
import random
import shutil
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from typing import cast

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import distributed
from torch.utils.data import DataLoader, IterableDataset
from transformers import WhisperForConditionalGeneration

from model_core.ops.precision import cpu_has_bf16
from model_core.speech.config import SpeechModelConfig, SpeechTrainConfig
from model_core.speech.dataset import (
    Batch,
    Lesson,
    WindowMaker,
    collate,
    make_batches,
    mixed_texts,
    read_corpora,
)
from model_core.speech.error_rate import character_error_rate
from model_core.speech.model import HEADS, SpeechModel, decoder_batch, mask_features, new_model
from model_core.speech.optimizer import MuonAdam
from model_core.speech.sources import call_texts
from model_core.speech.tokenizer import (
    END,
    load_tokenizer,
    prompt_ids,
    save_tokenizer,
    special_id,
    text_of,
    train_tokenizer,
)

log = logging.getLogger("speech.train")

TEST_SEED = 990_001


class BatchStream(IterableDataset[Batch]):
    """The batches as a loader's worker makes them; `progress` is shared with the trainer, which moves it on."""

    def __init__(self, corpora: Path, run: Path, seed: int, progress: "Synchronized[float]") -> None:
        self._corpora, self._run, self._seed, self._progress = corpora, run, seed, progress

    def __iter__(self) -> Iterator[Batch]:
        os.nice(5)
        torch.set_num_threads(1)
        talk, reviews = read_corpora(self._corpora)
        draw = mixed_texts(talk, reviews, call_texts(self._seed))
        maker = WindowMaker(draw, load_tokenizer(self._run), self._seed)
        return make_batches(maker, lambda: self._progress.value, self._seed)


class Trainer:
    """One run: its model, optimizer, elapsed time, and the batches it still means to use again."""

    def __init__(self, config: SpeechTrainConfig, model: SpeechModel, tokenizer: Tokenizer, run: Path) -> None:
        self.config, self.model, self.tokenizer, self.run = config, model, tokenizer, run
        self.optimizer = MuonAdam(model.named_parameters(), config.weight_decay)
        self.elapsed_s, self.step, self.guide, self.syllable = 0.0, 0, 0.0, 0.0
        self.prompt, self.end = prompt_ids(tokenizer), special_id(tokenizer, END)
        self._marks = frozenset(number for mark in " .,?" for number in tokenizer.encode(mark).ids)
        self._masks = torch.Generator().manual_seed(config.seed)

    @property
    def spent(self) -> float:
        """The share of the time budget that is spent, 0 to 1."""
        return min(self.elapsed_s / self.config.budget_s, 1.0)

    @property
    def progress(self) -> float:
        """The share of the lessons that is behind, 0 to 1."""
        return self.config.starts_at + (1.0 - self.config.starts_at) * self.spent

    def learning_rate(self) -> float:
        """Rise straight over the warm-up, hold, and fall straight to a fiftieth over the last 60 %."""
        rise = min(self.spent / self.config.warmup, 1.0)
        fall = min(1.0, max((1.0 - self.spent) / 0.6, 0.02))
        return self.config.peak_lr * max(rise, 0.02) * fall

    def learn(self, batch: Batch) -> tuple[float, float]:
        """Take one step on `batch`. Returns the losses of the two heads (text 0 in the warm-up)."""
        mel_BMT = batch.mel.float()
        if self.progress >= self.config.masks_from:
            mel_BMT = mask_features(mel_BMT, self._masks)
        with torch.autocast("cpu", torch.bfloat16, enabled=cpu_has_bf16()):
            x_BSD = self.model.encode(mel_BMT)
            jamo = self.model.jamo_loss(x_BSD, batch.num_frames, batch.jamo)
            text, loss = torch.zeros(()), jamo
            if self.progress >= self.config.ctc_until:
                inputs_BU, labels_BU = decoder_batch(batch.token_ids, self.prompt, self.end)
                text = self.model.text_loss(x_BSD, inputs_BU, labels_BU)
                heard = [[token for token in ids if token not in self._marks] for ids in batch.token_ids]
                syllable = self.model.syllable_loss(x_BSD, batch.num_frames, heard)
                self.syllable = float(syllable.detach())
                loss = self.config.ctc_weight * (jamo + syllable) / 2 + (1 - self.config.ctc_weight) * text
                if self.progress < self.config.guide_until:
                    guide = self.model.guide_loss(x_BSD, batch.num_frames, labels_BU)
                    loss = loss + self.config.guide_weight * guide
                    self.guide = float(guide.detach())
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.elapsed_s = average_gradients(self.model.parameters(), self.elapsed_s)
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), 2.0)
        if torch.isfinite(norm):
            self.optimizer.step(self.learning_rate())
        self.step += 1
        return float(jamo.detach()), float(text.detach())

    def save(self) -> None:
        """Write the run's state into `run/last`, whole or not at all."""
        fresh, last = self.run / "fresh", self.run / "last"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        self.model.whisper.save_pretrained(fresh)
        save_tokenizer(self.tokenizer, fresh)
        save_file(self.model.heads_state(), fresh / HEADS)
        save_file(self.optimizer.state, fresh / "optimizer.safetensors")
        counts = {"elapsed_s": self.elapsed_s, "step": self.step, "optimizer_steps": self.optimizer.steps}
        (fresh / "state.json").write_text(json.dumps({**counts, "config": asdict(self.config)}))
        old = self.run / "old"
        shutil.rmtree(old, ignore_errors=True)
        if last.exists():
            last.rename(old)
        fresh.rename(last)

    def resume(self) -> None:
        """Go on from `run/last`. Raises FileNotFoundError when there is none."""
        last = self.run / "last"
        counts = json.loads((last / "state.json").read_text())
        self.elapsed_s, self.step, self.optimizer.steps = counts["elapsed_s"], counts["step"], counts["optimizer_steps"]
        for name, value in load_file(last / "optimizer.safetensors").items():
            self.optimizer.state[name].copy_(value)


def average_gradients(params: Iterable[torch.nn.Parameter], elapsed_s: float) -> float:
    """Average the gradients of all processes, and their clocks, which is returned; alone, change nothing."""
    if not distributed.is_initialized():
        return elapsed_s
    gradients = [param.grad for param in params if param.grad is not None]
    flat = torch.cat([torch.tensor([elapsed_s]), *(gradient.flatten() for gradient in gradients)])
    distributed.all_reduce(flat)
    flat /= distributed.get_world_size()
    for gradient, part in zip(gradients, torch.split(flat[1:], [g.numel() for g in gradients]), strict=True):
        gradient.copy_(part.view_as(gradient))
    return float(flat[0])


def load_model(folder: Path) -> SpeechModel:
    """Read a model folder of transformers' Whisper class, with its jamo head where it has one."""
    whisper = WhisperForConditionalGeneration.from_pretrained(folder, torch_dtype=torch.float32)
    model = SpeechModel(cast(WhisperForConditionalGeneration, whisper))
    if (folder / HEADS).exists():
        model.load_state_dict({name: value.float() for name, value in load_file(folder / HEADS).items()}, strict=False)
    return model


def heldout_windows(tokenizer: Tokenizer, corpora: Path, count: int) -> tuple[Batch, list[str]]:
    """Return windows in voices that training never hears, and what they say, for a look at free decoding."""
    talk, reviews = read_corpora(corpora)
    maker = WindowMaker(mixed_texts(talk, reviews, call_texts(TEST_SEED, "test")), tokenizer, TEST_SEED, test=True)
    windows = [maker.draw(Lesson(6.0)) for _ in range(count)]
    longest = max(window.mel.shape[1] for window in windows)
    return collate(windows, longest + 100), [text_of(tokenizer, window.token_ids) for window in windows]


def _opened(args: argparse.Namespace, model_config: SpeechModelConfig) -> tuple[SpeechModel, Tokenizer]:
    run: Path = args.run
    run.mkdir(parents=True, exist_ok=True)
    if (run / "last").exists():
        return load_model(run / "last"), load_tokenizer(run)
    if args.init is not None:
        tokenizer = load_tokenizer(args.init)
        save_tokenizer(tokenizer, run)
        return load_model(args.init), tokenizer
    talk, reviews = read_corpora(args.corpora)
    draw, rng = mixed_texts(talk, reviews, call_texts(0)), random.Random(0)
    texts = talk + reviews[::3] + [draw(rng) for _ in range(40_000)]
    tokenizer = train_tokenizer(texts, model_config.num_text_tokens)
    save_tokenizer(tokenizer, run)
    return new_model(model_config), tokenizer


def _learn_for(
    trainer: Trainer, batches: Iterator[Batch], shared: "Synchronized[float]", corpora: Path, rank: int
) -> None:
    config = trainer.config
    kept: deque[Batch] = deque(maxlen=64)
    rng = random.Random(config.seed + trainer.step + rank)
    heldout, texts = heldout_windows(trainer.tokenizer, corpora, 12)
    losses: deque[tuple[float, float]] = deque(maxlen=50)
    saved_s, before = trainer.elapsed_s, time.monotonic()
    while trainer.spent < 1.0:
        fresh = not kept or trainer.step % config.reuse == 0
        batch = next(batches) if fresh else kept.popleft() if rng.random() < 0.5 else kept.pop()
        if fresh and config.reuse > 1:
            kept.append(batch)
        now = time.monotonic()
        trainer.elapsed_s, before = trainer.elapsed_s + now - before, now
        losses.append(trainer.learn(batch))
        shared.value = trainer.progress
        if rank == 0 and trainer.step % 50 == 0:
            _report(trainer, losses)
        if rank == 0 and trainer.elapsed_s - saved_s > config.save_every_s:
            trainer.save()
            saved_s = trainer.elapsed_s
            _look(trainer, heldout, texts)


def _report(trainer: Trainer, losses: "deque[tuple[float, float]]") -> None:
    jamo = sum(loss[0] for loss in losses) / len(losses)
    text = sum(loss[1] for loss in losses) / len(losses)
    log.info(
        "step %d elapsed_s %.0f jamo %.3f syllable %.3f text %.3f guide %.3f lr %.2e",
        *(trainer.step, trainer.elapsed_s, jamo, trainer.syllable, text, trainer.guide, trainer.learning_rate()),
    )


def _look(trainer: Trainer, heldout: Batch, texts: list[str]) -> None:
    trainer.model.eval()
    ids = trainer.model.greedy(heldout.mel.float(), trainer.prompt, trainer.end, most=40)
    trainer.model.train()
    heard = [text_of(trainer.tokenizer, row) for row in ids]
    log.info("step %d held-out CER %.3f", trainer.step, character_error_rate(texts, heard))
    for text, written in list(zip(texts, heard, strict=True))[:3]:
        log.info("  %s | %s", text, written)


def main() -> None:
    """Read the command line, then train until the budget is spent, saving on the way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, required=True, help="folder of the run, made or continued")
    parser.add_argument("--corpora", type=Path, required=True, help="folder with the two text corpora")
    parser.add_argument("--init", type=Path, help="model folder to start from instead of random weights")
    parser.add_argument("--budget-s", type=float, default=SpeechTrainConfig.budget_s)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=SpeechTrainConfig.seed)
    parser.add_argument("--peak-lr", type=float, default=SpeechTrainConfig.peak_lr)
    parser.add_argument("--starts-at", type=float, default=0.0, help="share of the lessons that `--init` has behind it")
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    model, tokenizer = _opened(args, SpeechModelConfig())
    config = SpeechTrainConfig(budget_s=args.budget_s, seed=args.seed, peak_lr=args.peak_lr, starts_at=args.starts_at)
    trainer = Trainer(config, model, tokenizer, args.run)
    if (args.run / "last").exists():
        trainer.resume()
    shared = multiprocessing.Value("d", trainer.progress)
    log.info("%d parameters, starting at step %d", sum(p.numel() for p in model.parameters()), trainer.step)
    rank, processes = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    stream = BatchStream(args.corpora, args.run, config.seed * 1_000_000 + rank * 500_000 + trainer.step, shared)
    batches = iter(DataLoader(stream, batch_size=None, num_workers=1, prefetch_factor=8))
    if processes > 1:
        distributed.init_process_group("gloo")
    _learn_for(trainer, batches, shared, args.corpora, rank)
    if rank == 0:
        trainer.save()
    log.info("finished at step %d", trainer.step)


if __name__ == "__main__":
    main()
