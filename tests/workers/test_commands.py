"""The commands of the shell: good input, every kind of bad input, and an account of all of it."""

import ast
import json
import re
import subprocess
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.utils import translation

from apps.accounts.models import Organization
from apps.calls.models import Call
from apps.jobs import requests
from apps.jobs.models import Batch, Job
from apps.jobs.reasons import REASONS
from apps.summaries.models import Summary
from tests.stack.running import ROOT, SAMPLES
from tests.workers import recordings as made
from tests.workers.test_media import BAD
from workers import pipeline
from workers.contracts.work import Stage
from workers.management.commands import summarize_transcript

pytestmark = pytest.mark.django_db(transaction=True)

Environment = Callable[..., None]
TURNS = [
    {"speaker": "상담원", "text": "감사합니다, 하늘통신 상담원 김지우입니다."},
    {"speaker": "고객", "text": "이번 달 요금이 오만 사천 원이 나왔는데 왜 이렇게 많이 나온 건가요?"},
    {"speaker": "상담원", "text": "소액결제 이만 원이 새로 청구되었습니다."},
    {"speaker": "고객", "text": "저는 쓴 적이 없는데요, 환불해 주세요."},
    {"speaker": "상담원", "text": "네, 십이월 삼 일까지 확인해서 환불해 드리겠습니다."},
    {"speaker": "고객", "text": "네, 알겠습니다."},
]


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Environment:
    """Return a function that changes settings of the installation for one test."""
    return lambda **values: monkeypatch.setattr(settings, "ENV", settings.ENV.model_copy(update=values))


def _run(*arguments: object) -> tuple[int, Any]:
    """Return the exit status of a command and the one JSON object it printed."""
    out, status = StringIO(), 0
    try:
        call_command(*map(str, arguments), "--json", stdout=out, stderr=StringIO())
    except SystemExit as end:
        status = int(end.code or 0)
    return status, json.loads(out.getvalue())


def _expect_reason(reason: dict[str, str], code: str) -> None:
    assert reason["code"] == code
    assert any("가" <= letter <= "힣" for letter in reason["ko"])
    assert reason["en"] and not any("가" <= letter <= "힣" for letter in reason["en"]), reason["en"]
    assert "%(" not in reason["ko"] + reason["en"]


# process_call: bad input


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_recording_has_a_reason_in_both_languages(kind: str, tmp_path: Path, environment: Environment) -> None:
    environment(max_call_minutes=10)
    make, code = BAD[kind]
    made.write_wav(tmp_path / "secret.wav", [made.tone(1)])
    path = make(tmp_path)
    size_bytes = path.stat().st_size
    status, report = _run("process_call", path)
    assert (status, report["status"]) == (1, "refused" if kind == "empty" else "failed")
    _expect_reason(report["reason"], code)
    assert path.stat().st_size == size_bytes, "the file given is left alone"
    kept = Call.objects.count()
    assert kept == (0 if kind == "empty" else 1), "what was taken in is not lost"


def test_a_headerless_recording_is_asked_for_its_codec(tmp_path: Path) -> None:
    path = tmp_path / "a.ulaw"
    path.write_bytes(bytes([0xFF, 0x7F, 0x20, 0xA0] * 4000))
    status, report = _run("process_call", path)
    assert (status, report["status"]) == (1, "failed")
    _expect_reason(report["reason"], "headerless")


def test_a_recording_over_the_size_limit_is_refused(tmp_path: Path, environment: Environment) -> None:
    environment(max_upload_mb=1)
    before = set(Path(settings.FILE_UPLOAD_TEMP_DIR).iterdir())
    status, report = _run("process_call", made.write_wav(tmp_path / "a.wav", [made.tone(70)]))
    assert (status, report["status"]) == (1, "refused")
    _expect_reason(report["reason"], "too_large")
    assert not Call.objects.exists()
    assert set(Path(settings.FILE_UPLOAD_TEMP_DIR).iterdir()) <= before, "no part of it stays behind"


def test_a_recording_that_is_not_there_is_refused(tmp_path: Path) -> None:
    status, report = _run("process_call", tmp_path / "a.wav")
    assert (status, report["status"]) == (1, "refused")
    _expect_reason(report["reason"], "recording_missing")


