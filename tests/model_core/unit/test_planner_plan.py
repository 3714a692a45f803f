"""Whole plans: against public runs, the search under a deadline, and the command line."""

import json
import subprocess
import sys
from pathlib import Path
from statistics import median

import pytest

from model_core.config.overrides import override
from model_core.config.recipes import get_recipe
from model_core.errors import ConfigError
from model_core.planner.__main__ import main
from model_core.planner.catalog import get_architecture
from model_core.planner.cluster import DEVICES, Cluster, parse_cluster
from model_core.planner.layout import Layout
from model_core.planner.memory import rank_parameters, updated_parameters
from model_core.planner.plan import make_plan, plan_serving
from model_core.planner.published import PUBLIC_RUNS, compare
from model_core.planner.report import comparison_text
from model_core.planner.sweep import Deadline, candidates, default_batch_tokens, fewest_devices, sweep
from model_core.planner.timing import STOCK

ROOT = Path(__file__).parents[3]
QWEN = get_architecture("qwen3-30b-a3b")
H200S = Cluster(DEVICES["H200"], 8)


def test_public_runs_are_met_within_the_stated_error() -> None:
    comparisons = [compare(run) for run in PUBLIC_RUNS]
    unseen = [abs(one.error) for one in comparisons if not one.run.fitted]
    assert {one.run.model for one in comparisons} >= {"deepseek-v3", "qwen3-235b-a22b", "ax-k1", "llama-3.1-405b"}
    assert median(unseen) <= 0.10
    # Experts of 768 channels are too small for the rates that were fitted on larger ones: docs/planner.md says so.
    assert max(abs(one.error) for one in comparisons if one.run.model != "qwen3-30b-a3b") <= 0.20
    # All of these ran, so what is planned for them may not be far above what their devices hold.
    assert sum(one.plan.memory.fits for one in comparisons) >= len(comparisons) - 2
    assert max(one.plan.memory.total_bytes / one.plan.memory.capacity_bytes for one in comparisons) < 1.1


def test_the_documented_table_is_the_present_one() -> None:
    table = comparison_text([compare(run) for run in PUBLIC_RUNS])
    assert table in (ROOT / "docs" / "planner.md").read_text()


def test_what_is_recommended_for_this_project_s_trainer_can_be_run_by_it() -> None:
    best = sweep(get_architecture("pretrain_1b"), H200S, Layout(trainer="own"), 2**20, STOCK)[0].layout
    changes = {
        "parallel.expert_parallel": best.expert,
        "parallel.zero_stage": best.zero_stage,
        "train.tokens_per_micro_batch": best.tokens_per_micro_batch,
        "train.tokens_per_step": best.tokens_per_step(H200S),
        "train.activation_checkpointing": str(best.checkpointing == "full").lower(),
        "train.precision": best.precision,
        "train.optimizer": best.optimizer,
    }
    run = override(get_recipe("pretrain_1b"), [f"{name}={value}" for name, value in changes.items()])
    assert (best.tensor, best.pipeline, best.virtual_stages) == (1, 1, 1)
    assert run.train.micro_batches == 8 * best.accumulation


def test_this_project_s_trainer_keeps_fp32_weights_and_a_copy_of_its_piece() -> None:
    layout = Layout(expert=8, zero_stage=2, checkpointing="full", trainer="own")
    memory = make_plan(QWEN, H200S, layout, STOCK).memory
    held, updated = (
        rank_parameters(QWEN, layout, 0).total,
        updated_parameters(rank_parameters(QWEN, layout, 0), H200S, layout),
    )
    assert memory.weights_bytes == 4 * held
    assert (memory.gradient_bytes, memory.optimizer_bytes) == (4 * updated, 12 * updated)


def test_a_plan_adds_up() -> None:
    layout = Layout(expert=8, micro_batch=2, accumulation=16)
    plan = make_plan(QWEN, H200S, layout, STOCK)
    result = json.loads(json.dumps(plan.as_dict(1e12, 0.9)))
    assert result["tokens_per_step"] == 8 * 2 * 16 * 4096
    assert result["days"] == pytest.approx(1e12 / (result["tokens_per_s"] * 0.9 * 86_400))
    assert result["mfu"] == pytest.approx(
        result["tokens_per_s"] / 8 * result["model"]["train_flops_per_token"] / DEVICES["H200"].peak_flops
    )
    assert result["memory"]["total_bytes"] == sum(
        value
        for name, value in result["memory"].items()
        if name.endswith("_bytes") and name[:5] not in ("total", "capac")
    )
    # Dispatch and combine, both ways, of each token's eight copies, seven of eight to another GPU.
    assert result["all_to_all"]["node_bytes"] == 48 * 4 * 16 * 2 * 4096 * 8 * 7 / 8 * 2 * 2048
    assert result["all_to_all"]["network_bytes"] == 0


def test_the_search_gives_the_fastest_that_fits_and_keeps_the_batch() -> None:
    base, batch = Layout(sequence_length=4096), default_batch_tokens(H200S)
    plans = sweep(QWEN, H200S, base, batch, STOCK)
    assert all(plan.memory.fits and plan.layout.tokens_per_step(H200S) == batch for plan in plans)
    assert [plan.step.total_s for plan in plans] == sorted(plan.step.total_s for plan in plans)
    assert len({plan.layout for plan in plans}) == len(plans)
    chosen = {plan.layout for plan in plans}
    for layout in candidates(QWEN, H200S, base, batch):
        if layout not in chosen:
            assert not make_plan(QWEN, H200S, layout, STOCK).memory.fits


