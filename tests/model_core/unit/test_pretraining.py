"""Pretraining on documents: token shards of refined text, rows that keep documents apart, and a run end to end."""

import copy
import gzip
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_core.checkpoint.pretrained import load_model
from model_core.config.overrides import override
from model_core.config.recipes import get_recipe
from model_core.data.refinery.shards import write_atomically
from model_core.data.text.__main__ import main
from model_core.data.text.batches import TextBatchMaker, pack_row
from model_core.data.text.encode import encode_shards
from model_core.data.text.shards import TokenShards
from model_core.data.tokenizer import FILE_NAME, load_tokenizer
from model_core.errors import DataError
from model_core.training.data import run_data

TOKENIZER = Path("pretrained/summarizer-mini")


def test_the_shards_hold_every_document(refined: Path, tokens: Path) -> None:
    shards, tokenizer = TokenShards(tokens), load_tokenizer(TOKENIZER)
    raw = [np.fromfile(path, "<u2") for path in sorted(tokens.glob("*.bin"))]
    assert len(raw) == 3 and shards.tokens == sum(map(len, raw))
    found = [tokenizer.decode(part[1:].tolist()) for ids in raw for part in np.split(ids, _opens(ids, shards))[1:]]
    texts = [
        json.loads(row)["text"]
        for path in sorted(refined.glob("shard-*.jsonl.gz"))
        for row in gzip.decompress(path.read_bytes()).decode().splitlines()
    ]
    assert found == [" " + text for text in texts] and len(texts) > 40


def _opens(ids: np.ndarray, shards: TokenShards) -> np.ndarray:
    return np.flatnonzero(ids == shards.end_of_text)


def test_encoding_goes_on_behind_complete_shards(refined: Path, tokens: Path, tmp_path: Path) -> None:
    kept = tmp_path / "tokens-00000.bin"
    for name in ("tokens-00000.bin", "tokens-00000.json", "tokens-00001.bin"):
        write_atomically(tmp_path / name, (tokens / name).read_bytes())
    before = kept.stat().st_mtime_ns
    encode_shards(refined, TOKENIZER, tmp_path, lambda line: None)
    assert kept.stat().st_mtime_ns == before
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        path.name: path.read_bytes() for path in tokens.iterdir()
    }


@given(st.lists(st.integers(0, 3), min_size=2, max_size=80), st.integers(1, 9))
def test_a_row_keeps_documents_apart_and_learns_every_token(ids: list[int], max_tokens: int) -> None:
    row = pack_row(np.asarray(ids, np.int64), 0, max_tokens)
    assert row.ids.tolist() == ids[:-1] and row.labels.tolist() == ids[1:] and (row.weights == 1).all()
    assert row.positions.max() < max_tokens
    for number in range(int(row.document_ids[-1]) + 1):
        places = np.flatnonzero(row.document_ids == number)
        assert np.array_equal(places, np.arange(places[0], places[-1] + 1))
        assert row.positions[places].tolist() == list(range(len(places)))
        assert not (row.ids[places[1:]] == 0).any()


def maker(folder: Path, **changes: int) -> TextBatchMaker:
    values = {"max_tokens": 64, "tokens_per_micro_batch": 128, "micro_batches": 2, "held_out_rows": 3, "seed": 1}
    return TextBatchMaker(shards=TokenShards(folder), **{**values, **changes})


def test_a_pass_reads_every_row_once_and_no_held_out_one(tokens: Path) -> None:
    batches = maker(tokens, micro_batches=1)
    rows = batches.shards.rows(128) - 3
    read = [batches.step(index).micro_batches[0].ids.tobytes() for index in range(2 * rows)]
    held_out = {row.ids.tobytes() for row in batches.held_out()}
    assert len(set(read[:rows])) == rows and set(read[:rows]) == set(read[rows:]) and read[:rows] != read[rows:]
    assert len(held_out) == 3 and not held_out & set(read)


def test_a_batch_depends_on_its_index_alone_also_in_a_copy(tokens: Path) -> None:
    first, second = maker(tokens), copy.deepcopy(maker(tokens))
    first.step(0)
    wanted, found = first.step(6), second.step(6)
    assert wanted.next_index == found.next_index == 8
    assert all(np.array_equal(a.ids, b.ids) for a, b in zip(wanted.micro_batches, found.micro_batches, strict=True))


def test_too_few_rows_name_the_number(tokens: Path) -> None:
    with pytest.raises(DataError, match="it must hold more than the 999999 that are held out"):
        maker(tokens, held_out_rows=999_999).step(0)


def copy_of(folder: Path, target: Path) -> Path:
    target.mkdir()
    for path in folder.iterdir():
        if path.is_file() and not path.name.startswith("."):
            (target / path.name).write_bytes(path.read_bytes())
    return target


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_a_flipped_bit_of_tokens_is_found_before_they_are_used(tokens: Path, tmp_path: Path) -> None:
    altered = copy_of(tokens, tmp_path / "altered")
    flip(altered / "tokens-00001.bin")
    batches = maker(altered, micro_batches=1)
    first = batches.shards.rows(128) // 3
    with pytest.raises(DataError, match=r"tokens-00001\.bin was altered"):
        for row in range(2 * first):
            batches.shards.row(row, 128)


