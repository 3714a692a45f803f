"""The architectures that can be planned by name: well-known public models, and this project's recipes.

Widths come from the configuration files that each model was published with. It knows no hardware.
"""

from model_core.config.recipes import RECIPES
from model_core.config.schema import ModelConfig
from model_core.errors import ConfigError
from model_core.planner.architecture import Architecture, LatentAttention, from_model_config

_LATENT = LatentAttention(query_rank=1536, key_value_rank=512, plain_dim=128, rotary_dim=64, value_dim=128)


def _latent_moe(name: str, *, heads: int, dense: int, experts: int, vocab: int, prediction_layers: int) -> Architecture:
    return Architecture(
        name=name,
        vocab_size=vocab,
        hidden_size=7168,
        num_layers=61,
        num_heads=heads,
        num_kv_heads=heads,
        head_dim=128,
        max_positions=131_072,
        num_dense_layers=dense,
        dense_intermediate_size=18_432,
        num_experts=experts,
        num_experts_per_token=8,
        num_shared_experts=1,
        moe_intermediate_size=2048,
        latent=_LATENT,
        nodes_per_token=4,
        prediction_layers=prediction_layers,
    )


def _grouped_moe(
    name: str,
    *,
    vocab: int,
    width: int,
    layers: int,
    heads: int,
    kv_heads: int,
    inner: int,
    experts: int,
    choices: int,
    positions: int,
) -> Architecture:
    return Architecture(
        name=name,
        vocab_size=vocab,
        hidden_size=width,
        num_layers=layers,
        num_heads=heads,
        num_kv_heads=kv_heads,
        head_dim=128,
        max_positions=positions,
        num_experts=experts,
        num_experts_per_token=choices,
        moe_intermediate_size=inner,
        head_norms=name.startswith("qwen3"),
    )


def _llama(name: str, *, width: int, layers: int, heads: int, inner: int) -> Architecture:
    return Architecture(
        name=name,
        vocab_size=128_256,
        hidden_size=width,
        num_layers=layers,
        num_heads=heads,
        num_kv_heads=8,
        head_dim=128,
        max_positions=131_072,
        num_dense_layers=layers,
        dense_intermediate_size=inner,
    )


_GLM_4_5 = Architecture(
    name="glm-4.5",
    vocab_size=151_552,
    hidden_size=5120,
    num_layers=92,
    num_heads=96,
    num_kv_heads=8,
    head_dim=128,
    max_positions=131_072,
    num_dense_layers=3,
    dense_intermediate_size=12_288,
    num_experts=160,
    num_experts_per_token=8,
    num_shared_experts=1,
    moe_intermediate_size=1536,
    head_norms=True,
)

_PUBLIC = (
    _latent_moe("ax-k1", heads=64, dense=1, experts=192, vocab=163_840, prediction_layers=1),
    _latent_moe("deepseek-v3", heads=128, dense=3, experts=256, vocab=129_280, prediction_layers=1),
    _latent_moe("deepseek-v3-no-mtp", heads=128, dense=3, experts=256, vocab=129_280, prediction_layers=0),
    _latent_moe("kimi-k2", heads=64, dense=1, experts=384, vocab=163_840, prediction_layers=0),
    _grouped_moe(
        "qwen3-235b-a22b",
        vocab=151_936,
        width=4096,
        layers=94,
        heads=64,
        kv_heads=4,
        inner=1536,
        experts=128,
        choices=8,
        positions=40_960,
    ),
    _grouped_moe(
        "qwen3-30b-a3b",
        vocab=151_936,
        width=2048,
        layers=48,
        heads=32,
        kv_heads=4,
        inner=768,
        experts=128,
        choices=8,
        positions=40_960,
    ),
    _grouped_moe(
        "mixtral-8x7b",
        vocab=32_000,
        width=4096,
        layers=32,
        heads=32,
        kv_heads=8,
        inner=14_336,
        experts=8,
        choices=2,
        positions=32_768,
    ),
    _grouped_moe(
        "mixtral-8x22b",
        vocab=32_768,
        width=6144,
        layers=56,
        heads=48,
        kv_heads=8,
        inner=16_384,
        experts=8,
        choices=2,
        positions=65_536,
    ),
    _GLM_4_5,
    _llama("llama-3.1-70b", width=8192, layers=80, heads=64, inner=28_672),
    _llama("llama-3.1-405b", width=16_384, layers=126, heads=128, inner=53_248),
)

PUBLIC_MODELS = {model.name: model for model in _PUBLIC}


def own_configs() -> dict[str, ModelConfig]:
    """Return the configurations that this project's modules can be built from, by name."""
    return {name: recipe().model for name, recipe in RECIPES.items()}


def get_config(name: str) -> ModelConfig:
    """Return the configuration called `name`.

    Raises: ConfigError when this project's modules cannot be built as that model.
    """
    configs = own_configs()
    if name not in configs:
        raise ConfigError(f"{name!r} is not built from this project's modules; there are {', '.join(sorted(configs))}")
    return configs[name]


def get_architecture(name: str) -> Architecture:
    """Return the architecture called `name`: a public model, or one of this project.

    Raises: ConfigError when there is none.
    """
    if name in PUBLIC_MODELS:
        return PUBLIC_MODELS[name]
    configs = own_configs()
    if name in configs:
        return from_model_config(name, configs[name])
    known = ", ".join([*sorted(PUBLIC_MODELS), *sorted(configs)])
    raise ConfigError(f"there is no model {name!r} to plan for; there are {known}")
