"""Recipes, overrides and the plan: what is refused, and that the arithmetic is the model's own."""

import json
from dataclasses import replace

import pytest
import torch

from model_core.config.overrides import from_json, override, to_json
from model_core.config.parameters import active_parameters, total_parameters
from model_core.config.recipes import RECIPES, get_recipe
from model_core.errors import ConfigError
from model_core.models.decoder import Decoder
from model_core.parallel.exchange import new_decoder
from model_core.parallel.grid import Grid
from model_core.parallel.team import Team
from model_core.planner.cluster import DEVICES, Cluster
from model_core.planner.layout import Layout
from model_core.planner.simulate import simulate
from model_core.training.__main__ import main
from model_core.training.optim import Optimizer
from model_core.training.plan import make_run_plan


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_the_plan_counts_the_parameters_of_the_model(name: str) -> None:
    with torch.device("meta"):
        model = Decoder(get_recipe(name).model)
    assert total_parameters(model.config) == sum(parameter.numel() for parameter in model.parameters())
    assert active_parameters(model.config) < total_parameters(model.config)


@pytest.mark.parametrize(
    "changes",
    [("router=softmax", "shared_expert=false"), ("qk_norm=false", "attention_bias=true"), ("num_dense_layers=2",)],
)
def test_the_plan_counts_what_other_forms_have(changes: tuple[str, ...]) -> None:
    config = override(get_recipe("tiny_test"), [f"model.{change}" for change in changes]).model
    assert total_parameters(config) == sum(parameter.numel() for parameter in Decoder(config).parameters())


def test_the_shipped_model_fits_its_limit() -> None:
    assert make_run_plan(get_recipe("summarizer_mini")).export_bytes <= 64_000_000


def test_the_plan_counts_the_bytes_that_the_trainer_keeps() -> None:
    run = override(get_recipe("tiny_test"), ["train.ema_decay=0.9"])
    model = Decoder(run.model)
    optimizer = Optimizer(dict(model.named_parameters()), run.train, torch.float32)
    memory = make_run_plan(run).memory
    assert memory.optimizer_bytes == sum(tensor.nbytes for tensor in optimizer.state_tensors().values())
    assert memory.weights_bytes == memory.average_bytes == sum(tensor.nbytes for tensor in model.parameters())


@pytest.mark.parametrize("stage", [1, 2, 3])
def test_the_plan_counts_what_each_process_holds(stage: int) -> None:
    """By the shards and pieces of the simulated ranks."""
    run = override(get_recipe("tiny_test"), ["parallel.expert_parallel=2", f"parallel.zero_stage={stage}"])
    run = override(run, ["train.tokens_per_step=1024", "train.optimizer=adamw"])
    layout = Layout(expert=2, zero_stage=stage, sequence_length=256, precision="fp32")
    rank = simulate(run.model, Cluster(DEVICES["H100"], 4), layout)[0]
    held = rank.shared_size + rank.expert_size
    stepped = sum(end - start for start, end in (rank.shared_piece, rank.expert_piece))
    memory = make_run_plan(run, 4).memory
    assert memory.weights_bytes == 4 * (stepped if stage == 3 else held)
    assert memory.gradient_bytes == 4 * (stepped if stage >= 2 else held)
    assert (memory.pieces_bytes, memory.optimizer_bytes) == (4 * stepped, 8 * stepped)
    assert memory.travel_bytes >= 2 * 4 * 256 * 2 * 32


def test_the_reference_cluster_can_run_the_largest_recipe() -> None:
    plan = make_run_plan(get_recipe("pretrain_500b"), 1024)
    assert plan.processes == 1024 and plan.memory.total_bytes < 0.8 * DEVICES["H100"].memory_bytes
    # Of eight processes the machine of an H100 server, which has 2 TB, holds what they build.
    assert 8 * plan.building_bytes < 0.8e12


@pytest.mark.parametrize("name", ["pretrain_1b", "pretrain_500b"])
def test_the_plan_counts_what_each_process_builds(name: str) -> None:
    run = get_recipe(name)
    grid = Grid(1024, expert=run.parallel.expert_parallel)
    with torch.device("meta"):
        model = new_decoder(run.model, Team(rank=77, grid=grid))
    assert make_run_plan(run, 128).building_bytes == 4 * sum(parameter.numel() for parameter in model.parameters())


