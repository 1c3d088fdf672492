"""What a run learns from: images or sequences, read a batch at a time so that a set may be larger than the memory."""

from __future__ import annotations

import contextlib
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.data import DATASETS, SEQUENCES, ImageData, SequenceData, load_data, load_sequences
from models.training.distributed import Processes
from models.training.randomness import Stream, seed_of, seeded
from models.training.run import Run

__all__ = ["Examples", "Loader", "load_examples", "to_floats"]


@dataclass(frozen=True)
class Examples:
    """Images or sequences of one split, by index."""

    data: ImageData | SequenceData
    rows: NDArray[np.int64]  # (N,), which of the data

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(C, H, W)."""
        return self.data.image_shape

    @property
    def slow(self) -> bool:
        """Whether reading a batch takes time: sequences are made when asked for, mapped images lie on a disk."""
        return isinstance(self.data, SequenceData) or isinstance(self.data.images, np.memmap)

    def read(self, indices: Tensor | NDArray[np.int64]) -> Tensor:
        """Images uint8 (B, C, H, W), or sequences (B, T, C, H, W), at indices (B,)."""
        rows = self.rows[np.asarray(indices)]
        if isinstance(self.data, SequenceData):
            return torch.from_numpy(np.ascontiguousarray(self.data.frames(rows).transpose(0, 1, 4, 2, 3)))
        return torch.from_numpy(np.asarray(self.data.images[rows])).permute(0, 3, 1, 2)


def load_examples(run: Run) -> tuple[Examples, Examples | None]:
    """The training examples of a run, and those for validation.

    Where the data has no validation split, the share `run.validation` of the training split is held out.

    Raises:
        ValueError: If there is no such data, or the share leaves no image to one of the two.
    """
    data = load_split(run, "train")
    rows = np.arange(len(data))
    if "validation" in (SEQUENCES | DATASETS)[run.data].splits:
        with contextlib.suppress(ValueError):  # its options may leave that split empty
            held = load_split(run, "validation")
            return Examples(data, rows), Examples(held, np.arange(len(held)))
    if not run.validation:
        return Examples(data, rows), None
    count = round(run.validation * len(data))
    if not 0 < count < len(data):
        raise ValueError(
            f"`validation` must hold out at least one image and leave one. Got {run.validation} of {len(data)} images."
        )
    shuffled = np.random.default_rng(seed_of(run.seed, Stream.HELD_OUT)).permutation(rows)
    return Examples(data, np.sort(shuffled[count:])), Examples(data, np.sort(shuffled[:count]))


def load_split(run: Run, split: str) -> ImageData | SequenceData:
    """A split of a run's data set."""
    options: dict[str, Any] = {"limit": run.limit or None, **run.options}
    return (load_sequences if run.data in SEQUENCES else load_data)(run.data, split, **options)


class Loader:
    """The batches of a run by step; a context manager.

    The next batch is read in a thread meanwhile where reading takes time, or where a GPU computes.

    Arguments:
        examples: To train on.
        run: Its seed, and its batch.
        team: The processes that share each batch.
    """

    def __init__(self, examples: Examples, run: Run, team: Processes) -> None:
        self.examples, self.run, self.team = examples, run, team
        self.a_pass = -(-len(examples) // run.batch)  # steps of an epoch
        self._epoch, self._order = -1, torch.empty(0, dtype=torch.long)
        ahead = examples.slow or team.device.type != "cpu"
        self._pool = ThreadPoolExecutor(1) if ahead else None
        self._next: tuple[int, Future[Tensor]] | None = None

    def __enter__(self) -> Loader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool:
            self._pool.shutdown(cancel_futures=True)

    def rows(self, step: int) -> Tensor:
        """The indices of the whole batch of a step, all processes together."""
        epoch, place = divmod(step, self.a_pass)
        if epoch != self._epoch:
            shuffle = seeded(torch.Generator(), self.run.seed, Stream.ORDER, epoch)
            self._epoch, self._order = epoch, torch.randperm(len(self.examples), generator=shuffle)
        return self._order[place * self.run.batch : (place + 1) * self.run.batch]

    def read(self, step: int) -> tuple[Tensor, int]:
        """The share of a step's batch that is this process's, uint8, and the size of the whole batch."""
        rows = self.rows(step)
        if not self._pool:
            return self.examples.read(self.team.share(rows)), len(rows)
        ready = self._next[1] if self._next and self._next[0] == step else self._start(rows)
        batch = ready.result()
        self._next = (step + 1, self._start(self.rows(step + 1)))
        return batch, len(rows)

    def _start(self, rows: Tensor) -> Future[Tensor]:
        assert self._pool is not None
        return self._pool.submit(self.examples.read, self.team.share(rows))


def to_floats(examples: Tensor, device: torch.device) -> Tensor:
    """Images (B, C, H, W) or sequences (B, T, C, H, W) as a model takes them: uint8 to floats in [0, 1]."""
    x = examples.to(device).float().div_(255)
    return x.contiguous(memory_format=torch.channels_last) if x.ndim == 4 else x
