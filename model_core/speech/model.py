"""The speech model while it learns: stock Whisper weights, windows of any length, two CTC heads for training only.

It knows tensors; it does not know where windows come from or how they are written to disk.
Shapes: B batch, M mel bands, T frames, S encoder steps (T / 2), D width, U decoder steps, V vocabulary, J jamo.
"""

import copy

import torch
from torch import nn
from torch.nn import functional
from transformers import WhisperConfig, WhisperForConditionalGeneration

from model_core.ops.precision import cpu_has_bf16
from model_core.speech.config import SpeechModelConfig
from model_core.speech.tokenizer import BLANK, NUM_JAMO, NUM_TIME_TOKENS, SPECIAL

IGNORE = -100
HEADS = "ctc_heads.safetensors"
MAX_LABELS = 440
GUIDE_WIDTH = 0.08


class SpeechModel(nn.Module):
    """`whisper` is what ships; the heads hear in the encoder's output and are dropped at conversion.

    `jamo_head` hears sounds, `syllable_head` whole syllables, each where it ends, so that the decoder finds what it
    has to write in one place.
    """

    def __init__(self, whisper: WhisperForConditionalGeneration) -> None:
        super().__init__()
        self.whisper = whisper
        self.jamo_head = nn.Linear(whisper.config.d_model, NUM_JAMO)
        self.syllable_blank = int(whisper.config.eos_token_id)
        self.syllable_head = nn.Linear(whisper.config.d_model, self.syllable_blank + 1)
        with torch.no_grad():  # silence everywhere, or the first losses would drown all others
            self.syllable_head.weight.zero_()
            self.syllable_head.bias.zero_()[self.syllable_blank] = 10.0
        self._looks: list[torch.Tensor] = []
        if cpu_has_bf16():  # windows are short: whole products in bf16 beat the fused attention
            for layer in whisper.model.encoder.layers:
                layer.self_attn.config = copy.deepcopy(whisper.config)
                layer.self_attn.config._attn_implementation = "eager"
        for layer in whisper.model.decoder.layers:
            # Only the plain attention hands out its weights, and only the cross-attention's are wanted.
            layer.encoder_attn.config = copy.deepcopy(whisper.config)
            layer.encoder_attn.config._attn_implementation = "eager"
            layer.encoder_attn.register_forward_hook(lambda _module, _inputs, output: self._looks.append(output[1]))

    def heads_state(self) -> dict[str, torch.Tensor]:
        """Return copies of the heads' weights, by their names in this model."""
        return {name: value.clone() for name, value in self.state_dict().items() if "_head." in name}

    def encode(self, mel_BMT: torch.Tensor) -> torch.Tensor:
        """Encode (B, M, T), with T up to 3000. Returns (B, S, D)."""
        encoder = self.whisper.model.encoder
        x_BDT = functional.gelu(encoder.conv1(mel_BMT))
        x_BSD = functional.gelu(encoder.conv2(x_BDT)).transpose(1, 2)
        x_BSD = x_BSD + encoder.embed_positions.weight[: x_BSD.shape[1]]
        for layer in encoder.layers:
            x_BSD = layer(x_BSD, None, None)[0]
        encoded_BSD: torch.Tensor = encoder.layer_norm(x_BSD)
        return encoded_BSD

    def jamo_loss(self, x_BSD: torch.Tensor, num_frames_B: torch.Tensor, jamo: list[list[int]]) -> torch.Tensor:
        """Return the CTC loss a jamo of the encoder's output; frames past `num_frames_B` are not asked."""
        return _ctc(self.jamo_head(x_BSD), num_frames_B, jamo, BLANK)

    def syllable_loss(self, x_BSD: torch.Tensor, num_frames_B: torch.Tensor, ids: list[list[int]]) -> torch.Tensor:
        """Return the CTC loss a token of the encoder's output; `ids` are text tokens without spaces and marks."""
        return _ctc(self.syllable_head(x_BSD), num_frames_B, ids, self.syllable_blank)

    def text_loss(self, x_BSD: torch.Tensor, inputs_BU: torch.Tensor, labels_BU: torch.Tensor) -> torch.Tensor:
        """Return the cross-entropy a token of `labels_BU` (IGNORE where there is none)."""
        self._looks.clear()
        hidden_BUD = self.whisper.model.decoder(
            input_ids=inputs_BU, encoder_hidden_states=x_BSD, use_cache=False
        ).last_hidden_state
        kept = labels_BU != IGNORE
        logits_NV = self.whisper.proj_out(hidden_BUD[kept]).float()
        return functional.cross_entropy(logits_NV, labels_BU[kept])

    def guide_loss(self, x_BSD: torch.Tensor, num_frames_B: torch.Tensor, labels_BU: torch.Tensor) -> torch.Tensor:
        """Return how much the decoder, in its last `text_loss`, looked elsewhere than where its text is spoken, 0 to 1.

        Half of the heads are guided. The jamo heard so far tell how much of the text has been said at a step, as the
        diagonal does where speech is even. Source: Tachibana et al. 2018, section 4.2, with sounds in place of time.
        """
        heard_BS = self._share_heard(x_BSD.detach(), num_frames_B)
        kept_BU = labels_BU != IGNORE
        written_BU = (kept_BU.cumsum(1) - 0.5) / kept_BU.sum(1, keepdim=True)
        apart_BUS = (written_BU[:, :, None] - heard_BS[:, None, :]) ** 2
        away_BUS = 1 - torch.exp(-apart_BUS / (2 * GUIDE_WIDTH**2))
        looked_BUS = torch.stack([look[:, : look.shape[1] // 2].float().mean(1) for look in self._looks]).mean(0)
        away: torch.Tensor = (looked_BUS * away_BUS).sum(-1)[kept_BU].mean()
        return away

    @torch.no_grad()
    def _share_heard(self, x_BSD: torch.Tensor, num_frames_B: torch.Tensor) -> torch.Tensor:
        sounds_BS = 1 - self.jamo_head(x_BSD).float().softmax(-1)[..., BLANK]
        inside_BS = torch.arange(x_BSD.shape[1])[None, :] * 2 < num_frames_B[:, None]
        sounds_BS = sounds_BS * inside_BS
        heard_BS: torch.Tensor = (sounds_BS.cumsum(1) - sounds_BS / 2) / sounds_BS.sum(1, keepdim=True).clamp(min=1e-3)
        return heard_BS

    @torch.no_grad()
    def greedy(self, mel_BMT: torch.Tensor, prompt: list[int], end: int, most: int = 120) -> list[list[int]]:
        """Decode freely, the likeliest token each time, until every window has ended or `most` tokens are written."""
        x_BSD = self.encode(mel_BMT)
        ids_BU = torch.tensor([prompt] * x_BSD.shape[0])
        done_B = torch.zeros(x_BSD.shape[0], dtype=torch.bool)
        for _ in range(most):
            decoder = self.whisper.model.decoder
            hidden_BUD = decoder(input_ids=ids_BU, encoder_hidden_states=x_BSD, use_cache=False).last_hidden_state
            next_B = self.whisper.proj_out(hidden_BUD[:, -1]).argmax(-1).masked_fill(done_B, end)
            self._looks.clear()
            ids_BU = torch.cat([ids_BU, next_B[:, None]], dim=1)
            done_B |= next_B == end
            if bool(done_B.all()):
                break
        return [row[len(prompt) :] for row in ids_BU.tolist()]


def _ctc(logits_BSV: torch.Tensor, num_frames_B: torch.Tensor, ids: list[list[int]], blank: int) -> torch.Tensor:
    logp_SBV = functional.log_softmax(logits_BSV.float(), dim=-1).transpose(0, 1)
    targets = torch.tensor([number for row in ids for number in row], dtype=torch.long)
    sizes_B = torch.tensor([len(row) for row in ids])
    steps_B = ((num_frames_B + 1) // 2).clamp(max=logits_BSV.shape[1])
    losses_B = functional.ctc_loss(
        logp_SBV, targets, steps_B, sizes_B, blank=blank, reduction="none", zero_infinity=True
    )
    return losses_B.sum() / sizes_B.sum().clamp(min=1)


def new_model(config: SpeechModelConfig) -> SpeechModel:
    """Return a model with random weights, its dimensions from `config`."""
    end = config.num_text_tokens
    whisper = WhisperConfig(
        vocab_size=config.num_text_tokens + len(SPECIAL) + NUM_TIME_TOKENS,
        num_mel_bins=80,
        d_model=config.d_model,
        encoder_layers=config.encoder_layers,
        decoder_layers=config.decoder_layers,
        encoder_attention_heads=config.num_heads,
        decoder_attention_heads=config.num_heads,
        encoder_ffn_dim=config.ffn_dim,
        decoder_ffn_dim=config.ffn_dim,
        dropout=0.0,
        max_source_positions=1500,
        max_target_positions=448,
        bos_token_id=end,
        eos_token_id=end,
        pad_token_id=end,
        decoder_start_token_id=end + 1,
        suppress_tokens=[],
        begin_suppress_tokens=[],
    )
    model = SpeechModel(WhisperForConditionalGeneration(whisper))
    _widen(model)
    return model


@torch.no_grad()
def _widen(model: SpeechModel) -> None:
    # The stock start (0.02 everywhere) is made for wider layers: here the sound would drown in its own positions.
    for name, param in model.whisper.named_parameters():
        if "conv" in name and param.ndim == 3:
            param.normal_(std=1.4 * (param.shape[1] * param.shape[2]) ** -0.5)
        elif ".layers." in name and param.ndim == 2:
            param.normal_(std=0.6 * param.shape[1] ** -0.5)


def decoder_batch(token_ids: list[list[int]], prompt: list[int], end: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return decoder inputs and labels, both (B, U): prompt and text in, text and end out, the prompt never asked."""
    rows = [ids[:MAX_LABELS] for ids in token_ids]
    width = max(len(row) for row in rows) + len(prompt)
    inputs_BU = torch.full((len(rows), width), end)
    labels_BU = torch.full((len(rows), width), IGNORE)
    for row, ids in enumerate(rows):
        inputs_BU[row, : len(prompt) + len(ids)] = torch.tensor(prompt + ids)
        asked = torch.tensor([*ids, end])
        labels_BU[row, len(prompt) - 1 : len(prompt) + len(ids)] = asked
    return inputs_BU, labels_BU


def mask_features(mel_BMT: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Hide two bands of frequencies and about one in twenty stretches of time in each window.

    Source: SpecAugment, Park et al. 2019, without the warping.
    """
    masked = mel_BMT.clone()
    num_bands, num_frames = masked.shape[1:]
    for row in masked:
        fill = row.mean()
        for _ in range(2):
            width, start = _span(12, num_bands, generator)
            row[start : start + width] = fill
        for _ in range(1 + num_frames // 400):
            width, start = _span(24, num_frames, generator)
            row[:, start : start + width] = fill
    return masked


def _span(widest: int, size: int, generator: torch.Generator) -> tuple[int, int]:
    width = int(torch.randint(0, widest, (1,), generator=generator))
    return width, int(torch.randint(0, max(size - width, 1), (1,), generator=generator))
