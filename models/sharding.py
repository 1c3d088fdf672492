r"""A batch that is split over several processes, which together take the same step as a single process.

L = 1/B sum_i l_i,   process r of P has the images i = r, r + P, r + 2 P ...

The loss is a mean over the B images of the whole batch, however they are split. Therefore every process draws the
noise of the whole batch and uses the rows of its own images, and averages that enter a loss nonlinearly (the error that
sets sigma, the KL of a dimension) are taken over all processes. Updates that must agree (of a codebook) are computed by
every process from the whole batch. A single process gives bitwise the same numbers as plain torch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

__all__ = ["SharedGenerator", "batch_mean", "draw", "draw_bernoulli", "whole_batch"]


class SharedGenerator(torch.Generator):
    """A source of noise with the same seed in all processes, from which each uses the rows of its images.

    Arguments:
        device: Device of the noise.
        rank: Index of this process, from 0.
        processes: Number of processes.
    """

    whole = 0  # images of the whole batch, in all processes

    def __new__(cls, device: torch.device, rank: int, processes: int) -> SharedGenerator:
        return super().__new__(cls, device)  # type: ignore[call-arg]

    def __init__(self, device: torch.device, rank: int, processes: int) -> None:
        self.rank, self.processes = rank, processes

    @property
    def own(self) -> int:
        """Number of images of this process."""
        return len(range(self.rank, self.whole, self.processes))

    def share(self, local: int, source: Callable[[int], Tensor]) -> Tensor:
        """Draws the rows of the whole batch and returns those of this process.

        Arguments:
            local: Number of rows to return. A multiple of `own` means the batch several times over; any other number
                the first rows of each process.
            source: Draws noise with the given number of rows.
        """
        if not self.own:
            raise ValueError(
                f"`whole` must be at least {self.rank + 1}, one image per process. Got {self.whole}."
            )
        repeats = local // self.own if local % self.own == 0 else 1
        rows = repeats * self.whole if local % self.own == 0 else local * self.processes
        noise = source(rows)
        blocks = noise.view(repeats, -1, *noise.shape[1:])
        return blocks[:, self.rank :: self.processes].flatten(0, 1)


def draw(
    source: Callable[..., Tensor], shape: tuple[int, ...], generator: torch.Generator | None, **kind: Any
) -> Tensor:
    """Draws noise for a batch, or for the images of this process.

    Arguments:
        source: `torch.randn`, `torch.rand` or a function with the same signature.
        shape: Shape in this process; its first dimension goes over images.
        generator: Source of the noise; torch's default generator if None.
        kind: `dtype` and `device`.
    """
    if not isinstance(generator, SharedGenerator):
        return source(shape, generator=generator, **kind)
    return generator.share(shape[0], lambda rows: source((rows, *shape[1:]), generator=generator, **kind))


def draw_bernoulli(p: Tensor, generator: torch.Generator | None) -> Tensor:
    """Draws 0 or 1 with probabilities p, shape (B, *)."""
    if not isinstance(generator, SharedGenerator):
        return torch.bernoulli(p, generator=generator)

    def source(rows: int) -> Tensor:
        whole = p[:1].expand(rows, *p.shape[1:]).clone(memory_format=torch.preserve_format)
        whole[generator.rank :: generator.processes] = p
        return torch.bernoulli(whole, generator=generator)

    return generator.share(len(p), source)


def batch_mean(values: Tensor, *dim: int) -> Tensor:
    """Computes `values.mean(*dim)` over all processes, each of which must call it; the gradient flows to all.

    Arguments:
        values: Values of the images of this process, shape (B, *).
        dim: Dimensions to average over, including that of the images; all by default.
    """
    if not (dist.is_available() and dist.is_initialized()):
        return values.mean(*dim)
    total = values.sum(*dim)
    count = values.new_tensor(values.numel() // total.numel())
    return _summed(total) / _summed(count)


def whole_batch(values: Tensor, generator: torch.Generator | None) -> Tensor:
    """Gathers the values of the images of all processes, in the order of a single process; without a gradient.

    Arguments:
        values: Values of the images of this process, shape (own, *).
        generator: The generator of the step, which has the number of images.

    Returns:
        Shape (whole, *); `values` itself in a single process.
    """
    if not isinstance(generator, SharedGenerator) or generator.processes == 1:
        return values
    most = -(-generator.whole // generator.processes)
    padded = values.new_zeros(most, *values.shape[1:])
    padded[: len(values)] = values.detach()
    gathered = [torch.empty_like(padded) for _ in range(generator.processes)]
    dist.all_gather(gathered, padded)
    return torch.stack(gathered, 1).flatten(0, 1)[: generator.whole]


class _Sum(torch.autograd.Function):
    """The sum of a tensor over all processes; its gradient is the sum of the gradients of all processes."""

    @staticmethod
    def forward(context: Any, values: Tensor) -> Tensor:
        total = values.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        return _summed(gradient)


def _summed(values: Tensor) -> Tensor:
    return _Sum.apply(values)  # type: ignore[no-any-return, no-untyped-call]
