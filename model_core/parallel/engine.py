"""The DeepSpeed engine under a trainer: gradients averaged, clipped and stepped over the ranks, state cut up by ZeRO.

The only module that imports deepspeed. Weights stay fp32 and are fp32 wherever they travel: DeepSpeed's bf16 mode would
round the routers' weights and biases. DeepSpeed's checkpoints are not used either (they write a part of the experts,
and zero the biases when read back): `pieces` and `load` hand the trainer every tensor by our names, so that what is
saved depends neither on the number of ranks nor on the stage.

Experts that are spread over ranks are marked as DeepSpeed marks those of its own mixture layers: reduced over the
ranks that hold the same ones, averaged over all.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, distributed, nn

from model_core.config.schema import RunConfig
from model_core.errors import CheckpointError
from model_core.models.moe import EXPERT_PARAMETERS
from model_core.parallel.grid import GroupKind, groups_of
from model_core.parallel.slices import held_name
from model_core.parallel.team import Team

if not torch.cuda.is_available():
    os.environ.setdefault("DS_ACCELERATOR", "cpu")

import deepspeed
from deepspeed.moe.utils import is_moe_param
from deepspeed.runtime.config import DeepSpeedConfig
from deepspeed.runtime.engine import DeepSpeedEngine
from deepspeed.utils import groups as deepspeed_groups
from deepspeed.utils.logging import set_log_level_from_string

# On a CPU it would be compiled at the first run, and its ranks wait for a dead one for ever; gloo does the work.
deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False

_BUCKET_ELEMENTS = 50_000_000

ParameterGroup = dict[str, Any]
# Returns what a whole tensor of that name is to become.
Change = Callable[[str, Tensor], Tensor]


class _Engine(DeepSpeedEngine):  # type: ignore[misc]
    """DeepSpeed's engine, told whether the model has expert layers: it would look for layers of its own only."""

    def _configure_distributed_model(self, model: nn.Module) -> None:
        self.has_moe_layers = any(is_moe_param(parameter) for parameter in model.parameters())
        super()._configure_distributed_model(model)

    def _validate_zero3_moe_compatibility(self) -> None:
        """Accept our experts: stage 3 takes any parameter that says over which group it is cut."""


@dataclass(frozen=True)
class _Piece:
    """Where a rank keeps its part of a parameter: elements `start` on of the parameter, `offset` on of `flat`."""

    flat: Tensor
    offset: int
    start: int
    count: int


