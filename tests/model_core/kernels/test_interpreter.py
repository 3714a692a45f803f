"""Runs the kernel tests of this folder in Triton's interpreter, in a process of its own.

The interpreter is switched on for a whole process before Triton is first imported; in this one it would leak into the
tests that come after.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.model_core.kernels.conftest import INTERPRETED

FOLDER = Path(__file__).parent


@pytest.mark.skipif(INTERPRETED, reason="this is the process that was started for it")
def test_the_kernels_in_the_interpreter() -> None:
    others = {Path(__file__).name, "test_compile.py"}
    files = [str(path) for path in sorted(FOLDER.glob("test_*.py")) if path.name not in others]
    # The interpreter multiplies with numpy. Some of OpenBLAS' products depend on where in a block a row stands; those
    # for this processor, which every later one can run, do not.
    environment = os.environ | {"TRITON_INTERPRET": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_CORETYPE": "NEHALEM"}
    answer = subprocess.run(
        [sys.executable, "-m", "pytest", "-x", "-m", "not gpu", *files],
        cwd=FOLDER.parents[2], env=environment, capture_output=True, text=True, timeout=280,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stdout[-4000:] + answer.stderr[-2000:]
    assert "skipped" not in answer.stdout
