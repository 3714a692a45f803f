"""Whole runs: reasons that add up, any number of processes, killed and gone on with, bad input and output."""

import gzip
import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from model_core.data.refinery.__main__ import main
from model_core.data.refinery.documents import Document, Record, parse, read_records
from model_core.data.refinery.quality import quality_reason
from model_core.data.refinery.run import run_refinery
from model_core.data.refinery.settings import QualityLimits, RefinerySettings
from model_core.data.refinery.shards import OutputError, unpack_rows
from model_core.errors import DataError
from tests.model_core.full_disk import full_disk
from tests.model_core.unit.refinery_cases import korean_text, nearly, respelled, write_jsonl

ROOT = Path(__file__).parents[3]
SMALL_SHARDS = RefinerySettings(shard_documents=20)


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file of an output folder but its lock."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


def planted(folder: Path) -> tuple[Path, Path]:
    """Write 400 documents with known faults, and the evaluation texts."""
    rng = random.Random(11)
    good = [text for text in (korean_text(rng) for _ in range(320)) if not quality_reason(text, QualityLimits())][:300]
    texts = [*good, *(respelled(text) for text in good[:30]), *(nearly(text, rng, 0.008) for text in good[30:50])]
    held_out = [korean_text(rng, 3) for _ in range(10)]
    texts += [korean_text(rng) + "\n" + text for text in held_out]
    texts += ["", "Thank you for calling, how can I help you with your order today?", "네", "무단 전재 및 재배포 금지"]
    texts += ["제 번호는 공일공에 일이삼사에 오육칠팔이에요, 저는 이서연이라고 합니다.\n" + korean_text(rng, 4)]
    rng.shuffle(texts)
    source = write_jsonl(folder / "calls.jsonl", texts)
    with source.open("ab") as stream:
        stream.write(b"\xff\xfe\n{}\n" + json.dumps({"text": "가" * 1_100_000}).encode() + b"\n")
    return source, write_jsonl(folder / "held-out.jsonl", held_out)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nothing disturbed, in one process."""
    folder = tmp_path_factory.mktemp("refinery")
    source, evaluation = planted(folder)
    run_refinery([source], folder / "out", settings=SMALL_SHARDS, evaluation=[evaluation])
    return folder


def test_every_drop_has_its_reason_and_all_add_up(finished: Path) -> None:
    card = json.loads((finished / "out" / "card.json").read_bytes())
    assert card["documents"] == 368
    assert card["kept"] == 301
    assert card["dropped"] == {
        "oversized": 1,
        "not_utf8": 1,
        "malformed": 1,
        "empty": 1,
        "boilerplate": 1,
        "language": 1,
        "too_short": 1,
        "evaluation": 10,
        "exact_duplicate": 30,
        "near_duplicate": 20,
    }
    assert card["changes"]["personal.phone"] == card["changes"]["personal.name"] == 1
    rows = [row for shard in sorted((finished / "out").glob("shard-*.gz")) for row in unpack_rows(shard)]
    assert len(rows) == card["kept"]
    assert sum(len(row["text"]) for row in rows) == card["characters"]
    assert sum("[전화1]이에요, 저는 [이름1]이라고" in row["text"] for row in rows) == 1
    everything = b"".join(contents(finished / "out").values())
    assert "공일공".encode() not in everything
    assert "이서연".encode() not in everything


def test_the_card_shows_places_and_no_words(finished: Path) -> None:
    card = (finished / "out" / "card.md").read_text()
    assert "368 documents in, 301 kept" in card
    assert "| near_duplicate | 20 |" in card
    assert "calls.jsonl:" in card
    assert "Thank you" not in card


def test_two_processes_write_the_same_bytes(finished: Path, tmp_path: Path) -> None:
    run_refinery(
        [finished / "calls.jsonl"],
        tmp_path,
        settings=SMALL_SHARDS,
        workers=2,
        evaluation=[finished / "held-out.jsonl"],
    )
    assert contents(tmp_path) == contents(finished / "out")


def _killed_at(finished: Path, out: Path, sign: str, workers: int) -> None:
    """Run the command in a process group of its own and kill all of it when it has reported `sign` twice."""
    code = (
        "import sys; from pathlib import Path; from model_core.data.refinery.run import run_refinery;"
        "from model_core.data.refinery.settings import RefinerySettings;"
        f"source, evaluation, out = map(Path, sys.argv[1:])\n"
        f"if __name__ == '__main__': run_refinery([source], out, settings=RefinerySettings(shard_documents=20),"
        f" workers={workers}, evaluation=[evaluation], report=lambda line: print(line, flush=True))"
    )
    script = out.parent / f"{sign}.py"
    script.write_text(code)
    command = [sys.executable, str(script), str(finished / "calls.jsonl"), str(finished / "held-out.jsonl"), str(out)]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    seen = 0
    for line in process.stdout:
        seen += line.startswith(sign)
        if seen == 2:
            process.send_signal(signal.SIGKILL)
            break
    process.stdout.close()
    assert process.wait() == -signal.SIGKILL


def test_a_killed_run_goes_on_and_ends_with_the_same_bytes(finished: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    _killed_at(finished, out, "part", workers=2)
    assert not (out / "manifest.json").exists()
    assert list((out / "work").glob("part-*.json"))
    _killed_at(finished, out, "shard", workers=1)
    assert not (out / "manifest.json").exists()
    assert list(out.glob("shard-*.json"))
    # What a kill inside a write leaves behind, a part whose file is cut short, and two with a flipped bit.
    (out / ".shard-00009.jsonl.gz.1.tmp").write_bytes(b"half")
    part = next((out / "work").glob("part-*.jsonl.gz"))
    part.write_bytes(part.read_bytes()[:-1])
    for damaged in sorted((out / "work").glob("part-*1.*[sz]"))[:2]:
        content = bytearray(damaged.read_bytes())
        content[len(content) // 2] ^= 1
        damaged.write_bytes(content)
    run_refinery([finished / "calls.jsonl"], out, settings=SMALL_SHARDS, evaluation=[finished / "held-out.jsonl"])
    assert contents(out) == contents(finished / "out")


def test_a_full_disk_stops_a_run_that_then_goes_on(finished: Path, tmp_path: Path) -> None:
    source, evaluation = finished / "calls.jsonl", [finished / "held-out.jsonl"]
    with full_disk(1_000), pytest.raises(OutputError, match="cannot be written") as failure:
        run_refinery([source], tmp_path, settings=SMALL_SHARDS, evaluation=evaluation)
    assert not failure.value.permanent and not list(tmp_path.rglob("*.gz")) and not list(tmp_path.rglob("*.tmp"))
    run_refinery([source], tmp_path, settings=SMALL_SHARDS, evaluation=evaluation)
    assert contents(tmp_path) == contents(finished / "out")


def test_a_finished_run_is_not_done_again_and_another_is_refused(finished: Path) -> None:
    source, out = finished / "calls.jsonl", finished / "out"
    before = contents(out)
    said: list[str] = []
    run_refinery([source], out, settings=SMALL_SHARDS, evaluation=[finished / "held-out.jsonl"], report=said.append)
    assert said == ["already complete: nothing to do"]
    assert contents(out) == before
    assert not (out / "work").exists()
    with pytest.raises(DataError, match="other inputs or settings"):
        run_refinery([source], out, settings=RefinerySettings(), evaluation=[finished / "held-out.jsonl"])


def _parsed(raw: bytes, name: str = "x.jsonl") -> Document | str:
    return parse(Record(name, 3, raw, oversized=False))


@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b"[]",
        b'"text"',
        b"{}",
        b'{"text": 5}',
        b'{"lines": [{"party": "A"}]}',
        b'{"text": "\xea\xb0\x80", "people": "kim"}',
        b'{"text": "\xea\xb0\x80", "people": [1]}',
        b'{"text": "\xea\xb0\x80", "people": [" "]}',
        b'{"text": "\xea\xb0\x80", "id": "\\ud800"}',
        b"[" * 100_000,
    ],
)
def test_malformed_rows_are_told_and_not_fatal(raw: bytes) -> None:
    assert _parsed(raw) == "malformed"


def test_each_format_gives_its_documents() -> None:
    assert _parsed(b"\xeb\x84\xa4\t\xec\x98\x88", "a.tsv") == Document("a.tsv:3", "네\n예")
    assert _parsed(b"\xeb\x84\xa4\tx", "a.txt.gz") == Document("a.txt.gz:3", "네\tx")
    row = {"id": 7, "lines": [{"party": "A", "text": "네"}, {"party": "B", "text": "예"}], "people": ["김민수"]}
    assert _parsed(json.dumps(row).encode()) == Document("7", "A: 네\nB: 예", ("김민수",))
    assert _parsed(b"\xff") == "not_utf8"


def test_lines_are_numbered_and_long_ones_cut(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"one\n\n" + b"x" * 95 + b"\nlast")
    records = list(read_records(path, 10))
    assert [(record.line, record.raw, record.oversized) for record in records] == [
        (1, b"one\n", False),
        (3, b"x" * 10, True),
        (4, b"last", False),
    ]


@pytest.mark.parametrize("fault", ["cut", "flipped", "missing", "folder"])
def test_an_unreadable_file_stops_the_run_with_its_name(tmp_path: Path, fault: str) -> None:
    path = tmp_path / "calls.txt.gz"
    packed = bytearray(gzip.compress(("네, 알겠습니다. " * 50 + "\n").encode() * 500, mtime=0))
    if fault == "folder":
        path.mkdir()
    elif fault != "missing":
        packed[len(packed) // 2] ^= 0xFF
        path.write_bytes(packed[: len(packed) // 3] if fault == "cut" else packed)
    with pytest.raises(DataError, match=r"calls\.txt\.gz cannot be read"):
        list(read_records(path, 1000))


def test_the_command_line_refines_and_refuses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = random.Random(1)
    source = write_jsonl(tmp_path / "a.jsonl", [korean_text(rng), "네", korean_text(rng)])
    out = str(tmp_path / "out")
    assert main([str(source), "--out", out]) == 0
    printed = capsys.readouterr().out
    assert "2 of 3 documents kept" in printed
    assert "too_short: 1" in printed
    bad = write_jsonl(tmp_path / "bad.jsonl", [])
    bad.write_text("{}\n")
    for arguments, message in (
        ([str(tmp_path / "none.txt"), "--out", out], "none.txt cannot be read"),
        ([str(tmp_path / "a.csv"), "--out", out], "a.csv ends in .csv"),
        ([str(source), str(source), "--out", out], "two inputs are both named a.jsonl"),
        ([str(source), "--out", out, "--workers", "0"], "workers is 0"),
        ([str(source), "--out", out, "--limit", "-1"], "limit is -1"),
        ([str(source), "--out", out, "--threshold", "2"], "threshold is 2.0"),
        ([str(source), "--out", str(tmp_path / "o"), "--evaluation", str(bad)], "bad.jsonl:1 is malformed"),
    ):
        assert main(arguments) == 2
        assert message in capsys.readouterr().err
    assert main([str(source), "--out", str(source / "below")]) == 75
    assert "cannot be written" in capsys.readouterr().err