class ZeroEngine:
    """One rank's part of the training of `module`, whose weights `parameters` names.

    `group_of` says for a parameter what its group is to hold: a "name", which tells groups apart, the "keys" of the
    optimizer's state, and what else the optimizer wants. `make_optimizer` gets the groups, whose parameters DeepSpeed
    then exchanges for flat pieces of them, and returns a torch optimizer. Its `state_of(flat, key)` must be the state
    of a piece; `change_wholes` is set once, `scale`, `number` and `skip` before a step.
    """

    def __init__(
        self,
        module: nn.Module,
        parameters: Mapping[str, nn.Parameter],
        config: RunConfig,
        team: Team,
        group_of: Callable[[str, Tensor], ParameterGroup],
        make_optimizer: Callable[[list[ParameterGroup]], Any],
    ) -> None:
        self.team = team
        self._parameters = dict(parameters)
        self._stage = config.parallel.zero_stage
        self._experts = {name for name in parameters if team.grid.expert > 1 and name.endswith(EXPERT_PARAMETERS)}
        self._num_experts = config.model.num_experts
        self._turns = {name: turn for turn, name in enumerate(parameters)}
        self._group_names: dict[str, str] = {}
        self._groups = self._grouped(group_of)
        self._optimizer = make_optimizer([{**group} for group in self._groups.values()])
        self._optimizer.change_wholes = self._change_wholes
        set_log_level_from_string("warning")
        deepspeed.init_distributed(dist_init_required=False)
        settings = _settings(config, team)
        if self._stage == 3:
            _cut_up(module, settings, team)
        self._engine = _Engine(
            None, module, optimizer=self._optimizer, config=settings, config_class=DeepSpeedConfig(settings)
        )
        self._left = self._micro_batches = config.train.micro_batches // team.size

    def _grouped(self, group_of: Callable[[str, Tensor], ParameterGroup]) -> dict[str, ParameterGroup]:
        """Return the groups by name; this rank's experts are one of their own. Notes the group of every parameter."""
        result: dict[str, ParameterGroup] = {}
        expert_group = f"ep_size_{self.team.grid.expert}"
        if self._experts:
            _register_groups(expert_group, self.team)
        for name, parameter in self._parameters.items():
            group = group_of(name, parameter)
            if name in self._experts:
                _mark_expert(parameter, expert_group, self.team)
                group |= {"name": expert_group, "moe": True}
            result.setdefault(group["name"], {**group, "params": []})["params"].append(parameter)
            self._group_names[name] = group["name"]
        return result

    def __call__(self, *inputs: Any) -> Any:
        """Return what the module returns."""
        return self._engine(*inputs)

    def backward(self, loss: Tensor) -> None:
        """Add the gradients of this rank's part of the step's loss; the parts of all ranks and micro batches add up."""
        self._left -= 1
        self._engine.set_gradient_accumulation_boundary(self._left == 0)
        # DeepSpeed averages over the ranks.
        self._engine.backward(loss * self.team.size, scale_wrt_gas=False)

    def step(self, scale: float, number: int, *, skip: bool = False) -> float:
        """Clip and take step `number`, counted from 1; return the gradient's norm.

        If it is not finite, or with `skip`, nothing changes.
        """
        self._optimizer.scale, self._optimizer.number, self._optimizer.skip = scale, number, skip
        self._engine.step()
        self._left = self._micro_batches
        return float(self._engine.get_global_grad_norm())

    def pieces(self, key: str | None) -> Iterator[tuple[str, Tensor]]:
        """Yield the names and the values that this rank is to save, whole or as a slice of experts, on the CPU.

        Of the weights when `key` is None, else of the optimizer's state `key`. Every rank must go through all of it;
        ranks that hold the same parameter take turns at keeping it.
        """
        for name in self._names(key):
            flat = self._flat(name)
            values = flat.detach() if key is None else self._optimizer.state_of(flat, key)
            whole = self._gather(name, values)
            if whole is not None:
                yield self._saved_name(name), whole.cpu()

    def _names(self, key: str | None) -> list[str]:
        """Return the parameters that have the optimizer's state `key`; with None all."""
        return [n for n in self._parameters if key is None or key in self._groups[self._group_names[n]]["keys"]]

    def _gather(self, name: str, values: Tensor) -> Tensor | None:
        """Return a whole parameter's elements out of those of the flat pieces, on its keeper; on other ranks None."""
        shape = _shape(self._parameters[name])
        whole = torch.zeros(shape.numel(), device=self.team.device)
        piece = self._piece(name)
        if piece is not None:
            whole[piece.start : piece.start + piece.count] = values[piece.offset : piece.offset + piece.count]
        # Integers keep the bits: a sum of floats would turn -0 into 0.
        distributed.reduce(whole.view(torch.int32), self._keeper(name), group=self._holders(name))
        return whole.view(shape) if self._keeper(name) == self.team.rank else None

    @torch.no_grad()
    def _change_wholes(self, flat: Tensor, values: Tensor, change: Change) -> Tensor:
        """Return what `change` makes of the whole parameters of which `values` (as many as `flat`) are a piece.

        Each whole is changed by one of the ranks that hold it, in turns; every rank must call it.
        """
        names = [name for name in self._parameters if self._flat(name) is flat]
        gathered = {name: self._gather(name, values) for name in names}
        changed = {name: change(name, whole) for name, whole in gathered.items() if whole is not None}
        result = torch.zeros_like(values)
        for name in names:
            found = changed.get(name)
            whole = torch.empty(_shape(self._parameters[name]), device=values.device) if found is None else found
            distributed.broadcast(whole, self._keeper(name), group=self._holders(name))
            piece = self._piece(name)
            if piece is not None:
                part = whole.reshape(-1)[piece.start : piece.start + piece.count]
                result[piece.offset : piece.offset + piece.count] = part
        return result

    @torch.no_grad()
    def load(self, key: str | None, value_of: Callable[[str], Tensor | None]) -> None:
        """Take over weights or a state by the names under which they are saved, one tensor or slice after the other.

        Raises: CheckpointError naming a tensor that is missing or of another shape.
        """
        for name in self._names(key):
            held, shape = self._saved_name(name), _shape(self._parameters[name])
            value = value_of(held)
            if value is None or value.shape != shape:
                found = "missing" if value is None else tuple(value.shape)
                saved = held if key is None else f"the optimizer's {key}.{held}"
                raise CheckpointError(f"{saved} of the checkpoint is {found}; this run needs {tuple(shape)}")
            piece = self._piece(name)
            if piece is not None:
                target = piece.flat.data if key is None else self._optimizer.state_of(piece.flat, key)
                part = value.reshape(-1)[piece.start : piece.start + piece.count]
                target[piece.offset : piece.offset + piece.count] = part.to(target.device)
        if key is None:
            self._publish()

    @contextmanager
    def using(self, key: str) -> Iterator[None]:
        """Let the model compute with the optimizer's state `key` in place of the weights."""
        flats = self._flats()
        kept = [flat.detach().clone() for flat in flats]
        self._replace(flats, [self._optimizer.state_of(flat, key) for flat in flats])
        try:
            yield
        finally:
            self._replace(flats, kept)

    @torch.no_grad()
    def _replace(self, flats: list[Tensor], values: list[Tensor]) -> None:
        for flat, value in zip(flats, values, strict=True):
            flat.data.copy_(value)
        self._publish()

    def _flats(self) -> list[Tensor]:
        zero = self._engine.optimizer
        flats = zero.fp32_partitioned_groups_flat if self._stage == 3 else zero.single_partition_of_fp32_groups
        return list(flats)

    def _publish(self) -> None:
        """Let the model see the values of the flat pieces."""
        zero = self._engine.optimizer
        if self._stage < 3:
            zero.update_lp_params()
            return
        # An evaluation leaves whole weights behind, which the next forward pass would take for the new ones.
        self._engine.empty_partition_cache()
        for index in range(len(zero.fp16_groups)):
            zero._reassign_or_swap_out_partitioned_parameters(index)

    def _flat(self, name: str) -> Tensor:
        """Return the flat tensor in which this rank keeps its piece of a parameter, when it has one."""
        zero = self._engine.optimizer
        if self._stage == 3:
            flat: Tensor = zero.fp32_partitioned_groups_flat[self._place(name)[0]]
        else:
            flat = zero.single_partition_of_fp32_groups[list(self._groups).index(self._group_names[name])]
        return flat

    def _place(self, name: str) -> tuple[int, int, int]:
        """Return under stage 3 the number of a parameter's flat tensor, where its piece begins there, and its size."""
        zero = self._engine.optimizer
        index, offset, size = zero.grad_position[zero.get_param_id(self._parameters[name])]
        return index, offset, size

    def _piece(self, name: str) -> _Piece | None:
        parameter, flat = self._parameters[name], self._flat(name)
        if self._stage == 3:
            _, offset, size = self._place(name)
            start = size * self._members(name).index(self.team.rank)
            count = min(size, _shape(parameter).numel() - start)
            return _Piece(flat, offset, start, count) if count > 0 else None
        link: Any = parameter._hp_mapping  # type: ignore[attr-defined]
        if link is None:
            return None
        inside, outside = link.hp_fragment_address, link.lp_fragment_address
        return _Piece(flat, inside.start, outside.start, outside.numel)

    def _keeper(self, name: str) -> int:
        """Return the rank whose turn it is to keep the whole of a parameter."""
        members = self._members(name)
        return members[self._turns[name] % len(members)]

    def _holders(self, name: str) -> Any:
        """Return the process group of `_members`."""
        return self.team.expert_data_group if name in self._experts else None

    def _members(self, name: str) -> list[int]:
        """Return the ranks that hold this rank's copy of a parameter."""
        return _own_ranks("expert_data" if name in self._experts else "data", self.team)

    def _saved_name(self, name: str) -> str:
        return held_name(name, self.team.held_experts(self._num_experts), self._num_experts)


