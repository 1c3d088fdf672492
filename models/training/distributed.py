"""The processes of a training: a single one, or those that `torchrun` started, on one or several machines.

Hugging Face Accelerate connects the processes, assigns their devices and averages the gradients; `models/sharding.py`
divides images, noise and averages among them. A single process does not import Accelerate.

References:
    | Accelerate: Training and inference at scale made simple, efficient and adaptable (Gugger et al., 2022)
    | https://github.com/huggingface/accelerate
"""

from __future__ import annotations

import contextlib
import os
from contextlib import AbstractContextManager
from typing import Any, cast

import torch
import torch.distributed as dist
from torch import Tensor, nn

from models.base import Autoencoder
from models.sharding import SharedGenerator
from models.system.extras import require

__all__ = ["Objective", "Processes", "SeveralProcesses", "connect_processes", "destroy_process_group"]


class Objective(nn.Module):
    """The loss of a model as the forward pass of a module, which can be compiled and distributed."""

    def __init__(self, model: Autoencoder) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, x: Tensor, generator: torch.Generator, warmup: float
    ) -> tuple[Tensor, dict[str, Tensor], dict[str, Tensor]]:
        """Returns total, terms and metrics of `Autoencoder.loss`."""
        loss = self.model.loss(x, generator=generator, warmup=warmup)
        return loss.total, loss.terms, loss.metrics


class Processes:
    """A single process, which takes the whole of every batch.

    Arguments:
        device: Device to train on.
    """

    rank = 0
    count = 1

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.generator: torch.Generator = torch.Generator(device)

    @property
    def first(self) -> bool:
        """Whether this is the process that writes, logs and shows the progress bar."""
        return self.rank == 0

    def share(self, batch: Tensor) -> Tensor:
        """Selects the images of this process from a batch."""
        return batch

    def begin_step(self, whole: int) -> None:
        """Starts a step with a batch of `whole` images over all processes."""

    def weight(self, own: int, whole: int) -> float:
        """Returns the weight of a mean over `own` images, so that the mean over processes is that over `whole` images."""
        return 1.0

    def distribute(self, objective: nn.Module) -> nn.Module:
        """Returns an objective whose gradients are averaged over all processes."""
        return objective

    def mean(self, values: Tensor) -> list[float]:
        """Averages scalars over all processes."""
        return cast(list[float], values.tolist())

    def largest(self, value: float) -> float:
        """Returns the largest value of any process."""
        return value

    def local_first(self) -> AbstractContextManager[Any]:
        """Lets one process per machine run the body first, so that the others find its downloads."""
        return contextlib.nullcontext()

    def check_equal(self, number: int, what: str) -> None:
        """Raises ValueError if a number differs between processes."""

    def wait(self) -> None:
        """Waits for the other processes."""


class SeveralProcesses(Processes):
    """One of the processes that `torchrun` started.

    Arguments:
        device: CPU, or the type of device of which every process uses one.
    """

    def __init__(self, device: torch.device) -> None:
        require("distributed", "Training on several processes")
        from accelerate import Accelerator

        self.accelerator = Accelerator(cpu=device.type == "cpu")
        self.rank = self.accelerator.process_index
        self.count = self.accelerator.num_processes
        self.device = self.accelerator.device
        self.generator = self.shared = SharedGenerator(self.device, self.rank, self.count)

    def share(self, batch: Tensor) -> Tensor:
        return batch[self.rank :: self.count]

    def begin_step(self, whole: int) -> None:
        self.shared.whole = whole

    def weight(self, own: int, whole: int) -> float:
        return self.count * own / whole

    def distribute(self, objective: nn.Module) -> nn.Module:
        return cast(nn.Module, self.accelerator.prepare(objective))

    def mean(self, values: Tensor) -> list[float]:
        return cast(list[float], self.accelerator.reduce(values.detach(), "mean").tolist())

    def largest(self, value: float) -> float:
        values = self.accelerator.gather(torch.tensor([value], device=self.device))
        return float(values.max())

    def local_first(self) -> AbstractContextManager[Any]:
        return cast(AbstractContextManager[Any], self.accelerator.local_main_process_first())

    def check_equal(self, number: int, what: str) -> None:
        numbers = self.accelerator.gather(torch.tensor([number], device=self.device)).tolist()
        if len(set(numbers)) > 1:
            raise ValueError(
                f"{what} must be the same for all processes. Got {numbers}. "
                f"Choose an `--out` folder that every machine shares."
            )

    def wait(self) -> None:
        self.accelerator.wait_for_everyone()


def connect_processes(device: torch.device) -> Processes:
    """Returns the processes of the training: those of `torchrun`, or this one."""
    several = int(os.environ.get("WORLD_SIZE", "1")) > 1
    return SeveralProcesses(device) if several else Processes(device)


def destroy_process_group() -> None:
    """Leaves the process group of `torchrun`, if there is one, once the training is finished."""
    if dist.is_available() and dist.is_initialized():
        dist.destroy_process_group()