def test_the_smallest_cluster_that_keeps_a_deadline_is_recommended() -> None:
    base, batch = Layout(), 2**20
    deadline = Deadline(tokens=1e11, days=12, availability=0.9)
    best = fewest_devices(QWEN, H200S, base, batch, STOCK, deadline)
    assert best is not None
    assert best.days(deadline.tokens, deadline.availability) <= deadline.days
    half = sweep(QWEN, Cluster(H200S.device, best.cluster.count // 2), base, batch, STOCK)[0]
    assert half.days(deadline.tokens, deadline.availability) > deadline.days


def test_what_fits_nowhere_is_said_with_the_smallest_need() -> None:
    with pytest.raises(ConfigError, match=r"ax-k1 does not fit on 8xH200: the smallest layout needs \d+ GB .* 141 GB"):
        sweep(get_architecture("ax-k1"), H200S, Layout(), 2**20, STOCK)
    with pytest.raises(ConfigError, match="no layout divides a batch of 5 tokens"):
        sweep(QWEN, H200S, Layout(), 5, STOCK)


def test_serving_holds_weights_and_cache() -> None:
    serving = plan_serving(get_architecture("deepseek-v3"), Cluster(DEVICES["H200"], 64), 8192)
    usable = serving.devices * (141 - 4) * 10**9
    needed = serving.weights_bytes + serving.sequences * 8192 * serving.kv_cache_bytes_per_token
    assert usable - 8192 * serving.kv_cache_bytes_per_token < needed <= usable
    with pytest.raises(ConfigError, match="needs 16 devices of H200 to be served; there are 8"):
        plan_serving(get_architecture("deepseek-v3"), H200S, 8192)


def test_this_machine_is_measured() -> None:
    local = parse_cluster("local")
    assert local.count == 1
    assert 1e9 < local.device.peak_flops < 1e14
    assert local.device.memory_bytes > 10**9


@pytest.mark.parametrize(
    ("model", "cluster"),
    [("ax-k1", "1024xH100"), ("ax-k1", "512xB200"), ("qwen3-30b-a3b", "8xH200"), ("summarizer_mini", "local")],
)
def test_the_command_line_plans_for_each_cluster(model: str, cluster: str, capsys: pytest.CaptureFixture[str]) -> None:
    layouts = {
        "1024xH100": "pipeline=16,expert=64,accumulation=64,checkpointing=full",
        "512xB200": "pipeline=8,expert=8,accumulation=64",
    }
    arguments = ["--model", model, "--cluster", cluster, "--tokens", "1e12", "--json"]
    if cluster in layouts:
        arguments += ["--layout", layouts[cluster]]
    assert main(arguments) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["cluster"] == cluster
    assert 0 < result["mfu"] < 1
    assert result["days"] > 0
    assert result["memory"]["fits"] is True


def test_the_command_line_tells_a_deadline_and_a_ranking(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--model", "summarizer_mini", "--cluster", "local", "--tokens", "1e6", "--days"]
    assert main([*arguments, "30000"]) == 0
    text = capsys.readouterr().out
    assert "30000 days: in time on local" in text
    assert "layouts that fit" in text
    assert main([*arguments, "1e-9"]) == 0
    assert "too late on local" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "gpt-7"], "no model 'gpt-7'"),
        (["--cluster", "7xH100000"], "cluster is '7xH100000'"),
        (["--layout", "tensor=2,colour=red"], "no field 'colour'"),
        (["--layout", "tensor=two"], "layout.tensor is 'two'"),
        (["--layout", "precision=int4"], "layout.precision is 'int4'"),
        (["--trainer", "own", "--layout", "pipeline=2"], "pipeline is 2; this project's trainer knows 1"),
        (["--trainer", "own", "--precision", "fp8"], "for trainer own, precision fp8"),
        (["--layout", "checkpointing=some"], "must be one of none, selective, full"),
        (["--tokens", "-1"], "tokens is -1.0"),
        (["--tokens", "nan"], "tokens is nan"),
        (["--days", "0"], "days is 0.0"),
        (["--availability", "1.5"], "availability is 1.5"),
        (["--model", "deepseek-v3", "--simulate"], "'deepseek-v3' is not built from this project's modules"),
        (["--cluster", "8xH200"], "does not fit on 8xH200"),
        (["--cluster", "local", "--model", "summarizer_mini", "--precision", "fp8"], "no layout"),
    ],
)
def test_bad_input_is_refused_with_a_message(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert message in capsys.readouterr().err


def test_the_command_line_simulates_every_rank(capsys: pytest.CaptureFixture[str]) -> None:
    layout = "pipeline=4,expert=2,accumulation=4"
    assert main(["--model", "pretrain_500b", "--cluster", "8xH100", "--simulate", "--layout", layout]) == 0
    assert "all 8 ranks hold what was planned" in capsys.readouterr().out


def test_planning_needs_no_torch() -> None:
    code = (
        "import sys; from model_core.planner.__main__ import main; main(['--check']); "
        "assert not {'torch', 'transformers', 'deepspeed'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, capture_output=True)
