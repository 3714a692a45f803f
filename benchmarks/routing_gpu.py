"""What does routing cost on a GPU? Our kernels beside torch's, transformers' and ScatterMoE's, one shape, one run.

`python benchmarks/routing_gpu.py` on a machine with a GPU prints three tables: many tokens (arithmetic a second), few
tokens (share of the bandwidth that a plain copy reaches here), and crowded experts (time against an even routing); it
ends with status 1 when an aim is missed. Without a GPU it runs small shapes on the CPU, to show that it would start.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import Glm4MoeConfig
from transformers.models.glm4_moe.modeling_glm4_moe import Glm4MoeMoE

from model_core.config.recipes import get_recipe
from model_core.models.moe import MoE
from model_core.ops.experts import expert_mlp
from model_core.ops.sorting import Sorting, sort_choices

DECODE_AIMS = {1: 0.60, 8: 0.85, 32: 0.90, 128: 0.90}
TFLOPS_AIM, GROUPED_AIM, SKEW, SKEW_AIM = 500.0, 1.3, 5.0, 1.15
Row = dict[str, str | float | None]


@dataclass(frozen=True)
class Shape:
    """The sizes of a block."""

    tokens: int
    width: int
    inner: int
    experts: int
    k: int

    def products_flop(self, tokens: int) -> float:
        """Return the floating-point operations of the routed products of a forward pass."""
        return 6.0 * tokens * self.k * self.width * self.inner


H200, SMALL = Shape(32768, 4096, 1024, 128, 8), Shape(64, 32, 16, 16, 2)


class Inputs(NamedTuple):
    """What the expert feed-forward takes; the weights of the experts in bf16."""

    x_TD: Tensor
    weights_TK: Tensor
    experts_TK: Tensor
    gate_up_EJD: Tensor
    down_EDI: Tensor
    sorting: Sorting


def make_matrices(shape: Shape, device: str) -> tuple[Tensor, Tensor]:
    """Return gate over up, and down, of all experts."""
    generator = torch.Generator(device).manual_seed(0)
    sizes = (shape.experts, 2 * shape.inner, shape.width), (shape.experts, shape.width, shape.inner)
    gate_up, down = (torch.randn(s, generator=generator, device=device, dtype=torch.bfloat16) * 0.02 for s in sizes)
    return gate_up, down


def make_inputs(shape: Shape, tokens: int, matrices: tuple[Tensor, Tensor], skew: float = 1.0) -> Inputs:
    """Return `tokens` rows; above a `skew` of 1, one expert gets so many times the mean."""
    device = matrices[0].device
    generator = torch.Generator(device).manual_seed(tokens)
    scores_TE = torch.rand(tokens, shape.experts, generator=generator, device=device)
    if skew > 1:
        crowd = min(tokens, int(skew * tokens * shape.k / shape.experts))
        scores_TE[:crowd, 0], scores_TE[crowd:, 0] = 2.0, -1.0
    experts_TK = scores_TE.topk(shape.k, dim=-1).indices
    weights_TK = torch.rand(tokens, shape.k, generator=generator, device=device).softmax(dim=-1)
    x_TD = torch.randn(tokens, shape.width, generator=generator, device=device, dtype=torch.bfloat16)
    return Inputs(x_TD, weights_TK, experts_TK, *matrices, sort_choices(experts_TK, shape.experts))


def ours(inputs: Inputs) -> Tensor:
    """Run our operation."""
    *tensors, sorting = inputs
    return expert_mlp(*tensors, sorting=sorting)


def torch_grouped(inputs: Inputs) -> Tensor:
    """Run torch's grouped product on gathered rows, activation and sum from plain calls."""
    counts_E, order_S, places_TK = inputs.sorting
    ends_E = counts_E.cumsum(0).to(torch.int32)
    token_S = order_S // places_TK.shape[1]
    h_SJ = torch._grouped_mm(inputs.x_TD[token_S], inputs.gate_up_EJD.transpose(1, 2), offs=ends_E)
    gate, up = h_SJ.chunk(2, dim=-1)
    hidden_SI = (functional.silu(gate) * up * inputs.weights_TK.flatten()[order_S, None]).to(h_SJ.dtype)
    y_SD = torch._grouped_mm(hidden_SI, inputs.down_EDI.transpose(1, 2), offs=ends_E)
    return y_SD[places_TK].sum(dim=1)


