"""The state of a run between two steps: `training.safetensors`, everything that the next step depends on.

It holds the weights, the optimizer's moments, the moving average of the weights and the best weights so far; its metadata
the run, the number of steps, their time and their schedule. The file is replaced atomically, so an interruption at any
moment leaves the old state or the new one.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import Tensor

from models.base import Autoencoder
from models.card import CARD, TRAINING, WEIGHTS
from models.system.files import replace_file
from models.training.ema import Average
from models.training.log import CURVES
from models.training.run import OPTIMIZERS, Run
from models.training.validation import Best

__all__ = ["RunState", "read_run", "started_by", "sweep", "with_saved_batch"]

BEST = ("loss", "step", "waited")
MOMENTS = {"AdamW": ("exp_avg", "exp_avg_sq"), "Adamax": ("exp_avg", "exp_inf")}  # per parameter
FOREIGN = "was not written by this trainer. Start again without `--resume`."


@dataclass
class RunState:
    """Everything that a step changes."""

    model: Autoencoder
    optimizer: torch.optim.Optimizer
    average: Average
    best: Best = field(default_factory=Best)
    parts: tuple[int, ...] = ()  # steps in each planned part of a time budget
    seconds: float = 0.0  # training time before the run was last resumed

    @classmethod
    def start(cls, run: Run, model: Autoencoder) -> RunState:
        """Creates the state before the first step."""
        optimizer = OPTIMIZERS[run.optimizer](model.parameters(), lr=run.rate, weight_decay=run.decay)
        return cls(model, optimizer, Average(model, run.ema))

    def save(self, folder: Path, run: Run, step: int, command: str = "", seconds: float = 0.0) -> None:
        """Saves the state after `step` steps, which took `seconds`, atomically."""
        names = [name for name, _ in self.model.named_parameters()]
        tensors = {f"model.{k}": v for k, v in self.model.state_dict().items()}
        for index, values in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{names[index]}.{k}": v for k, v in values.items()}
        tensors |= {f"average.{k}": v for k, v in self.average.means.items()}
        tensors |= {f"best.{k}": v for k, v in self.best.weights.items()}
        on_cpu = {k: v.detach().cpu().contiguous() for k, v in tensors.items()}
        metadata = {
            "run": json.dumps(asdict(run)),
            "step": str(step),
            "command": command,
            "seconds": f"{seconds:.3f}",
            "parts": json.dumps(self.parts),
            "best": json.dumps({k: getattr(self.best, k) for k in BEST} if self.best.weights else {}),
        }
        state = save(on_cpu, metadata=metadata)  # `save_file` would leave a temporary file when interrupted
        replace_file(folder / TRAINING, lambda path: path.write_bytes(state))

    def restore(self, folder: Path, run: Run) -> int:
        """Loads the state that `save` wrote; returns the number of steps, 0 if nothing was saved.

        Raises:
            ValueError: If the state is damaged, or that of another run.
        """
        path = folder / TRAINING
        if not path.is_file():
            return 0
        saved, step = read_run(folder)
        if saved != run:
            changed = next(k for k, v in asdict(run).items() if getattr(saved, k) != v)
            raise ValueError(
                f"{folder} was started with {changed} = {getattr(saved, changed)!r}, "
                f"not {getattr(run, changed)!r}. Resume with the same values, or choose another `--out`."
            )
        tensors = load_file(path)
        weights = {k.removeprefix("model."): v for k, v in tensors.items() if k.startswith("model.")}
        moments = MOMENTS[type(self.optimizer).__name__]
        try:
            self.model.load_state_dict(weights)
            state = {
                index: {"step": tensors[f"optimizer.{name}.step"]}
                | {k: with_layout(tensors[f"optimizer.{name}.{k}"], parameter) for k in moments}
                for index, (name, parameter) in enumerate(self.model.named_parameters())
                if f"optimizer.{name}.step" in tensors
                or parameter.requires_grad  # frozen ones have no moments
            }
            for name, mean in self.average.means.items():
                mean.copy_(tensors[f"average.{name}"])
            self._restore_progress(read_metadata(folder), tensors)
        except (KeyError, RuntimeError, TypeError, ValueError) as error:
            raise ValueError(f"{path} {FOREIGN} ({error})") from error
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": state, "param_groups": groups})
        return step

    def _restore_progress(self, metadata: dict[str, str], tensors: dict[str, Tensor]) -> None:
        """Restores the training time, the schedule and the best weights."""
        self.seconds = float(metadata.get("seconds", "0"))
        parts = json.loads(metadata.get("parts", "[]"))
        if not math.isfinite(self.seconds) or not all(type(steps) is int and steps > 0 for steps in parts):
            raise ValueError("its schedule is damaged")
        self.parts = tuple(parts)
        best = json.loads(metadata.get("best", "{}"))
        if best:
            weights = {name: tensors[f"best.{name}"] for name in self.model.state_dict()}
            self.best = Best(float(best["loss"]), int(best["step"]), int(best["waited"]), weights)


def with_saved_batch(run: Run, folder: Path) -> Run:
    """Returns the run with the batch size of its saved state, which was found by trial."""
    if run.batch or not (folder / TRAINING).is_file():
        return run
    return replace(run, batch=read_run(folder)[0].batch)


def read_run(folder: Path) -> tuple[Run, int]:
    """Reads the run of an unfinished training and its number of steps.

    Raises:
        ValueError: If the folder holds no state to resume from.
    """
    metadata = read_metadata(folder)
    try:
        return Run(**json.loads(metadata["run"])), int(metadata["step"])
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        path = folder / TRAINING
        raise ValueError(f"{path} {FOREIGN} ({type(error).__name__}: {error})") from error


def started_by(folder: Path) -> str:
    """Returns the command that started an unfinished training; "" if it is unknown."""
    if not (folder / TRAINING).is_file():
        return ""
    read_run(folder)  # raises if another program wrote it
    return read_metadata(folder).get("command", "")


def read_metadata(folder: Path) -> dict[str, str]:
    """Reads the metadata of a saved state."""
    path = folder / TRAINING
    if not path.is_file():
        raise ValueError(f"{folder} has no {TRAINING} to resume from. Start again without `--resume`.")
    try:
        with safe_open(path, framework="pt") as file:
            return dict(file.metadata() or {})
    except SafetensorError as error:
        raise ValueError(f"{path} {FOREIGN} ({type(error).__name__}: {error})") from error


def with_layout(values: Tensor, parameter: Tensor) -> Tensor:
    """Copies `values` to the memory layout of `parameter`, so that a resumed run uses the same kernels."""
    return torch.empty_like(parameter, device=values.device, requires_grad=False).copy_(values)


def sweep(folder: Path, state: bool) -> None:
    """Deletes partial files of an interrupted run and, with `state`, the saved state of an earlier one."""
    names = (TRAINING, CURVES, WEIGHTS, CARD)
    for partial in [path for name in names for path in folder.glob(f".{name}.*")]:
        partial.unlink(missing_ok=True)
    if state:
        (folder / TRAINING).unlink(missing_ok=True)