def test_a_bad_recording_given_twice_is_one_call(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"<html>" * 100)
    reports = [_run("process_call", path)[1] for _ in range(2)]
    assert [report["duplicate"] for report in reports] == [False, True]
    assert reports[0]["call_id"] == reports[1]["call_id"]
    assert reports[1]["reason"]["code"] == "not_audio"
    assert Call.objects.count() == 1


def test_a_broken_speech_model_is_named(tmp_path: Path, environment: Environment) -> None:
    environment(asr_model=str(tmp_path))
    status, report = _run("process_call", made.write_wav(tmp_path / "a.wav", [made.tone(1)]))
    assert (status, report["status"]) == (1, "failed")
    _expect_reason(report["reason"], "engine_missing")


def test_plain_output_says_why_in_both_languages(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.wav").write_bytes(b"<html>" * 100)
    with pytest.raises(SystemExit):
        call_command("process_call", str(tmp_path / "a.wav"))
    shown = capsys.readouterr().out
    assert "소리 파일이 아닙니다" in shown and "/" in shown


# process_call: good input, with the models that ship


@pytest.fixture(scope="module")
def sample() -> Path:
    """The shortest sample in which each party has a channel."""
    return min(SAMPLES.glob("*(스테레오).wav"), key=lambda path: path.stat().st_size)


@pytest.mark.slow
def test_a_call_becomes_a_summary_and_the_same_file_is_found(sample: Path, tmp_path: Path) -> None:
    status, report = _run("process_call", sample)
    assert (status, report["status"], report["reason"], report["duplicate"]) == (0, "done", None, False)
    assert {"A", "B"} == {segment["party"] for segment in report["segments"]}
    assert [segment["number"] for segment in report["segments"]] == list(range(1, len(report["segments"]) + 1))
    _expect_evidence(report)
    assert report["summary"]["method"] in ("model", "extractive")
    assert set(report["timings_s"]) == set(report["models"]) == {*pipeline.STAGE_QUEUES} - {"publish"}
    copy = tmp_path / "another name.wav"
    copy.write_bytes(sample.read_bytes())
    status, again = _run("process_call", copy)
    assert (status, again) == (0, report | {"duplicate": True})
    assert (Call.objects.count(), Job.objects.count(), Summary.objects.count()) == (1, 1, 1)


def _expect_evidence(report: dict[str, Any]) -> None:
    summary, numbers = report["summary"], {segment["number"] for segment in report["segments"]}
    points = [point for topic in summary["topics"] for point in topic["points"]]
    items = [summary["one_line"], *points, *summary["actions"], *summary["decisions"]]
    assert points
    for item in items:
        assert item["evidence"] and set(item["evidence"]) <= numbers


def _silence(seconds: float) -> made.Samples:
    return np.zeros(int(8000 * seconds), np.int16)


def _line_noise(seconds: float) -> made.Samples:
    return np.random.default_rng(3).normal(0, 60, int(8000 * seconds)).astype(np.int16)


@pytest.mark.slow
@pytest.mark.parametrize(
    "channels",
    [[_silence(20)], [_silence(20), _silence(20)], [_line_noise(20), _silence(20)], [made.tone(20, hz=425)]],
    ids=["silence", "stereo silence", "line noise", "dial tone"],
)
def test_nobody_spoke_is_said_and_nothing_is_invented(channels: list[made.Samples], tmp_path: Path) -> None:
    status, report = _run("process_call", made.write_wav(tmp_path / "a.wav", channels))
    assert (status, report["status"], report["segments"]) == (0, "done", [])
    summary = report["summary"]
    assert (summary["method"], summary["topics"], summary["actions"], summary["decisions"]) == ("empty", [], [], [])
    assert report["duration_s"] == pytest.approx(20, abs=0.1)


@pytest.mark.slow
def test_a_language_it_does_not_know_is_not_passed_off_as_korean(tmp_path: Path) -> None:
    path = tmp_path / "english.wav"
    text = (
        "Good morning, this is the billing department. I am calling about the invoice from last Thursday. "
        "The shipment arrived damaged, and we would like a full refund before the end of the month, please. "
        "Could you also confirm the address of the warehouse and the name of the person in charge?"
    )
    subprocess.run(["espeak-ng", "-v", "en-us", "-w", str(path), text], check=True)
    status, report = _run("process_call", path)
    if report["status"] == "failed":
        assert status == 1
        _expect_reason(report["reason"], "unknown_language")
    else:
        assert report["summary"]["method"] == "extractive", "a fluent summary of what nobody said"


# summarize_transcript


def _transcript(tmp_path: Path, content: object) -> Path:
    path = tmp_path / "chat.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return path


@pytest.mark.slow
def test_a_transcript_becomes_a_summary(tmp_path: Path) -> None:
    status, report = _run("summarize_transcript", _transcript(tmp_path, {"turns": TURNS}))
    assert (status, report["status"], report["reason"]) == (0, "done", None)
    assert [segment["text"] for segment in report["segments"]] == [turn["text"] for turn in TURNS]
    assert [segment["party"] for segment in report["segments"]] == list("ABABAB")
    _expect_evidence(report)
    assert set(report["timings_s"]) == {"summarize", "verify"}
    made_by_model = Summary.objects.get()
    assert made_by_model.model_version == report["models"]["summarize"]


@pytest.mark.slow
def test_a_transcript_in_another_language_is_quoted_not_imagined(tmp_path: Path) -> None:
    texts = ["Hello, I would like to cancel my order.", "Sure, which order is it?", "Number 4521, from last Monday."]
    turns = [{"speaker": "ab"[number % 2], "text": text} for number, text in enumerate(texts)]
    status, report = _run("summarize_transcript", _transcript(tmp_path, {"turns": turns}))
    assert (status, report["status"]) == (0, "done")
    points = [point["text"] for topic in report["summary"]["topics"] for point in topic["points"]]
    assert report["summary"]["method"] == "extractive" and set(points) <= set(texts)


MALFORMED: dict[str, object] = {
    "not JSON": "여보세요?",
    "broken off": '{"turns": [{"speaker": "A", "text": "네',
    "a list": [],
    "a number": 5,
    "no turns": {},
    "turns not a list": {"turns": "네"},
    "no turn": {"turns": []},
    "a turn that is text": {"turns": ["네"]},
    "empty text": {"turns": [{"speaker": "A", "text": "네"}, {"speaker": "B", "text": "  "}]},
    "text that is a number": {"turns": [{"speaker": "A", "text": 5}]},
    "speaker that is a list": {"turns": [{"speaker": [], "text": "네"}]},
    "one endless turn": {"turns": [{"speaker": "A", "text": "네" * 5001}]},
    "10,000 turns": {"turns": [{"speaker": "A", "text": "네"}] * 10_000},
    "nested without end": '{"turns": ' + "[" * 100_000,
}


@pytest.mark.parametrize("kind", MALFORMED)
def test_a_malformed_transcript_has_a_reason(kind: str, tmp_path: Path) -> None:
    status, report = _run("summarize_transcript", _transcript(tmp_path, MALFORMED[kind]))
    assert (status, report["status"]) == (1, "refused")
    _expect_reason(report["reason"], report["reason"]["code"])
    assert report["reason"]["code"] == "bad_transcript"
    assert not Call.objects.exists()


def test_a_transcript_that_is_no_text_has_a_reason(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b"\xff\xfe\x00" * 100)
    assert _run("summarize_transcript", tmp_path / "a.json")[1]["reason"]["code"] == "bad_transcript"
    assert _run("summarize_transcript", tmp_path / "none.json")[1]["reason"]["code"] == "bad_transcript"


def test_a_transcript_over_the_size_limit_is_not_even_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summarize_transcript, "MAX_MB", 1)
    path = _transcript(tmp_path, {"turns": [{"speaker": "A", "text": "네" * 400_000}]})
    _expect_reason(_run("summarize_transcript", path)[1]["reason"], "too_large")


