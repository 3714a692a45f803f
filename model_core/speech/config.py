"""Sizes of the speech model and settings of its training. Plain numbers; it knows no torch and no files."""

from dataclasses import dataclass


@dataclass(frozen=True)
class SpeechModelConfig:
    """A small model of Whisper's architecture; `num_text_tokens` are the byte-level tokens before the special ones."""

    d_model: int = 256
    encoder_layers: int = 5
    decoder_layers: int = 2
    num_heads: int = 4
    ffn_dim: int = 1024
    num_text_tokens: int = 1900


@dataclass(frozen=True)
class SpeechTrainConfig:
    """How one training goes. Time rules it: the schedule is a share of `budget_s` of wall clock, kept over restarts.

    `reuse` says how often a batch is learned from, masked anew each time;
    `masks_from` is the share of the time after which parts of a window are hidden,
    `ctc_until` the share of the time in which the encoder learns alone, `ctc_weight` its part of the loss later.
    Until `guide_until` the decoder is also shown where to look, with `guide_weight`. A model that has learned before
    enters at `starts_at` of the lessons; its learning rate rises and falls over its own time all the same.
    """

    budget_s: float = 4200.0
    reuse: int = 2
    peak_lr: float = 2.5e-3
    warmup: float = 0.02
    ctc_until: float = 0.24
    ctc_weight: float = 0.4
    guide_until: float = 0.75
    guide_weight: float = 1.5
    weight_decay: float = 0.03
    masks_from: float = 2.0
    starts_at: float = 0.0
    save_every_s: float = 600.0
    seed: int = 1
