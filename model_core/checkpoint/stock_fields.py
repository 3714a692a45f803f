"""Reading the config.json of a stock decoder: the fields that all have, and refusals that name the field and its value.

It knows no architecture: `stock_config` and `upcycle` say which fields they need.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from model_core.errors import CheckpointError

Values = Mapping[str, Any]


def read_values(folder: Path) -> dict[str, Any]:
    """Return the config.json of a folder.

    Raises: CheckpointError when there is none or it is no JSON object.
    """
    path = folder / "config.json"
    if not path.is_file():
        raise CheckpointError(f"{folder} holds no model: it has no config.json")
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise CheckpointError(f"{path} cannot be read: {error}") from error


def common_fields(values: Values) -> dict[str, Any]:
    """Return the fields of a model configuration that every stock decoder calls by the same names.

    Raises: CheckpointError when one is missing or the positions are scaled.
    """
    width, heads = field(values, "hidden_size"), field(values, "num_attention_heads")
    return {
        "vocab_size": field(values, "vocab_size"),
        "hidden_size": width,
        "num_layers": field(values, "num_hidden_layers"),
        "num_heads": heads,
        "num_kv_heads": values.get("num_key_value_heads") or heads,
        "head_dim": values.get("head_dim") or width // heads,
        "dense_intermediate_size": field(values, "intermediate_size"),
        "max_positions": field(values, "max_position_embeddings"),
        "rope_theta": rope(values).get("rope_theta", 10_000.0),
        "rms_norm_eps": field(values, "rms_norm_eps"),
        "init_std": values.get("initializer_range", 0.02),
        "pad_token_id": _token(values, "pad_token_id"),
        "eos_token_id": _token(values, "eos_token_id"),
    }


def rope(values: Values) -> Values:
    """Return where the rotary settings stand: transformers 5 keeps them together, 4 among the other fields.

    Raises: CheckpointError when the positions are scaled.
    """
    together = values.get("rope_parameters") or {}
    scaling = values.get("rope_scaling") or together
    kind = scaling.get("rope_type", scaling.get("type", "default"))
    if kind != "default":
        raise CheckpointError(f"rope_type of the checkpoint is {kind!r}; this model needs 'default'")
    return {**values, **together}


def _token(values: Values, name: str) -> int:
    """Return a token id; of several the first, and 0 for none."""
    found = values.get(name)
    return int(found[0] if isinstance(found, list) else found or 0)


def demand(values: Values, demands: Values) -> None:
    """Check that each field has the value that is demanded; a missing one counts as off.

    Raises: CheckpointError naming the field and its value.
    """
    for name, wanted in demands.items():
        found = values.get(name)
        if found != wanted and (found or wanted):
            raise CheckpointError(f"{name} of the checkpoint is {found!r}; this model needs {wanted!r}")


def field(values: Values, name: str) -> Any:
    """Return a field.

    Raises: CheckpointError when it is missing.
    """
    if values.get(name) is None:
        raise CheckpointError(f"config.json of the checkpoint lacks {name!r}")
    return values[name]
