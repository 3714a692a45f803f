"""A real OpenAI-compatible server on our own checkpoint folder: transformers' `serve`, started by the test."""

import importlib.util
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from model_core.checkpoint.pretrained import load_model
from model_core.data.call import Line
from model_core.data.summary_format import encode_prompt
from model_core.data.tokenizer import load_tokenizer, train_tokenizer
from tests.tiny_model import save_tiny_model
from workers.engines.chat_model import message_of_lines
from workers.engines.summarizer import SummarizerSettings, served_model

LINES = (Line("A", "네, 가온텔레콤입니다."), Line("B", "요금이 54,000원 나왔어요."))
START_LIMIT_S = 180.0
TOKENS = 24

pytestmark = [pytest.mark.services, pytest.mark.timeout(200)]


def require_server() -> None:
    """Skip without the server's packages, or fail where services are required."""
    missing = [name for name in ("fastapi", "uvicorn", "accelerate") if importlib.util.find_spec(name) is None]
    if not missing:
        return
    message = f"transformers serve needs {', '.join(missing)}: install requirements/dev.txt"
    if os.environ.get("YOYAK_REQUIRE_SERVICES", "").lower() in ("1", "true", "yes"):
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    require_server()
    tokenizer = train_tokenizer([f" {line.text}" for line in LINES] * 9, 700)
    return save_tiny_model(tmp_path_factory.mktemp("models"), tokenizer)


@pytest.fixture(scope="module")
def base_url(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path_factory.mktemp("server") / "log"
    command = [sys.executable, "-m", "transformers.commands.transformers_cli", "serve"]
    with log.open("wb") as output:
        server = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(port), "--device", "cpu"],
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": ""},
        )
        try:
            wait_for(f"http://127.0.0.1:{port}/health", server, log)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            server.terminate()
            server.wait(30)


def wait_for(url: str, server: "subprocess.Popen[bytes]", log: Path) -> None:
    limit = time.monotonic() + START_LIMIT_S
    while time.monotonic() < limit:
        if server.poll() is not None:
            break
        try:
            urllib.request.urlopen(url, timeout=2).close()
            return
        except OSError:
            time.sleep(0.5)
    pytest.fail(f"the server did not start: {log.read_text(errors='replace')[-2000:]}")


def greedy(folder: Path, count: int) -> str:
    """Return what our own decoder writes without any grammar."""
    tokenizer, model = load_tokenizer(folder), load_model(folder)
    ids = encode_prompt(tokenizer, LINES)
    start = len(ids)
    with torch.inference_mode():
        for _ in range(count):
            ids.append(int(model(torch.tensor([ids]))[0, -1].argmax()))
    return tokenizer.decode(ids[start:])


def test_a_stock_server_reads_our_folder_and_writes_what_our_decoder_writes(folder: Path, base_url: str) -> None:
    chat = served_model(SummarizerSettings(model=str(folder), base_url=base_url))
    answer = chat.invoke([message_of_lines(LINES)])
    expected = greedy(folder, TOKENS)
    assert len(expected) > TOKENS
    assert str(answer.content).startswith(expected[: len(expected) // 2])