def test_a_dry_run_plans_for_the_processes_that_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--recipe", "pretrain_1b", "--dry-run"]) == 0
    fewest = json.loads(capsys.readouterr().out)
    assert main(["--recipe", "pretrain_1b", "--dry-run", "--processes", "32"]) == 0
    more = json.loads(capsys.readouterr().out)
    assert (fewest["plan"]["processes"], more["plan"]["processes"]) == (8, 32)
    assert more["plan"]["memory"]["optimizer_bytes"] < 0.3 * fewest["plan"]["memory"]["optimizer_bytes"]
    assert more["config"]["train"]["optimizer"] == "adamw"
    assert main(["--recipe", "pretrain_1b", "--dry-run", "--processes", "12"]) == 2
    assert "expert_parallel is 8; it must divide the number of processes, 12" in capsys.readouterr().err


def test_the_second_course_begins_with_what_the_first_one_exports() -> None:
    first, second = get_recipe("summarizer_mini"), get_recipe("summarizer_mini_second")
    assert second.init == f"{first.out}/export" and second.model == first.model


def test_checkpointing_plans_for_less_memory() -> None:
    run = get_recipe("pretrain_1b")
    kept = override(run, ["train.activation_checkpointing=false"])
    assert make_run_plan(run).memory.activation_bytes < 0.2 * make_run_plan(kept).memory.activation_bytes


def test_the_retrain_recipe_continues_the_shipped_model() -> None:
    assert get_recipe("summarizer_demo_retrain").model == get_recipe("summarizer_mini").model
    assert get_recipe("summarizer_demo_retrain").init == get_recipe("summarizer_mini").data.tokenizer


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_json_round_trip(name: str) -> None:
    assert from_json(to_json(get_recipe(name))) == get_recipe(name)


def test_overrides_change_named_fields_only() -> None:
    run = override(get_recipe("tiny_test"), ["train.max_steps=7", "train.lr=0.5", "data.noise_levels=0,0.25"])
    assert (run.train.max_steps, run.train.lr, run.data.noise_levels) == (7, 0.5, (0.0, 0.25))
    assert run.model == get_recipe("tiny_test").model


@pytest.mark.parametrize(
    "assignment,message",
    [
        ("train.max_steps", "section.field=value"),
        ("optim.lr=1", "no section 'optim'"),
        ("train.speed=1", "no field 'speed'"),
        ("train.max_steps=many", "train.max_steps is 'many'"),
        ("train.max_steps=0", "train.max_steps is 0; it must be at least 1"),
        ("model.num_kv_heads=3", "multiple of model.num_kv_heads, 3"),
        ("model.num_experts_per_token=4", "between 1 and model.num_experts - 1, 3"),
        ("train.transcript_loss_weight=1.5", "below 1"),
        ("model.router=noisy", "'noisy'; it must be sigmoid or softmax"),
        ("model.qk_norm=maybe", "model.qk_norm is 'maybe'"),
        ("train.optimizer=sgd", "'sgd'; it must be adamw or muon"),
        ("train.objective=text", "data.tokens is empty"),
        ("train.objective=images", "'images'; it must be summaries or text"),
        ("train.device=npu", "'npu'; it must be auto, cpu or cuda"),
        ("train.spike_threshold=-1", "train.spike_threshold is -1.0; it must be at least 0"),
        ("train.tokens_per_micro_batch=128", "at least model.max_positions, 256"),
        ("train.tokens_per_micro_batch=384", "is 384; it must divide train.tokens_per_step, 512"),
        ("train.warmup_steps=-1", "train.warmup_steps is -1; it must be at least 0"),
        ("train.weight_decay=-0.1", "train.weight_decay is -0.1; it must be at least 0"),
        ("train.muon_lr=0", "train.muon_lr is 0.0; it must be above 0"),
        ("train.lr=inf", "train.lr is inf; it must be above 0"),
        ("train.bias_update_rate=nan", "train.bias_update_rate is nan; it must be at least 0"),
        ("train.decay_share=1.5", "train.decay_share is 1.5; it must be at least 0 and at most 1"),
        ("model.rope_theta=0", "model.rope_theta is 0.0; it must be above 0"),
        ("model.init_std=-1", "model.init_std is -1.0; it must be at least 0"),
        ("data.noise_levels=0,2.0", "data.noise_levels names 2.0; each must be at least 0 and below 1"),
        ("data.thin_share=nan", "data.thin_share is nan; it must be at least 0 and at most 1"),
        ("parallel.lost_after_s=55", "parallel.lost_after_s is 55; it must lie between 5 and 45"),
    ],
)
def test_impossible_values_are_refused_by_name_and_limit(assignment: str, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        override(get_recipe("tiny_test"), [assignment])
    assert message in str(error.value)
    assert error.value.permanent


def test_an_unknown_recipe_names_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="summarizer_mini"):
        get_recipe("summarizer_maxi")


def test_configurations_cannot_be_changed_in_place() -> None:
    run = get_recipe("tiny_test")
    with pytest.raises(AttributeError):
        run.train.lr = 1.0  # type: ignore[misc]
    assert replace(run.train, lr=1.0).lr == 1.0
