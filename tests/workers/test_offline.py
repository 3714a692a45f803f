"""Everything works without a network, and nothing so much as tries to reach one.

The commands run in a process with an audit hook that notes and refuses every look-up and every connection, its children
included; where the system allows it, in a network namespace without any interface as well.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stack.running import ROOT, SAMPLES

GUARD = """
import os, sys

def _listen(event, arguments):
    if event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
        target = arguments[0]
    elif event in ("socket.connect", "socket.sendto", "socket.sendmsg") and isinstance(arguments[1], tuple):
        target = arguments[1]
    else:
        return
    with open(os.environ["NETWORK_LOG"], "a") as log:
        log.write(f"{event} {target} by {sys.argv}\\n")
    raise OSError(f"the network is blocked: {event} {target}")

sys.addaudithook(_listen)
"""
COMMANDS = """
import json, sys
import django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
for command in json.loads(sys.argv[1]):
    print("\\x1e", end="")
    call_command(*command)
"""
TURNS = [
    {"speaker": "상담원", "text": "감사합니다, 가온택배 상담원입니다."},
    {"speaker": "고객", "text": "어제 주문한 택배가 아직 안 왔는데 언제 오나요?"},
    {"speaker": "상담원", "text": "내일 오후 세 시까지 배송해 드리겠습니다."},
    {"speaker": "고객", "text": "네, 알겠습니다."},
]


def _wall() -> list[str]:
    """Return what to put before a command so that it has no network at all, as far as this system allows it."""
    wall = ["unshare", "--net"]
    if not shutil.which("unshare") or subprocess.run([*wall, "true"], capture_output=True).returncode:
        return []
    return wall


def _cut_off(tmp_path: Path, code: str, *arguments: str) -> tuple["subprocess.CompletedProcess[str]", str]:
    """Run Python `code` without network; return how it ended and what tried to get out."""
    (tmp_path / "sitecustomize.py").write_text(GUARD)
    log = tmp_path / "network.log"
    log.touch()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("YOYAK_", "HF_"))}
    environment |= {
        "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}",
        "NETWORK_LOG": str(log),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "YOYAK_DATA_DIR": str(tmp_path / "data"),
        "HOME": str(tmp_path),
    }
    command = [*_wall(), sys.executable, "-c", code, *arguments]
    answer = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=290)
    return answer, log.read_text()


@pytest.mark.parametrize(
    "code",
    [
        "import urllib.request; urllib.request.urlopen('http://192.0.2.1/')",
        "import socket; socket.getaddrinfo('models.example', 443)",
        "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import socket; socket.create_connection"
        '(("192.0.2.1", 9))\'], check=True)',
    ],
)
def test_the_guard_hears_who_tries(code: str, tmp_path: Path) -> None:
    answer, tried = _cut_off(tmp_path, code)
    assert answer.returncode != 0
    assert "192.0.2.1" in tried or "models.example" in tried


@pytest.mark.slow
def test_calls_transcripts_and_measurements_need_no_network(tmp_path: Path) -> None:
    recording = min(SAMPLES.glob("*.wav"), key=lambda path: path.stat().st_size)
    transcript = tmp_path / "chat.json"
    transcript.write_text(json.dumps({"turns": TURNS}), encoding="utf-8")
    commands = [
        ["process_call", str(recording), "--json"],
        ["summarize_transcript", str(transcript), "--json"],
        ["evaluate", "summaries", "--calls", "1", "--json"],
        ["evaluate", "speech", "--calls", "1", "--json"],
    ]
    answer, tried = _cut_off(tmp_path, COMMANDS, json.dumps(commands))
    assert answer.returncode == 0, answer.stderr[-3000:]
    assert tried == ""
    call, chat, summaries, speech = (json.loads(part) for part in answer.stdout.split("\x1e")[1:])
    assert (call["status"], chat["status"]) == ("done", "done")
    assert call["segments"] and chat["summary"]
    assert summaries["variants"] and speech["turns"] > 0
