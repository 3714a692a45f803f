"""The speech model's input and learning: features as the recognizer has them, losses, restart, conversion."""

import numpy as np
import pytest
import torch
from faster_whisper.feature_extractor import FeatureExtractor
from safetensors.torch import load_file

from model_core.speech.config import SpeechModelConfig, SpeechTrainConfig
from model_core.speech.dataset import Lesson, WindowMaker, collate, make_batches
from model_core.speech.features import WINDOW_FRAMES, log_mel
from model_core.speech.model import HEADS, IGNORE, decoder_batch, mask_features, new_model
from model_core.speech.optimizer import MuonAdam, orthogonalized
from model_core.speech.tokenizer import BLANK, END, prompt_ids, save_tokenizer, special_id, text_of, train_tokenizer
from model_core.speech.train import Trainer, load_model

TINY = SpeechModelConfig(d_model=64, encoder_layers=1, decoder_layers=1, num_heads=2, ffn_dim=128, num_text_tokens=300)
TEXTS = ["네, 알겠습니다.", "아니요.", "요금이요?"]


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer(TEXTS * 20, TINY.num_text_tokens)


@pytest.fixture(scope="module")
def windows(tokenizer):
    maker = WindowMaker(lambda rng: rng.choice(TEXTS), tokenizer, 1)
    return [maker.draw(Lesson(2.5, worst_db=30.0)) for _ in range(6)]


@pytest.mark.parametrize("level", [1.0, 1e-3, 1e-6])
def test_features_equal_those_of_faster_whisper(level):
    samples = np.random.default_rng(1).standard_normal(16_000 * 3).astype(np.float32) * 0.1 * level
    padded = np.pad(samples, (0, 16_000 * 30 - samples.size))
    theirs = FeatureExtractor()(padded, padding=0)
    assert np.allclose(log_mel(samples, WINDOW_FRAMES).numpy(), theirs[:, :WINDOW_FRAMES], atol=2e-4)


@pytest.mark.parametrize("level", [1.0, 1e-4])
def test_silence_added_to_a_batch_is_the_silence_of_a_padded_window(windows, tokenizer, level):
    samples = np.random.default_rng(1).standard_normal(16_000).astype(np.float32) * 0.1 * level
    maker = WindowMaker(lambda rng: TEXTS[0], tokenizer, 1)
    window = maker._finished(samples, TEXTS[0], Lesson(2.0))
    padded = collate([window], 400).mel[0].float()
    floor = max(float(window.mel.max()) - 2.0, -1.5)
    assert torch.all(padded[:, window.mel.shape[1] :] == torch.tensor(floor).half().float())
    assert float(padded.min()) >= floor - 2e-3


def test_windows_hold_what_is_said(windows, tokenizer):
    for window in windows:
        words = text_of(tokenizer, window.token_ids)
        assert words in TEXTS
        assert 20 < window.num_frames <= 250
        assert window.mel.shape[1] % 2 == 0


def test_batches_hold_windows_of_like_length(tokenizer):
    maker = WindowMaker(lambda rng: rng.choice(TEXTS), tokenizer, 2)
    batches = make_batches(maker, lambda: 0.01, seed=1, pool=24)
    for batch in [next(batches) for _ in range(3)]:
        assert batch.mel.shape[0] == len(batch.token_ids) == len(batch.jamo)
        assert int(batch.num_frames.max()) <= batch.mel.shape[2] <= WINDOW_FRAMES


def test_short_windows_encode_as_the_stock_encoder_would():
    model = new_model(TINY).eval()
    mel = torch.randn(2, 80, WINDOW_FRAMES)
    with torch.no_grad():
        theirs = model.whisper.model.encoder(mel).last_hidden_state
        assert torch.allclose(model.encode(mel), theirs, atol=1e-5)
        assert model.encode(mel[:, :, :200]).shape == (2, 100, TINY.d_model)


