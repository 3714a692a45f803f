"""The machines a run can stand on: what a device holds and does, and how devices are joined.

Data-sheet figures for GPUs, a short measurement for the machine at hand. It knows no model.
"""

import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from model_core.errors import ConfigError

GB = 10**9
TERA = 10**12


@dataclass(frozen=True)
class Device:
    """One accelerator. Rates are a second; links are bytes a second in one direction for one device.

    `peak_flops` is dense bf16 (fp32 for a CPU). `reserved_bytes` is what the driver, the allocator and the
    communication library take before a model does.
    """

    name: str
    memory_bytes: int
    peak_flops: float
    memory_bandwidth: float
    node_link: float
    network_link: float
    devices_per_node: int
    has_fp8: bool
    reserved_bytes: int


@dataclass(frozen=True)
class Cluster:
    """A number of equal devices."""

    device: Device
    count: int

    @property
    def name(self) -> str:
        """The way the command line writes it."""
        return self.device.name if self.device.name == "local" else f"{self.count}x{self.device.name}"


def _gpu(name: str, memory_gb: int, tflops: float, memory_tb_s: float, node_gb_s: float) -> Device:
    return Device(
        name=name,
        memory_bytes=memory_gb * GB,
        peak_flops=tflops * TERA,
        memory_bandwidth=memory_tb_s * TERA,
        node_link=node_gb_s * GB,
        network_link=50.0 * GB,
        devices_per_node=8,
        has_fp8=True,
        reserved_bytes=4 * GB,
    )


# Source: the vendor's data sheets of the SXM modules and their 8-GPU servers; one 400 Gbit/s network card a GPU.
# The H800 is an H100 with fewer links: DeepSeek-AI 2025, arXiv 2505.09343, section 4.1.
DEVICES = {
    device.name: device
    for device in (
        _gpu("H100", 80, 989.0, 3.35, 450.0),
        _gpu("H800", 80, 989.0, 3.35, 200.0),
        _gpu("H200", 141, 989.0, 4.8, 450.0),
        _gpu("B200", 180, 2250.0, 7.7, 900.0),
    )
}


def measure_local() -> Device:
    """Return the machine at hand as a device: its memory, and its measured fp32 product and copy rates.

    Side effects: multiplies and copies for about a second.
    """
    return Device(
        name="local",
        memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        peak_flops=_product_rate(),
        memory_bandwidth=_copy_rate(),
        node_link=float(GB),
        network_link=float(GB),
        devices_per_node=1,
        has_fp8=False,
        reserved_bytes=GB // 2,
    )


def _product_rate(width: int = 1024, repeats: int = 5) -> float:
    left, right = np.ones((2, width, width), dtype=np.float32)
    seconds = min(_seconds(lambda: left @ right) for _ in range(repeats))
    return float(2 * width**3 / seconds)


def _copy_rate(size_bytes: int = 64 * 2**20, repeats: int = 3) -> float:
    source = np.ones(size_bytes, dtype=np.uint8)
    target = np.empty_like(source)
    seconds = min(_seconds(lambda: np.copyto(target, source)) for _ in range(repeats))
    return 2 * size_bytes / seconds


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def parse_cluster(text: str) -> Cluster:
    """Return the cluster that `text` names: a count and a device such as `1024xH100`, or `local`.

    Raises: ConfigError for an unknown device, a count below 1, or a count that leaves part of a node.
    """
    if text == "local":
        return Cluster(measure_local(), 1)
    match = re.fullmatch(r"(\d+)x(\w+)", text)
    if match is None or match[2].upper() not in DEVICES:
        raise ConfigError(f"cluster is {text!r}; it must be local or a count and one of {', '.join(DEVICES)}: 8xH200")
    count, device = int(match[1]), DEVICES[match[2].upper()]
    if count < 1 or (count > device.devices_per_node and count % device.devices_per_node):
        raise ConfigError(
            f"cluster has {count} devices; the number must be above 0 and fill whole nodes of {device.devices_per_node}"
        )
    return Cluster(device, count)
