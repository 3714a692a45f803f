"""Kill what works on a call, in the middle of it: the call must end done, once, and no finished stage runs again."""

import os
import signal
from pathlib import Path

import pytest

from tests.stack.running import SAMPLES, Stack, report_of, running_stack, wait_until

pytestmark = [pytest.mark.stack, pytest.mark.slow]
QUICK = {"YOYAK_LEASE_S": "4", "YOYAK_SWEEP_S": "1"}


def _longest_sample() -> Path:
    return max(SAMPLES.glob("*.wav"), key=lambda path: path.stat().st_size)


def _in_recognition(stack: Stack) -> bool:
    return bool(stack.rows("SELECT 1 FROM jobs_job WHERE stage = 'transcribe' AND state = 'running'"))


def _kill_worker_child(stack: Stack) -> None:
    _, children = stack.worker_pids("asr")
    assert children
    for child in children:
        os.kill(child, signal.SIGKILL)


def _kill_whole_worker(stack: Stack) -> None:
    main, children = stack.worker_pids("asr")
    for pid in (main, *children):
        os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("kill", [_kill_worker_child, _kill_whole_worker])
def test_a_killed_worker_costs_no_work(tmp_path: Path, kill: object) -> None:
    with running_stack(tmp_path / "data", "--no-demo", **QUICK) as stack:
        call = stack.start_call(_longest_sample())
        wait_until("the recognizer works", lambda: _in_recognition(stack))
        probed = stack.rows("SELECT id, created_at FROM jobs_stageresult WHERE stage = 'probe'")
        kill(stack)  # type: ignore[operator]
        report = report_of(call)
        assert (report["status"], report["reason"]) == ("done", None)
        stages = stack.rows("SELECT stage, count(*) FROM jobs_stageresult GROUP BY stage")
        assert dict(stages) == {"probe": 1, "transcribe": 1, "diarize": 1, "summarize": 1, "verify": 1}
        assert stack.rows("SELECT id, created_at FROM jobs_stageresult WHERE stage = 'probe'") == probed
        assert stack.rows("SELECT count(*) FROM summaries_summary") == [(1,)]
        (token,) = stack.rows("SELECT token FROM jobs_job")[0]
        assert token > len(stages) + 1, "the recognition was claimed a second time"


def test_ctrl_c_leaves_nothing_behind(tmp_path: Path) -> None:
    with running_stack(tmp_path / "data", "--no-demo") as stack:
        pids = [stack.worker_pids(queue) for queue in ("io", "asr", "llm")]
    left = [pid for main, children in pids for pid in (main, *children) if Path(f"/proc/{pid}").exists()]
    assert left == []
    assert not stack.process.returncode