def scattermoe(shape: Shape, inputs: Inputs) -> Callable[[], Tensor] | None:
    """Return a call of ScatterMoE on the same weights, None where it is not installed."""
    if find_spec("scattermoe") is None:
        return None
    with torch.device(inputs.x_TD.device):
        peer = import_module("scattermoe.mlp").GLUMLP(shape.width, shape.inner, shape.experts, shape.k)
    # It keeps up over gate.
    peer.experts.weight.data = inputs.gate_up_EJD.roll(shape.inner, dims=1)
    peer.output_experts.weight.data = inputs.down_EDI
    weights_TK = inputs.weights_TK.to(inputs.x_TD.dtype)
    return lambda: peer(inputs.x_TD, weights_TK, inputs.experts_TK)


def blocks(shape: Shape, device: str) -> dict[str, nn.Module]:
    """Return whole blocks, router and shared expert included: ours, and that of transformers in its grouped form.

    Before transformers 5 there is no grouped form; the row then says that it is the loop.
    """
    config = replace(
        get_recipe("tiny_test").model, hidden_size=shape.width, num_experts=shape.experts,
        num_experts_per_token=shape.k, moe_intermediate_size=shape.inner,
    )  # fmt: skip
    stock_config = Glm4MoeConfig(
        hidden_size=shape.width, moe_intermediate_size=shape.inner, n_routed_experts=shape.experts,
        num_experts_per_tok=shape.k, n_shared_experts=1, n_group=1, topk_group=1,
    )  # fmt: skip
    grouped = find_spec("transformers.integrations.moe") is not None
    stock_config._experts_implementation = "grouped_mm"
    with torch.device(device):
        made: dict[str, nn.Module] = {
            "ours": MoE(config),
            "transformers, grouped" if grouped else "transformers, loop": Glm4MoeMoE(stock_config),
        }
    for block in made.values():
        for parameter in block.parameters():
            nn.init.normal_(parameter, std=0.02)
        block.to(torch.bfloat16).eval()
    return made


def median_s(work: Callable[[], object], device: str) -> float:
    """Return the median seconds of a call, the GPU's cache emptied before each."""
    if device == "cuda":
        import triton

        milliseconds: float = triton.testing.do_bench(work, warmup=100, rep=500, return_mode="median")
        return milliseconds / 1e3
    work()
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def check(inputs: Inputs) -> None:
    """Stop where ours and the plain definition differ by more than bf16 does, so that no wrong result is timed."""
    few = inputs._replace(**{name: getattr(inputs, name)[:64] for name in ("x_TD", "weights_TK", "experts_TK")})
    few = few._replace(sorting=sort_choices(few.experts_TK, few.gate_up_EJD.shape[0]))
    wanted_TD = torch.zeros_like(few.x_TD, dtype=torch.float32)
    for expert in few.experts_TK.unique().tolist():
        token_n, k_n = torch.where(few.experts_TK == expert)
        gate, up = (few.x_TD[token_n].float() @ few.gate_up_EJD[expert].float().T).chunk(2, dim=-1)
        y_nD = functional.silu(gate) * up @ few.down_EDI[expert].float().T
        wanted_TD.index_add_(0, token_n, y_nD * few.weights_TK[token_n, k_n, None])
    gap = float((ours(few).float() - wanted_TD).norm() / wanted_TD.norm())
    if not gap <= 1e-2:
        raise SystemExit(f"our experts differ from their definition by {gap:.4f}; the limit is 0.01")


@torch.no_grad()
def many_tokens(shape: Shape, matrices: tuple[Tensor, Tensor], device: str) -> list[Row]:
    """Return the rows of the first table: arithmetic a second of the experts alone, and times of whole blocks."""
    inputs, tera = make_inputs(shape, shape.tokens, matrices), shape.products_flop(shape.tokens) / 1e12
    check(inputs)
    ours_s = median_s(lambda: ours(inputs), device)
    rows: list[Row] = [{"what": "experts, ours, TFLOP/s", "found": tera / ours_s, "aim": TFLOPS_AIM}]
    if device == "cuda":
        grouped_s = median_s(lambda: torch_grouped(inputs), device)
        rows.append({"what": "experts, torch grouped, TFLOP/s", "found": tera / grouped_s, "aim": None})
        rows.append({"what": "torch grouped / ours, time", "found": grouped_s / ours_s, "aim": GROUPED_AIM})
    peer = scattermoe(shape, inputs) if device == "cuda" else None
    found = None if peer is None else tera / median_s(peer, device)
    rows.append({"what": "experts, ScatterMoE, TFLOP/s", "found": found, "aim": None})
    rows.append({"what": "forward+backward, ours, TFLOP/s", "found": 3 * tera / _step_s(inputs, device), "aim": None})
    x_BTD = inputs.x_TD[None]
    for name, block in blocks(shape, device).items():
        seconds = median_s(partial(block, x_BTD), device)
        rows.append({"what": f"block, {name}, ms", "found": 1e3 * seconds, "aim": None})
    return rows


