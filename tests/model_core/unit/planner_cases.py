"""Layouts and small models for the planner's tests: drawn by Hypothesis, kept when they can exist."""

from hypothesis import assume
from hypothesis import strategies as st

from model_core.config.schema import ModelConfig
from model_core.errors import ConfigError
from model_core.planner.architecture import Architecture, LatentAttention
from model_core.planner.cluster import DEVICES, Cluster
from model_core.planner.layout import Layout, check_layout

SMALL = ModelConfig(
    vocab_size=512,
    hidden_size=64,
    num_layers=9,
    num_heads=8,
    num_kv_heads=4,
    head_dim=16,
    dense_intermediate_size=128,
    moe_intermediate_size=32,
    num_experts=16,
    num_experts_per_token=4,
    max_positions=4096,
    num_dense_layers=2,
)
CLUSTER_64 = Cluster(DEVICES["H100"], 64)


@st.composite
def architectures(draw: st.DrawFn) -> Architecture:
    """Draw a mixture with dense layers in front, plain or latent attention, with or without prediction layers."""
    layers = draw(st.integers(4, 40))
    return Architecture(
        name="drawn",
        vocab_size=1024,
        hidden_size=256,
        num_layers=layers,
        num_heads=8,
        num_kv_heads=8,
        head_dim=32,
        max_positions=8192,
        num_dense_layers=draw(st.integers(0, layers)),
        dense_intermediate_size=draw(st.sampled_from((512, 4096))),
        num_experts=32,
        num_experts_per_token=draw(st.integers(1, 8)),
        num_shared_experts=draw(st.integers(0, 2)),
        moe_intermediate_size=128,
        latent=draw(st.sampled_from((None, LatentAttention(96, 64, 16, 8, 16)))),
        prediction_layers=draw(st.integers(0, 1)),
    )


@st.composite
def layouts(draw: st.DrawFn, model: Architecture, cluster: Cluster) -> Layout:
    """Draw a layout that can exist on `cluster`."""
    pipeline = draw(st.sampled_from((1, 2, 4, 8)))
    layout = Layout(
        tensor=draw(st.sampled_from((1, 2, 4))),
        pipeline=pipeline,
        expert=draw(st.sampled_from((1, 2, 4, 8, 16))),
        zero_stage=draw(st.integers(0, 3)) if pipeline == 1 else draw(st.integers(0, 1)),
        micro_batch=draw(st.integers(1, 4)),
        accumulation=draw(st.integers(1, 4)) * pipeline,
        sequence_length=1024,
        checkpointing=draw(st.sampled_from(("none", "selective", "full"))),
        precision=draw(st.sampled_from(("fp32", "bf16", "fp8"))),
    )
    try:
        check_layout(model, cluster, layout)
    except ConfigError:
        assume(False)
    return layout