def _shape(parameter: nn.Parameter) -> torch.Size:
    """Return the shape of a parameter, also while stage 3 has cut it up."""
    return torch.Size(getattr(parameter, "ds_shape", parameter.shape))


def _settings(config: RunConfig, team: Team) -> dict[str, Any]:
    return {
        "train_micro_batch_size_per_gpu": 1,
        "gradient_accumulation_steps": config.train.micro_batches // team.size,
        "gradient_clipping": config.train.clip_norm,
        "zero_allow_untested_optimizer": True,
        "zero_optimization": {
            "stage": config.parallel.zero_stage,
            "overlap_comm": team.device.type == "cuda",
            "reduce_bucket_size": _BUCKET_ELEMENTS,
            "allgather_bucket_size": _BUCKET_ELEMENTS,
            # A parameter that stayed whole on every rank would not see what `load` and `using` write.
            "stage3_param_persistence_threshold": 0,
        },
    }


def _register_groups(name: str, team: Team) -> None:
    """Give DeepSpeed the groups that we made, under the name by which it will look for them."""
    deepspeed_groups._EXPERT_PARALLEL_GROUP[name] = team.expert_group
    deepspeed_groups._EXPERT_DATA_PARALLEL_GROUP[name] = team.expert_data_group
    deepspeed_groups._EXPERT_PARALLEL_GROUP_RANKS[name] = _own_ranks("expert", team)
    deepspeed_groups._EXPERT_DATA_PARALLEL_GROUP_RANKS[name] = _own_ranks("expert_data", team)


def _own_ranks(kind: GroupKind, team: Team) -> list[int]:
    return next(ranks for ranks in groups_of(kind, team.grid) if team.rank in ranks)


def _cut_up(module: nn.Module, settings: dict[str, Any], team: Team) -> None:
    """Move a module to the device for stage 3, one parameter after the other, of which each rank keeps its piece.

    DeepSpeed's engine alone would move all of it first, which need not fit.
    """
    deepspeed.zero.Init(module=module, config_dict_or_path=settings)
    module.to(team.device)


def _mark_expert(parameter: nn.Parameter, group_name: str, team: Team) -> None:
    marks = {
        "allreduce": False,
        "group_name": group_name,
        "ds_zero_placement_family": "autoep_expert",
        "ds_zero_partition_group_name": group_name,
        "ds_zero_partition_process_group": team.expert_data_group,
    }
    for name, value in marks.items():
        setattr(parameter, name, value)