# summarize_batch


@pytest.fixture
def small_stages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stages that do nothing; a call whose title says so breaks."""

    def run(name: str) -> Callable[[Any], dict[str, Any]]:
        def work(context: Any) -> dict[str, Any]:
            if name == "summarize" and "고장" in Call.objects.get(pk=context.call_id).title:
                raise RuntimeError
            return {}

        return work

    monkeypatch.setattr(pipeline, "load_stage", lambda name: Stage(name, lambda _: "1", lambda _: name, run(name)))


@pytest.mark.usefixtures("small_stages")
def test_a_batch_accounts_for_every_call(tmp_path: Path) -> None:
    house, stranger = (Organization.objects.create(name=name) for name in ("가람통신", "다온보험"))
    for title in ("요금 1", "고장 2", "요금 3"):
        Call.objects.create(organization=house, title=title, source=Call.Source.UPLOAD)
    Call.objects.create(organization=stranger, title="남의 통화", source=Call.Source.UPLOAD)
    busy = requests.request_processing(call=Call.objects.get(title="요금 3"), actor=None)
    status, report = _run("summarize_batch", "--organization", house.name)
    assert status == 1, "a call of the batch failed"
    assert [(row["title"], row["status"]) for row in report["calls"]] == [
        ("요금 3", "done"),
        ("요금 1", "done"),
        ("고장 2", "failed"),
    ]
    assert [bool(row["reason"]) for row in report["calls"]] == [False, False, True]
    assert Job.objects.filter(batch=Batch.objects.get()).count() == 3
    assert Job.objects.filter(call=busy.call).count() == 1, "a call in work is not queued twice"
    status, report = _run("summarize_batch", "--organization", house.name, "--title", "요금", "--since", "2020-01-01")
    assert (status, len(report["calls"])) == (0, 2)
    assert _run("summarize_batch", "--organization", house.name, "--until", "2020-01-01")[1]["calls"] == []


def test_a_batch_of_nobody_is_an_error() -> None:
    with pytest.raises(CommandError, match="없는 곳"):
        call_command("summarize_batch", "--organization", "없는 곳")


# doctor, evaluate


def _doctor(*options: str) -> tuple[int, str]:
    out, status = StringIO(), 0
    try:
        call_command("doctor", *options, stdout=out)
    except SystemExit as end:
        status = int(end.code or 0)
    return status, out.getvalue()


def test_the_doctor_names_what_is_missing_and_the_remedy(tmp_path: Path, environment: Environment) -> None:
    environment(asr_model=str(tmp_path / "nothing"))
    status, text = _doctor()
    assert status == 1
    assert "✗ 음성 모델" in text and "YOYAK_ASR_MODEL" in text
    assert "✓ 데이터베이스" in text and "– 작업자" in text


def test_the_doctor_speaks_both_languages_and_programs_read_it_alike(tmp_path: Path, environment: Environment) -> None:
    environment(asr_model=str(tmp_path / "없음"), watch_folder=str(tmp_path / "gone"))
    told = {}
    for language in ("ko", "en"):
        with translation.override(language):
            told[language] = json.loads(_doctor("--json")[1])
            text = _doctor()[1]
        assert ("✗ Speech model" in text) is (language == "en")
    same = [[(one["what"], one["good"], one["needed"]) for one in found] for found in told.values()]
    assert same[0] == same[1] and ("speech model", False, True) in same[0]
    words = [one[part] for one in told["en"] for part in ("what", "label", "detail", "remedy")]
    assert [word for word in words if re.search("[가-힣]", word.replace(str(tmp_path / "없음"), ""))] == []


def test_the_doctor_is_content_with_what_ships() -> None:
    status, text = _doctor()
    assert (status, "✗" in text) == (0, False), text


@pytest.mark.slow
@pytest.mark.parametrize(("what", "measure"), [("speech", "cer"), ("summaries", "variants")])
def test_evaluate_measures_what_ships(what: str, measure: str) -> None:
    status, result = _run("evaluate", what, "--calls", 1)
    assert status == 0 and result["split"] == "test" and measure in result


def test_evaluate_wants_at_least_one_call() -> None:
    with pytest.raises(CommandError, match="at least 1"):
        call_command("evaluate", "summaries", "--calls", "0")


# the sentences


RAISERS = {"YoyakError", "StageError", "MediaError", "EngineError", "Refusal"}


def _codes_raised() -> Iterator[str]:
    for room in ("apps", "workers"):
        for path in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") in RAISERS and node.args:
                    if isinstance(node.args[0], ast.Constant):
                        yield str(node.args[0].value)
                elif isinstance(node, ast.keyword) and node.arg == "reason" and isinstance(node.value, ast.Constant):
                    yield str(node.value.value)


def test_every_reason_has_a_sentence_in_both_languages() -> None:
    from workers.management.report import reason_report

    codes = set(_codes_raised()) - {""}
    assert len(codes) > 15
    assert codes - set(REASONS) == set()
    for code, sentence in REASONS.items():
        values = dict.fromkeys(re.findall(r"%\((\w+)\)s", str(sentence)), "1")
        _expect_reason(reason_report(code, values), code)
