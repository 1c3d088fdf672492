"""The state of a run between two steps: `training.safetensors`, all that the next step needs.

Weights, the optimizer's moments, the running mean of the weights and the best ones so far, with the run, the number of
steps, the time they took and their schedule beside them. The file is replaced at one stroke, so a kill at any moment leaves the old state or the new one.
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
MOMENTS = {"AdamW": ("exp_avg", "exp_avg_sq"), "Adamax": ("exp_avg", "exp_inf")}  # of each parameter
FOREIGN = "was not written by this trainer. Start anew without `--resume`."


@dataclass
class RunState:
    """What a step changes."""

    model: Autoencoder
    optimizer: torch.optim.Optimizer
    average: Average
    best: Best = field(default_factory=Best)
    parts: tuple[int, ...] = ()  # steps of the parts of a budget of time that are planned
    seconds: float = 0.0  # that the steps before the last resumption took

    @classmethod
    def start(cls, run: Run, model: Autoencoder) -> RunState:
        """The state before the first step."""
        optimizer = OPTIMIZERS[run.optimizer](model.parameters(), lr=run.rate, weight_decay=run.decay)
        return cls(model, optimizer, Average(model, run.ema))

    def keep(self, folder: Path, run: Run, step: int, command: str = "", seconds: float = 0.0) -> None:
        """Saves the state after `step` steps, which took `seconds`, in one file and at one stroke."""
        names = [name for name, _ in self.model.named_parameters()]
        tensors = {f"model.{k}": v for k, v in self.model.state_dict().items()}
        for index, values in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{names[index]}.{k}": v for k, v in values.items()}
        tensors |= {f"average.{k}": v for k, v in self.average.means.items()}
        tensors |= {f"best.{k}": v for k, v in self.best.weights.items()}
        flat = {k: v.detach().cpu().contiguous() for k, v in tensors.items()}
        about = {
            "run": json.dumps(asdict(run)),
            "step": str(step),
            "command": command,
            "seconds": f"{seconds:.3f}",
            "parts": json.dumps(self.parts),
            "best": json.dumps({k: getattr(self.best, k) for k in BEST} if self.best.weights else {}),
        }
        state = save(flat, metadata=about)  # `save_file` would leave a file of its own behind when killed
        replace_file(folder / TRAINING, lambda path: path.write_bytes(state))

    def restore(self, folder: Path, run: Run) -> int:
        """Loads what `keep` saved and gives the number of steps taken; 0 where nothing was saved.

        Raises:
            ValueError: If what was saved is another run's, or damaged.
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
        own = {k.removeprefix("model."): v for k, v in tensors.items() if k.startswith("model.")}
        moments = MOMENTS[type(self.optimizer).__name__]
        try:
            self.model.load_state_dict(own)
            state = {
                index: {"step": tensors[f"optimizer.{name}.step"]}
                | {k: laid_out(tensors[f"optimizer.{name}.{k}"], parameter) for k in moments}
                for index, (name, parameter) in enumerate(self.model.named_parameters())
                if f"optimizer.{name}.step" in tensors
                or parameter.requires_grad  # what rests has taken no step
            }
            for name, mean in self.average.means.items():
                mean.copy_(tensors[f"average.{name}"])
            self._restore_progress(read_about(folder), tensors)
        except (KeyError, RuntimeError, TypeError, ValueError) as error:
            raise ValueError(f"{path} {FOREIGN} ({error})") from error
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": state, "param_groups": groups})
        return step

    def _restore_progress(self, about: dict[str, str], tensors: dict[str, Tensor]) -> None:
        """Restores the clock, the schedule and the best weights."""
        self.seconds = float(about.get("seconds", "0"))
        parts = json.loads(about.get("parts", "[]"))
        if not math.isfinite(self.seconds) or not all(type(part) is int and part > 0 for part in parts):
            raise ValueError("its schedule is damaged")
        self.parts = tuple(parts)
        best = json.loads(about.get("best", "{}"))
        if best:
            weights = {name: tensors[f"best.{name}"] for name in self.model.state_dict()}
            self.best = Best(float(best["loss"]), int(best["step"]), int(best["waited"]), weights)


def with_saved_batch(run: Run, folder: Path) -> Run:
    """The run with the batch that its saved state found by trying."""
    if run.batch or not (folder / TRAINING).is_file():
        return run
    return replace(run, batch=read_run(folder)[0].batch)


def read_run(folder: Path) -> tuple[Run, int]:
    """The run of an unfinished training and the steps it has taken.

    Raises:
        ValueError: If the folder holds no state to go on from.
    """
    about = read_about(folder)
    try:
        return Run(**json.loads(about["run"])), int(about["step"])
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        path = folder / TRAINING
        raise ValueError(f"{path} {FOREIGN} ({type(error).__name__}: {error})") from error


def started_by(folder: Path) -> str:
    """The command that began an unfinished training; "" where it is not known."""
    if not (folder / TRAINING).is_file():
        return ""
    read_run(folder)  # refuses what is not ours
    return read_about(folder).get("command", "")


def read_about(folder: Path) -> dict[str, str]:
    """What is written beside the tensors of a state."""
    path = folder / TRAINING
    if not path.is_file():
        raise ValueError(f"{folder} has no {TRAINING} to resume from. Start anew without `--resume`.")
    try:
        with safe_open(path, framework="pt") as file:
            return dict(file.metadata() or {})
    except SafetensorError as error:
        raise ValueError(f"{path} {FOREIGN} ({type(error).__name__}: {error})") from error


def laid_out(values: Tensor, parameter: Tensor) -> Tensor:
    """`values` in the memory order of `parameter`, as in an uninterrupted run, so that the same kernels run."""
    return torch.empty_like(parameter, device=values.device, requires_grad=False).copy_(values)


def sweep(folder: Path, state: bool) -> None:
    """Deletes what a kill left half-written and, with `state`, what an earlier run left to resume."""
    names = (TRAINING, CURVES, WEIGHTS, CARD)
    for left in [p for name in names for p in folder.glob(f".{name}.*")]:
        left.unlink(missing_ok=True)
    if state:
        (folder / TRAINING).unlink(missing_ok=True)