def test_guide_is_low_where_the_decoder_looks_at_what_it_writes():
    model = new_model(TINY)
    heard = torch.full((1, 100, 68), -20.0)
    heard[0, :, 0] = 0.0
    heard[0, 10::20, 5] = 20.0  # five sounds, at steps 10, 30, 50, 70, 90
    model.jamo_head = torch.nn.Identity()
    labels = torch.tensor([[IGNORE, 1, 2, 3, 4, 5]])
    right, wrong = torch.zeros(1, 2, 6, 100), torch.zeros(1, 2, 6, 100)
    for number in range(5):
        right[0, :, 1 + number, 10 + 20 * number] = 1.0
        wrong[0, :, 1 + number, 10 + 20 * (4 - number)] = 1.0
    losses = []
    for look in (right, wrong):
        model._looks[:] = [look]
        losses.append(float(model.guide_loss(heard, torch.tensor([200]), labels)))
    assert losses[0] < 0.01
    assert losses[1] > 0.7


def test_decoder_asks_for_the_text_and_its_end_only():
    inputs, labels = decoder_batch([[5, 6], [7]], [91, 92], 90)
    assert inputs.tolist() == [[91, 92, 5, 6], [91, 92, 7, 90]]
    assert labels.tolist() == [[IGNORE, 5, 6, 90], [IGNORE, 7, 90, IGNORE]]


def test_an_empty_text_asks_for_the_end_at_once():
    inputs, labels = decoder_batch([[]], [91, 92], 90)
    assert (inputs.tolist(), labels.tolist()) == ([[91, 92]], [[IGNORE, 90]])


def test_masks_hide_little_and_leave_the_original():
    mel = torch.randn(4, 80, 300)
    before = mel.clone()
    masked = mask_features(mel, torch.Generator().manual_seed(1))
    assert torch.equal(mel, before)
    assert 0.02 < float((masked != mel).float().mean()) < 0.4


@pytest.mark.parametrize("shape", [(64, 64), (128, 64), (64, 128)])
def test_orthogonalized_matrices_have_singular_values_near_one(shape):
    # In exact arithmetic five steps bring what is above 0.002 of the norm between 0.68 and 1.21.
    matrices = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    left, _, right = torch.linalg.svd(matrices, full_matrices=False)
    values = torch.linspace(0.02, 1, 64)
    assert float(values[0] / values.norm()) > 0.002
    found = torch.linalg.svdvals(orthogonalized(left * values @ right))
    assert float(found.min()) > 0.6 and float(found.max()) < 1.3


@pytest.mark.parametrize(
    ("loss", "head", "blank"), [("jamo_loss", "jamo_head", BLANK), ("syllable_loss", "syllable_head", 300)]
)
def test_a_head_is_asked_for_its_labels_in_their_order_and_in_time(loss, head, blank):
    model = new_model(TINY)
    heard = torch.full((2, 50, getattr(model, head).out_features), -20.0)
    heard[:, :, blank] = 0.0
    for step, label in ((10, 4), (20, 7), (30, 4)):
        heard[:, step, label] = 20.0
    setattr(model, head, torch.nn.Identity())
    ask = getattr(model, loss)
    assert float(ask(heard, torch.tensor([100, 70]), [[4, 7, 4], [4, 7, 4]])) < 0.01
    assert float(ask(heard, torch.tensor([100, 70]), [[4, 7, 4], [7, 4, 4]])) > 2
    assert float(ask(heard, torch.tensor([100, 50]), [[4, 7, 4], [4, 7, 4]])) > 2
    assert float(ask(heard, torch.tensor([100, 50]), [[4, 7, 4], [4, 7]])) < 0.01


def test_optimizer_moves_matrices_and_the_rest_and_skips_what_has_no_gradient():
    model = new_model(TINY)
    optimizer = MuonAdam(model.named_parameters(), 0.0)
    before = {name: param.detach().clone() for name, param in model.named_parameters()}
    model.jamo_loss(model.encode(torch.randn(2, 80, 200)), torch.tensor([200, 180]), [[1, 2, 3], [4]]).backward()
    optimizer.step(1e-2)
    moved = {name for name, param in model.named_parameters() if not torch.equal(param, before[name])}
    assert "whisper.model.encoder.layers.0.fc1.weight" in moved
    assert "jamo_head.weight" in moved
    assert not any("decoder" in name for name in moved)


