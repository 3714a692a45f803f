"""Models of others as a beginning: stock mixtures taken over, stock dense models upcycled, from folder to folder.

It knows where weights lie and what dtype they have; what they mean is `convert`'s and `upcycle`'s matter.
"""

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from model_core.checkpoint.convert import from_stock
from model_core.checkpoint.pretrained import read_config, save_model
from model_core.checkpoint.stock_fields import read_values
from model_core.checkpoint.stock_weights import read_weights
from model_core.checkpoint.upcycle import Upcycling, dense_config, upcycle
from model_core.config.schema import ModelConfig
from model_core.errors import CheckpointError


def adopt(source: Path, target: Path) -> str:
    """Write a stock Glm4Moe or Qwen3Moe folder anew as a model folder at `target`; return its digest.

    The class and the dtype stay, an untied head and fp32 routers come; layers that predict further tokens are left out.

    Raises: CheckpointError when the source is incomplete or uses what our decoder has not, or the target exists.
    """
    weights = read_weights(source)
    config = read_config(source)
    return _save(source, target, config, from_stock(config, weights))


def adopt_dense(source: Path, target: Path, upcycling: Upcycling) -> str:
    """Write a stock Llama, Mistral, Qwen2 or Qwen3 folder, upcycled, as a model folder at `target`; return its digest.

    Raises: CheckpointError when the source is incomplete or uses what our decoder has not, or the target exists;
    ConfigError when the model cannot be upcycled so.
    """
    weights = read_weights(source)
    dense = dense_config(read_values(source), upcycling)
    return _save(source, target, *upcycle(dense, from_stock(dense, weights), upcycling))


def _save(source: Path, target: Path, config: ModelConfig, state: Mapping[str, Tensor]) -> str:
    if target.exists():
        raise CheckpointError(f"{target} exists already; a model of others is written to a new folder only")
    return save_model(target, config, state, dtype=state["embedding.weight"].dtype, companions=source)
