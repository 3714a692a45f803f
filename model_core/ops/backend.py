"""Which implementation of the routing operations runs: plain torch calls or the Triton kernels.

An explicit argument wins, then `YOYAK_KERNELS` (`auto`, `torch`, `triton`), then the device: Triton on a CUDA device,
torch elsewhere. It knows no operation. `TRITON_INTERPRET=1` lets the kernels run on a CPU, for tests.
"""

import logging
import os
from functools import cache
from importlib.util import find_spec
from typing import Literal, cast, get_args

from model_core.errors import ConfigError

Backend = Literal["torch", "triton"]
_VARIABLE = "YOYAK_KERNELS"
_log = logging.getLogger(__name__)


@cache
def choose_backend(device_type: str, wanted: Backend | None = None) -> Backend:
    """Return the implementation for tensors on `device_type`; `wanted` overrides the environment and the device.

    Raises: ConfigError for an unknown name, or for Triton where it cannot run. Side effects: logs each choice once.
    """
    named = wanted or os.environ.get(_VARIABLE, "auto")
    if named not in ("auto", *get_args(Backend)):
        raise ConfigError(f"{_VARIABLE} is {named!r}; it must be auto, torch or triton")
    able = find_spec("triton") is not None and (device_type == "cuda" or os.environ.get("TRITON_INTERPRET") == "1")
    if named == "triton" and not able:
        raise ConfigError(f"the triton kernels cannot run on {device_type!r}; they need a CUDA device and triton")
    fitting = "triton" if able and device_type == "cuda" else "torch"
    chosen = cast(Backend, fitting if named == "auto" else named)
    _log.info("routing operations on %s: %s (%s)", device_type, chosen, named)
    return chosen