def make_trainer(tokenizer, run, model=None):
    torch.manual_seed(3)
    save_tokenizer(tokenizer, run)
    config = SpeechTrainConfig(budget_s=100.0, ctc_until=0.0, peak_lr=4e-3)
    return Trainer(config, model or new_model(TINY), tokenizer, run)


def test_a_tiny_model_learns_a_few_windows_by_heart(windows, tokenizer, tmp_path):
    trainer = make_trainer(tokenizer, tmp_path)
    trainer.elapsed_s = 20.0
    batch = collate(windows, 260)
    first = trainer.learn(batch)
    losses = [trainer.learn(batch) for _ in range(60)]
    assert losses[-1][1] < 0.25 * first[1]
    ids = trainer.model.greedy(batch.mel.float(), prompt_ids(tokenizer), special_id(tokenizer, END), most=20)
    said = [text_of(tokenizer, row) for row in batch.token_ids]
    assert sum(text_of(tokenizer, row) == text for row, text in zip(ids, said, strict=True)) >= 5


def test_a_restart_goes_on_where_the_run_was(windows, tokenizer, tmp_path):
    trainer = make_trainer(tokenizer, tmp_path)
    trainer.elapsed_s = 40.0
    batch = collate(windows, 260)
    trainer.learn(batch)
    trainer.save()
    again = make_trainer(tokenizer, tmp_path, load_model(tmp_path / "last"))
    again.resume()
    assert (again.elapsed_s, again.step, again.optimizer.steps) == (40.0, 1, 1)
    for name, value in trainer.optimizer.state.items():
        assert torch.equal(again.optimizer.state[name], value)
    for (name, ours), (_, theirs) in zip(trainer.model.named_parameters(), again.model.named_parameters(), strict=True):
        assert torch.equal(ours, theirs), name


def test_saving_leaves_no_half_written_folder(tokenizer, tmp_path):
    trainer = make_trainer(tokenizer, tmp_path)
    trainer.save()
    trainer.save()
    assert not (tmp_path / "fresh").exists()
    assert (tmp_path / "last" / "state.json").is_file()
    heads = {f"{head}_head.{part}" for head in ("jamo", "syllable") for part in ("weight", "bias")}
    assert set(load_file(tmp_path / "last" / HEADS)) == heads
    assert not list(tmp_path.rglob("*.pt")) + list(tmp_path.rglob("*.bin"))


def test_learning_rate_rises_holds_and_falls_to_almost_nothing(tokenizer, tmp_path):
    trainer = make_trainer(tokenizer, tmp_path)
    rates = []
    for share in (0.0, 0.01, 0.2, 0.39, 0.7, 1.0):
        trainer.elapsed_s = share * 100
        rates.append(trainer.learning_rate() / trainer.config.peak_lr)
    assert rates == pytest.approx([0.02, 0.5, 1.0, 1.0, 0.5, 0.02], abs=0.02)


@pytest.mark.slow
def test_converted_folder_is_read_by_faster_whisper(windows, tokenizer, tmp_path):
    from faster_whisper import WhisperModel

    from model_core.speech.convert import convert

    (tmp_path / "run").mkdir()
    trainer = make_trainer(tokenizer, tmp_path / "run")
    trainer.elapsed_s = 20.0
    for _ in range(3):
        trainer.learn(collate(windows, 260))
    trainer.save()
    convert(tmp_path / "run" / "last", tmp_path / "out", "test-1")
    model = WhisperModel(str(tmp_path / "out"), device="cpu", cpu_threads=1)
    assert not model.model.is_multilingual
    features = collate(windows[:1], WINDOW_FRAMES).mel.float()
    prompt, end = prompt_ids(tokenizer), special_id(tokenizer, END)
    theirs = model.model.generate(
        model.encode(features.numpy()[0]), [prompt], beam_size=1, max_length=12, suppress_blank=False
    )[0].sequences_ids[0]
    ours = load_model(tmp_path / "out" / "hf").greedy(features, prompt, end, most=10)[0]
    assert theirs == [number for number in ours if number != end][: len(theirs)]
