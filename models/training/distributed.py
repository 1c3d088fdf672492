"""The processes of one training: one alone, or those that `torchrun` started, on one machine or several.

Hugging Face Accelerate brings them together, places each on its device and averages the gradients; which images,
which noise and which means are whose is said in `models/sharding.py`. A process alone never loads Accelerate.

References:
    | Accelerate: Training and inference at scale made simple, efficient and adaptable (Gugger et al., 2022)
    | https://github.com/huggingface/accelerate
"""

from __future__ import annotations

import contextlib
import os
from contextlib import AbstractContextManager
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from models.base import Autoencoder
from models.sharding import SharedGenerator
from models.system.extras import require

__all__ = ["Objective", "Processes", "SeveralProcesses", "destroy_process_group", "processes"]


class Objective(nn.Module):
    """A model's loss as the forward pass of a module, the form that can be compiled and shared out."""

    def __init__(self, model: Autoencoder) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, x: Tensor, generator: torch.Generator, warmup: float
    ) -> tuple[Tensor, dict[str, Tensor], dict[str, Tensor]]:
        """Total, terms and figures of `Autoencoder.loss`."""
        loss = self.model.loss(x, generator=generator, warmup=warmup)
        return loss.total, loss.terms, loss.metrics


class Processes:
    """One process alone, which has all of every batch.

    Arguments:
        device: Where it trains.
    """

    rank = 0
    count = 1

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.generator: torch.Generator = torch.Generator(device)

    @property
    def first(self) -> bool:
        """Whether this is the process that writes, logs and shows the bar."""
        return self.rank == 0

    def share(self, chosen: Tensor) -> Tensor:
        """The images of this process among those chosen for a batch."""
        return chosen

    def begin(self, whole: int) -> None:
        """Begins a step with a batch of `whole` images, all processes together."""

    def weight(self, own: int, whole: int) -> float:
        """What the mean over `own` images counts in the mean, over processes, of the loss of `whole` images."""
        return 1.0

    def spread(self, objective: nn.Module) -> nn.Module:
        """The objective whose gradients are those of the whole batch."""
        return objective

    def mean(self, values: Tensor) -> list[float]:
        """The means over processes of some figures."""
        found: list[float] = values.tolist()
        return found

    def most(self, value: float) -> float:
        """The largest value that any process has."""
        return value

    def one_by_one(self) -> AbstractContextManager[Any]:
        """Lets one process a machine go first, so that what it fetches is there for the others."""
        return contextlib.nullcontext()

    def agree(self, number: int, what: str) -> None:
        """Raises ValueError where the processes have different numbers."""

    def wait(self) -> None:
        """Waits for the other processes."""


class SeveralProcesses(Processes):
    """One of the processes that `torchrun` started.

    Arguments:
        device: CPU, or the kind of device of which each process of a machine takes one.
    """

    def __init__(self, device: torch.device) -> None:
        require("distributed", "Training on several processes")
        from accelerate import Accelerator

        self.accelerator = Accelerator(cpu=device.type == "cpu")
        self.rank = self.accelerator.process_index
        self.count = self.accelerator.num_processes
        self.device = self.accelerator.device
        self.generator = self.shared = SharedGenerator(self.device, self.rank, self.count)

    def share(self, chosen: Tensor) -> Tensor:
        return chosen[self.rank :: self.count]

    def begin(self, whole: int) -> None:
        self.shared.whole = whole

    def weight(self, own: int, whole: int) -> float:
        return self.count * own / whole

    def spread(self, objective: nn.Module) -> nn.Module:
        spread: nn.Module = self.accelerator.prepare(objective)
        return spread

    def mean(self, values: Tensor) -> list[float]:
        found: list[float] = self.accelerator.reduce(values.detach(), "mean").tolist()
        return found

    def most(self, value: float) -> float:
        values = self.accelerator.gather(torch.tensor([value], device=self.device))
        return float(values.max())

    def one_by_one(self) -> AbstractContextManager[Any]:
        first: AbstractContextManager[Any] = self.accelerator.local_main_process_first()
        return first

    def agree(self, number: int, what: str) -> None:
        numbers = self.accelerator.gather(torch.tensor([number], device=self.device)).tolist()
        if len(set(numbers)) > 1:
            raise ValueError(
                f"{what} must be the same for all processes. Got {numbers}. "
                f"Let `--out` be a folder that every machine sees."
            )

    def wait(self) -> None:
        self.accelerator.wait_for_everyone()


def processes(device: torch.device) -> Processes:
    """All processes that train together: those of `torchrun`, else this one alone."""
    several = int(os.environ.get("WORLD_SIZE", "1")) > 1
    return SeveralProcesses(device) if several else Processes(device)


def destroy_process_group() -> None:
    """Leaves the process group of `torchrun`, if there is one, once the training is finished."""
    if dist.is_available() and dist.is_initialized():
        dist.destroy_process_group()
