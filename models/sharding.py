r"""One batch shared out over several processes, so that together they take the step that one would take.

L = 1/B sum_i l_i,   process r of P has the images i = r, r + P, r + 2 P ...

The loss is a mean over the B images of the whole batch, whoever works on which. So of all noise that is drawn for
the batch a process keeps the rows of its own images, and a mean that a loss goes on to calculate with (the error
that decides sigma, the KL of a dimension) is taken over all processes; what every process must find alike (the codes
of a codebook) is found from the whole batch by each. A process alone draws and averages as torch does, to the bit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

__all__ = ["SharedGenerator", "batch_mean", "draw", "draw_bernoulli", "whole_batch"]


class SharedGenerator(torch.Generator):
    """A source of noise that all processes seed alike and of which each keeps its share.

    Arguments:
        device: Where it draws.
        rank: Which of the processes this is, from 0.
        processes: How many there are.
    """

    whole = 0  # images of the batch, all shares together

    def __new__(cls, device: torch.device, rank: int, processes: int) -> SharedGenerator:
        return super().__new__(cls, device)  # type: ignore[call-arg]

    def __init__(self, device: torch.device, rank: int, processes: int) -> None:
        self.rank, self.processes = rank, processes

    @property
    def own(self) -> int:
        """Images of the batch that are this process's."""
        return len(range(self.rank, self.whole, self.processes))

    def share(self, local: int, source: Callable[[int], Tensor]) -> Tensor:
        """Draws the rows of the whole batch and keeps this process's.

        Arguments:
            local: Rows wanted here. A multiple of `own` is the batch repeated, one after another; any other number
                is the first rows of each process.
            source: Gives noise of that many rows.
        """
        if not self.own:
            raise ValueError(
                f"`whole` must be at least {self.rank + 1}, an image for each. Got {self.whole}."
            )
        repeats = local // self.own if local % self.own == 0 else 1
        rows = repeats * self.whole if local % self.own == 0 else local * self.processes
        noise = source(rows)
        blocks = noise.view(repeats, -1, *noise.shape[1:])
        return blocks[:, self.rank :: self.processes].flatten(0, 1)


def draw(
    source: Callable[..., Tensor], shape: tuple[int, ...], generator: torch.Generator | None, **kind: Any
) -> Tensor:
    """Draws noise for a batch, or this process's share of it.

    Arguments:
        source: `torch.randn`, `torch.rand` or what is called like them.
        shape: What is wanted here; its first dimension goes over images.
        generator: Source of the noise; torch's own where None.
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
    """`values.mean(*dim)` over the values of all processes, which all must call it; its gradient flows to all.

    Arguments:
        values: Of this process's images, shape (B, *).
        dim: The dimensions to average, that of the images among them; all where none is named.
    """
    if not (dist.is_available() and dist.is_initialized()):
        return values.mean(*dim)
    total = values.sum(*dim)
    count = values.new_tensor(values.numel() // total.numel())
    return _summed(total) / _summed(count)


def whole_batch(values: Tensor, generator: torch.Generator | None) -> Tensor:
    """The values of all processes' images, in the order in which one process alone has them; without a gradient.

    Arguments:
        values: Of this process's images, shape (own, *).
        generator: That of the step; it knows how many images there are.

    Returns:
        Shape (whole, *); `values` itself where a process is alone.
    """
    if not isinstance(generator, SharedGenerator) or generator.processes == 1:
        return values
    most = -(-generator.whole // generator.processes)
    padded = values.new_zeros(most, *values.shape[1:])
    padded[: len(values)] = values.detach()
    parts = [torch.empty_like(padded) for _ in range(generator.processes)]
    dist.all_gather(parts, padded)
    return torch.stack(parts, 1).flatten(0, 1)[: generator.whole]


class _Sum(torch.autograd.Function):
    """The sum of a tensor over all processes; each one's gradient is the sum of all processes' gradients."""

    @staticmethod
    def forward(context: Any, values: Tensor) -> Tensor:
        total = values.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        return _summed(gradient)


def _summed(values: Tensor) -> Tensor:
    total: Tensor = _Sum.apply(values)  # type: ignore[no-untyped-call]
    return total