@torch.enable_grad()
def _step_s(inputs: Inputs, device: str) -> float:
    leaves = [tensor.detach().requires_grad_() for tensor in (inputs.x_TD, inputs.gate_up_EJD, inputs.down_EDI)]
    learning = inputs._replace(x_TD=leaves[0], gate_up_EJD=leaves[1], down_EDI=leaves[2])
    grad_TD = torch.ones_like(inputs.x_TD)
    return median_s(lambda: torch.autograd.grad(ours(learning), leaves, grad_TD), device)


@torch.no_grad()
def few_tokens(shape: Shape, matrices: tuple[Tensor, Tensor], device: str) -> list[Row]:
    """Return the rows of the second table: bytes of the weights at work a second, as a share of what a copy moves."""
    source = torch.empty_like(matrices[0])
    copied_bytes = 2 * source.numel() * source.itemsize
    limit = copied_bytes / median_s(lambda: source.copy_(matrices[0]), device)
    rows: list[Row] = []
    for tokens, aim in DECODE_AIMS.items():
        inputs = make_inputs(shape, tokens, matrices)
        at_work = int((inputs.sorting.counts_E > 0).sum())
        weight_bytes = at_work * sum(matrix[0].numel() * matrix.itemsize for matrix in matrices)
        share = weight_bytes / median_s(partial(ours, inputs), device) / limit
        rows.append({"what": f"{tokens} tokens, {at_work} experts at work, share", "found": share, "aim": aim})
    return rows


@torch.no_grad()
def crowded(shape: Shape, matrices: tuple[Tensor, Tensor], device: str) -> list[Row]:
    """Return the row of the third table: the time when one expert gets five times the mean, against an even routing."""
    even, uneven = (make_inputs(shape, shape.tokens, matrices, skew) for skew in (1.0, SKEW))
    counts_E = uneven.sorting.counts_E.float()
    ratio = median_s(lambda: ours(uneven), device) / median_s(lambda: ours(even), device)
    what = f"largest / mean load {float(counts_E.max() / counts_E.mean()):.1f}, time / even routing"
    return [{"what": what, "found": ratio, "aim": -SKEW_AIM}]


def is_missed(row: Row) -> bool:
    """Tell whether a figure is below its aim, or above where the aim is written as a negative number."""
    aim, found = row["aim"], row["found"]
    if not isinstance(aim, float) or not isinstance(found, float):
        return False
    return found < aim if aim > 0 else found > -aim


def main() -> None:
    """Read the command line, measure, print; exit status 1 when an aim is missed on a GPU."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    shape = H200 if device == "cuda" else SMALL
    print(torch.cuda.get_device_name() if device == "cuda" else "no GPU: small shapes on the CPU, figures mean nothing")
    print(f"{shape}, bf16, torch {torch.__version__}")
    matrices = make_matrices(shape, device)
    rows = [row for part in (many_tokens, few_tokens, crowded) for row in part(shape, matrices, device)]
    print("| | found | aim |", "|---|---:|---:|", sep="\n")
    for row in rows:
        aim = row["aim"]
        limit = "" if not isinstance(aim, float) else f"at least {aim:g}" if aim > 0 else f"at most {-aim:g}"
        found = "left out" if row["found"] is None else f"{row['found']:.3g}"
        print(f"| {row['what']} | {found} | {limit} |")
    if args.json:
        args.json.write_text(json.dumps({"shape": vars(shape), "rows": rows}, indent=1))
    sys.exit(1 if device == "cuda" and any(map(is_missed, rows)) else 0)


if __name__ == "__main__":
    main()
