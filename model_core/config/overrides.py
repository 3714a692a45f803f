"""Changes to a few named fields of a run's configuration, and its JSON form.

The command line and the web page give the changes. It knows the dataclasses of `schema`, not what the fields mean.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields, is_dataclass, replace
from typing import Any

from model_core.config.schema import DataConfig, ModelConfig, ParallelConfig, RunConfig, TrainConfig
from model_core.errors import ConfigError

_BOOLEANS = {"true": True, "false": False}


def override(run: RunConfig, assignments: Iterable[str]) -> RunConfig:
    """Return `run` with fields changed as `section.field=value` assignments say, such as ``train.max_steps=500``.

    Raises: ConfigError when an assignment names no field or gives a value of another type.
    """
    changes: dict[str, dict[str, object]] = {}
    for assignment in assignments:
        path, separator, text = assignment.partition("=")
        section, dot, name = path.partition(".")
        if not separator or not dot:
            raise ConfigError(f"{assignment!r} is not of the form section.field=value")
        changes.setdefault(section, {})[name] = _value(run, section, name, text)
    # All at once: fields that limit one another may be changed in any order.
    return replace(run, **{section: replace(getattr(run, section), **values) for section, values in changes.items()})


def to_json(run: RunConfig) -> str:
    """Return the configuration as JSON text with sorted keys, equal for equal configurations."""
    return json.dumps(asdict(run), sort_keys=True, ensure_ascii=False)


def from_json(text: str) -> RunConfig:
    """Return the configuration that `to_json` wrote."""
    values = json.loads(text)
    return RunConfig(
        name=values["name"],
        model=model_from_dict(values["model"]),
        train=TrainConfig(**values["train"]),
        data=DataConfig(**{**values["data"], "noise_levels": tuple(values["data"]["noise_levels"])}),
        parallel=ParallelConfig(**values.get("parallel", {})),
        out=values["out"],
        init=values["init"],
    )


def model_from_dict(values: Mapping[str, Any]) -> ModelConfig:
    """Return the model configuration of a JSON object."""
    return ModelConfig(**values)


def _value(run: RunConfig, section: str, name: str, text: str) -> object:
    part = getattr(run, section, None)
    if not is_dataclass(part) or isinstance(part, type):
        raise ConfigError(f"there is no section {section!r}; there are model, train, data and parallel")
    names = {item.name for item in fields(part)}
    if name not in names:
        raise ConfigError(f"section {section!r} has no field {name!r}; it has {', '.join(sorted(names))}")
    return _parse(text, getattr(part, name), f"{section}.{name}")


def _parse(text: str, current: object, path: str) -> object:
    try:
        if isinstance(current, tuple):
            return tuple(float(piece) for piece in text.split(",") if piece)
        if isinstance(current, bool):
            return _BOOLEANS[text.lower()]
        if isinstance(current, int):
            return int(text)
        if isinstance(current, float):
            return float(text)
    except (ValueError, KeyError) as error:
        raise ConfigError(f"{path} is {text!r}; it must be of the type of {current!r}") from error
    return text
