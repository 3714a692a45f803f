"""Plans, sweeps and comparisons as text for people. It computes nothing."""

from collections.abc import Sequence
from statistics import median

from model_core.planner.architecture import active_parameters, total_parameters
from model_core.planner.plan import Plan, Serving
from model_core.planner.published import Comparison

_GB = 1e9


def plan_text(plan: Plan, tokens: float, availability: float) -> str:
    """Return a plan on a dozen lines."""
    memory, step = plan.memory, plan.step
    parts = ", ".join(
        f"{name} {value / _GB:.1f}"
        for name, value in (
            ("weights", memory.weights_bytes),
            ("gradients", memory.gradient_bytes),
            ("optimizer", memory.optimizer_bytes),
            ("activations", memory.activation_bytes),
            ("buffers", memory.buffer_bytes),
            ("reserved", memory.reserved_bytes),
        )
    )
    seconds = ", ".join(
        f"{name.removesuffix('_s').replace('_', ' ')} {100 * value / step.total_s:.0f} %"
        for name, value in vars(step).items()
        if value > 0.005 * step.total_s
    )
    verdict = "fits" if memory.fits else "DOES NOT FIT"
    return "\n".join(
        (
            f"{plan.model.name}: {_count(total_parameters(plan.model))} parameters, "
            f"{_count(active_parameters(plan.model))} active, {plan.flops_per_token / 1e9:.3g} GFLOP a training token",
            f"layout    {plan.layout.label}, data {plan.layout.data(plan.cluster)}, {plan.layout.precision}, "
            f"on {plan.cluster.name}, software {plan.software}",
            f"batch     {plan.layout.tokens_per_step(plan.cluster):,} tokens of {plan.layout.sequence_length}",
            f"memory    {memory.total_bytes / _GB:.1f} of {memory.capacity_bytes / _GB:.0f} GB ({verdict}): {parts}",
            f"step      {step.total_s:.2f} s: {seconds}",
            f"exchange  {plan.exchange_node_bytes / _GB:.1f} GB in the node, "
            f"{plan.exchange_network_bytes / _GB:.1f} GB to other nodes, a device and step",
            f"rate      {plan.tokens_per_s:,.0f} tokens/s, {plan.tokens_per_s_per_device:,.0f} a device, "
            f"MFU {100 * plan.mfu:.1f} %",
            f"time      {plan.days(tokens, availability):.1f} days for {tokens:.3g} tokens, "
            f"training {100 * availability:.0f} % of the time",
        )
    )


def _count(parameters: int) -> str:
    return f"{parameters / 1e9:.1f} B" if parameters >= 1e9 else f"{parameters / 1e6:.1f} M"


def serving_text(serving: Serving) -> str:
    """Return a serving plan on one line."""
    return (
        f"serving   {serving.devices} devices for {serving.weights_bytes / _GB:.0f} GB of weights; "
        f"{serving.kv_cache_bytes_per_token:,} bytes of cache a token, "
        f"{serving.sequences} sequences of {serving.context_tokens} tokens at once"
    )


def ranking_text(plans: Sequence[Plan], tokens: float, availability: float) -> str:
    """Return a table of plans, one a line."""
    lines = [f"{'layout':<58} {'GB':>6} {'MFU %':>6} {'days':>8}"]
    lines += [
        f"{plan.layout.label:<58} {plan.memory.total_bytes / _GB:>6.1f} {100 * plan.mfu:>6.1f} "
        f"{plan.days(tokens, availability):>8.1f}"
        for plan in plans
    ]
    return "\n".join(lines)


def comparison_text(comparisons: Sequence[Comparison]) -> str:
    """Return the public runs beside their plans, as a Markdown table."""
    lines = [
        "| model | cluster | layout | software | tokens/s a device, published | planned | error | used to fit |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {item.run.model} | {item.run.cluster} | {item.run.layout.label} | {item.run.software} | "
        f"{item.run.tokens_per_s_per_device:,.0f} | {item.plan.tokens_per_s_per_device:,.0f} | "
        f"{100 * item.error:+.0f} % | {'yes' if item.run.fitted else 'no'} |"
        for item in comparisons
    ]
    for fitted, name in ((True, "used to fit"), (False, "not used to fit")):
        errors = [abs(item.error) for item in comparisons if item.run.fitted is fitted]
        lines.append(
            f"\n{name}: {len(errors)} runs, error {100 * median(errors):.0f} % in the median, "
            f"{100 * max(errors):.0f} % at most"
        )
    return "\n".join(lines)
