"""Runs the kernels where this process can: on the GPU, or in Triton's interpreter when the process was started for it.

`TRITON_INTERPRET=1` changes Triton for a whole process, so `test_interpreter` starts a process of its own for it.
"""

import os
from typing import Any

import pytest
import torch

INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"


def _accept_numbers_in_arrays() -> None:
    # Triton 3.4 keeps a number as an array of one element and asks numpy for int() of it, which numpy 2.4 refuses.
    from triton.runtime import interpreter

    patch = interpreter._patch_lang_tensor

    def patched(tensor: Any) -> None:
        patch(tensor)
        tensor.__index__ = lambda self: int(self.handle.data.item())

    interpreter._patch_lang_tensor = patched


if INTERPRETED:
    _accept_numbers_in_arrays()


@pytest.fixture(scope="session")
def device() -> str:
    """Return where the tensors of these tests live, or skip."""
    if INTERPRETED:
        return "cpu"
    if not torch.cuda.is_available():
        pytest.skip("no GPU, and this process does not interpret: test_interpreter.py starts one that does")
    return "cuda"
