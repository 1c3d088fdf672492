"""The examples of a run, images or sequences, read in batches so that a data set may be larger than the memory."""

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

from models.data import OWN, SEQUENCES, ImageData, SequenceData, load_data, load_sequences, validation_rows
from models.training.distributed import Processes
from models.training.randomness import Stream, seed_of, seeded
from models.training.run import Run

__all__ = ["Examples", "Loader", "load_examples", "to_floats"]

VALIDATED = (OWN, "fruits-360")  # data sets whose validation split always chooses the weights


@dataclass(frozen=True)
class Examples:
    """Images or sequences of one split, by index."""

    data: ImageData | SequenceData
    rows: NDArray[np.int64]  # (N,), indices into the data

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Shape (C, H, W)."""
        return self.data.image_shape

    @property
    def slow(self) -> bool:
        """Whether reading a batch is slow: sequences are generated on demand, and mapped images are read from disk."""
        return isinstance(self.data, SequenceData) or isinstance(self.data.images, np.memmap)

    def read(self, indices: Tensor | NDArray[np.int64]) -> Tensor:
        """Reads images uint8 (B, C, H, W), or sequences (B, T, C, H, W), at indices (B,)."""
        rows = self.rows[np.asarray(indices)]
        if isinstance(self.data, SequenceData):
            return torch.from_numpy(np.ascontiguousarray(self.data.frames(rows).transpose(0, 1, 4, 2, 3)))
        return torch.from_numpy(np.asarray(self.data.images[rows])).permute(0, 3, 1, 2)


def load_examples(run: Run) -> tuple[Examples, Examples | None]:
    """Loads the training and the validation examples of a run.

    The validation examples are those of the data set; photographs and own images without them hold out the share
    `run.validation` of the training split. The other data sets were first published without a validation split, so it is
    used only if `run.validation` or `run.patience` asks for it; training images that belong to it are then left out.

    Raises:
        ValueError: If the data set is unknown, or one of the two splits would be empty.
    """
    data = load_split(run, "train")
    rows = np.arange(len(data))
    asked = bool(run.validation or run.patience)
    if asked or run.data in VALIDATED:
        with contextlib.suppress(ValueError) if run.data == OWN else contextlib.nullcontext():
            held = load_split(run, "validation")  # the options of own images may make it empty
            kept = np.setdiff1d(rows, validation_rows(run.data, **run.options))
            return Examples(data, kept), Examples(held, np.arange(len(held)))
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
    """Loads a split of the data set of a run."""
    options: dict[str, Any] = {"limit": run.limit or None, **run.options}
    return (load_sequences if run.data in SEQUENCES else load_data)(run.data, split, **options)


class Loader:
    """Reads the batches of a run by step; a context manager.

    The next batch is prefetched in a thread if reading is slow, or if a GPU computes.

    Arguments:
        examples: Training examples.
        run: Gives the seed and the batch size.
        processes: The processes that share each batch.
    """

    def __init__(self, examples: Examples, run: Run, processes: Processes) -> None:
        self.examples, self.run, self.processes = examples, run, processes
        self.steps_per_epoch = -(-len(examples) // run.batch)
        self._epoch, self._order = -1, torch.empty(0, dtype=torch.long)
        prefetch = examples.slow or processes.device.type != "cpu"
        self._pool = ThreadPoolExecutor(1) if prefetch else None
        self._next: tuple[int, Future[Tensor]] | None = None

    def __enter__(self) -> Loader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool:
            self._pool.shutdown(cancel_futures=True)

    def rows(self, step: int) -> Tensor:
        """Returns the indices of the whole batch of a step, over all processes."""
        epoch, batch = divmod(step, self.steps_per_epoch)
        if epoch != self._epoch:
            shuffle = seeded(torch.Generator(), self.run.seed, Stream.ORDER, epoch)
            self._epoch, self._order = epoch, torch.randperm(len(self.examples), generator=shuffle)
        return self._order[batch * self.run.batch : (batch + 1) * self.run.batch]

    def read(self, step: int) -> tuple[Tensor, int]:
        """Reads the images of this process in the batch of a step, uint8, and the size of the whole batch."""
        rows = self.rows(step)
        if not self._pool:
            return self.examples.read(self.processes.share(rows)), len(rows)
        pending = self._next[1] if self._next and self._next[0] == step else self._start(rows)
        batch = pending.result()
        self._next = (step + 1, self._start(self.rows(step + 1)))
        return batch, len(rows)

    def _start(self, rows: Tensor) -> Future[Tensor]:
        assert self._pool is not None
        return self._pool.submit(self.examples.read, self.processes.share(rows))


def to_floats(examples: Tensor, device: torch.device) -> Tensor:
    """Converts images (B, C, H, W) or sequences (B, T, C, H, W) from uint8 to floats in [0, 1]; floats stay as they are."""
    if examples.is_floating_point():
        return examples.to(device)
    x = examples.to(device).float().div_(255)
    return x.contiguous(memory_format=torch.channels_last) if x.ndim == 4 else x
