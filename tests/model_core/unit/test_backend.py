"""Which implementation of the routing operations is chosen, and that a wrong wish is refused."""

import pytest

from model_core.errors import ConfigError
from model_core.ops import backend as module
from model_core.ops.backend import choose_backend


@pytest.fixture(autouse=True)
def _anew(monkeypatch: pytest.MonkeyPatch) -> None:
    choose_backend.cache_clear()
    monkeypatch.delenv("YOYAK_KERNELS", raising=False)
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    monkeypatch.setattr(module, "find_spec", lambda name: object())


def test_the_device_decides_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    assert choose_backend("cpu") == "torch"
    assert choose_backend("cuda") == "triton"
    assert choose_backend("cuda", "torch") == "torch"
    choose_backend.cache_clear()
    monkeypatch.setenv("YOYAK_KERNELS", "torch")
    assert choose_backend("cuda") == "torch"
    assert choose_backend("cuda", "triton") == "triton"


def test_the_choice_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", logger=module.__name__):
        choose_backend("cpu")
        choose_backend("cpu")
    assert [record.getMessage() for record in caplog.records] == ["routing operations on cpu: torch (auto)"]


def test_what_cannot_run_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="CUDA device"):
        choose_backend("cpu", "triton")
    monkeypatch.setenv("YOYAK_KERNELS", "cuda")
    with pytest.raises(ConfigError, match="'cuda'; it must be auto, torch or triton"):
        choose_backend("cpu")


def test_a_gpu_machine_without_triton_uses_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    assert choose_backend("cuda") == "torch"