def test_a_flipped_bit_of_refined_text_is_found_and_nothing_is_written(
    refined: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    altered = copy_of(refined, tmp_path / "altered")
    flip(altered / "shard-00000.jsonl.gz")
    assert main([str(altered), "--tokenizer", str(TOKENIZER), "--out", str(tmp_path / "out")]) == 2
    assert "shard-00000.jsonl.gz was altered" in capsys.readouterr().err
    assert not list((tmp_path / "out").iterdir())


def test_shards_of_another_tokenizer_are_refused(tokens: Path, tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text("{}")
    with pytest.raises(DataError, match="made with another tokenizer"):
        TokenShards(tokens).check_tokenizer(tmp_path / FILE_NAME)


def test_a_folder_that_is_not_finished_is_refused(tokens: Path, tmp_path: Path) -> None:
    altered = copy_of(tokens, tmp_path / "altered")
    (altered / "tokens-00002.bin").unlink()
    with pytest.raises(DataError, match="holds no complete token shards"):
        TokenShards(altered)


def train(
    out: Path, *settings: str, init: Path | None = None, resume: bool = False
) -> subprocess.CompletedProcess[str]:
    sizes = ["model.vocab_size=4096", "model.max_positions=2048", "data.eval_rows=2", "data.eval_examples=1"]
    sizes += ["train.tokens_per_micro_batch=2048", "train.tokens_per_step=2048"]
    more = [part for setting in (*sizes, *settings) for part in ("--set", setting)]
    arguments = [sys.executable, "-m", "model_core.training", "--recipe", "tiny_test", "--out", str(out), *more]
    arguments += ["--init", str(init)] if init else []
    arguments += ["--resume"] if resume else []
    return subprocess.run(arguments, capture_output=True, text=True, timeout=600)


def metrics(out: Path, name: str) -> list[float]:
    rows = map(json.loads, (out / "metrics.jsonl").read_text().splitlines())
    return [row[name] for row in rows if name in row]


@pytest.mark.slow
def test_a_shard_that_was_altered_ends_a_run_with_a_line(tokens: Path, tmp_path: Path) -> None:
    altered = copy_of(tokens, tmp_path / "altered")
    flip(altered / "tokens-00000.bin")
    done = train(tmp_path / "out", "train.objective=text", f"data.tokens={altered}")
    assert done.returncode == 2
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert "tokens-00000.bin was altered" in line and "Traceback" not in done.stderr


def test_ranks_make_their_own_rows_of_a_batch(tokens: Path) -> None:
    whole = maker(tokens, micro_batches=4).step(8)
    parts = [maker(tokens, micro_batches=4).step(8, rank, 2) for rank in range(2)]
    assert [part.next_index for part in parts] == [whole.next_index] * 2
    assert [part.weight for part in parts] == [whole.weight] * 2 == [4 * 128.0] * 2
    assert sum(part.examples for part in parts) == whole.examples
    for number, row in enumerate(whole.micro_batches):
        assert np.array_equal(parts[number % 2].micro_batches[number // 2].ids, row.ids)


@pytest.mark.slow
def test_pretraining_then_going_on_then_finetuning(tokens: Path, tmp_path: Path) -> None:
    text = (
        "train.objective=text",
        f"data.tokens={tokens}",
        "train.activation_checkpointing=true",
        "train.eval_every=4",
    )
    pretrained, continued, tuned = (tmp_path / name for name in ("pretrained", "continued", "tuned"))
    done = train(pretrained, *text, "train.max_steps=8")
    assert done.returncode == 0, done.stderr
    first, last = metrics(pretrained, "eval_text_loss")
    assert last < first < 8.3
    done = train(continued, *text, "train.max_steps=2", "train.schedule=cosine", init=pretrained / "export")
    assert done.returncode == 0, done.stderr
    assert metrics(continued, "text_loss")[0] < 0.97 * metrics(pretrained, "text_loss")[0]
    done = train(tuned, "train.max_steps=2", "train.transcript_loss_weight=0", init=continued / "export")
    assert done.returncode == 0, done.stderr
    assert metrics(tuned, "transcript_loss") == [0, 0] and min(metrics(tuned, "summary_loss")) > 0
    assert load_model(tuned / "export").config.vocab_size == 4096
    other = copy_of(TOKENIZER, tmp_path / "other")
    (other / FILE_NAME).write_text((TOKENIZER / FILE_NAME).read_text() + " ")
    done = train(tuned, "train.max_steps=3", f"data.tokenizer={other}", resume=True)
    assert done.returncode == 2 and "was trained with another tokenizer" in done.stderr


def test_a_run_on_text_says_where_it_is_from(tokens: Path) -> None:
    config = override(get_recipe("tiny_test"), ["train.objective=text", f"data.tokens={tokens}", "data.eval_rows=2"])
    origin = run_data(config, TOKENIZER, None).origin
    assert origin is not None and origin.path == str(tokens) and origin.examples == TokenShards(tokens).documents > 40


def test_approved_pairs_are_no_text(tokens: Path, tmp_path: Path) -> None:
    pairs = ("--approved", str(tmp_path / "pairs.jsonl"))
    arguments = ["--recipe", "pretrain_mini", "--set", f"data.tokens={tokens}", "--out", str(tmp_path / "out"), *pairs]
    done = subprocess.run([sys.executable, "-m", "model_core.training", *arguments], capture_output=True, text=True)
    assert done.returncode == 2 and "approved pairs are for a run on summaries" in done.stderr
