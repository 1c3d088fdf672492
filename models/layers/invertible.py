r"""Invertible layers of normalizing flows: each computes its output, the log-determinant and the inverse.

y = f(x),   log |det dy/dx|,   x = f^-1(y)

Squeeze turns pixels into channels, ActNorm scales and shifts each channel, the invertible 1x1 convolution mixes the
channels. Every layer computes in float32, the precision of its input: autocast affects the networks of the couplings,
but not the log-determinants.

References:
    | Density Estimation Using Real NVP (Dinh et al., 2016), for squeeze
    | https://arxiv.org/abs/1605.08803
    | Glow: Generative Flow with Invertible 1x1 Convolutions (Kingma & Dhariwal, 2018)
    | https://arxiv.org/abs/1807.03039
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.sharding import batch_mean

__all__ = [
    "GREYS",
    "ActNorm",
    "FlowLayer",
    "InvertibleConv",
    "Logit",
    "Shape",
    "Squeeze",
    "unit_triangular_inverse",
]

Shape = tuple[int, int, int]  # channels, rows, columns

GREYS = 256  # grey levels of an 8-bit image
MARGIN = 1e-5  # a of the logit, half of it at black and half at white
BLOCK = 8  # size up to which a triangular matrix is inverted directly; its eighth power is 0
LEAST_STD = 1e-4  # lower bound of the standard deviation by which ActNorm divides, for constant channels


class FlowLayer(nn.Module, ABC):
    """An invertible layer."""

    @abstractmethod
    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Computes f(x) of images (B, C, H, W), and log |det df/dx| in nats, shape (B,)."""

    @abstractmethod
    def inverse(self, y: Tensor) -> Tensor:
        """Computes f^-1(y) of an output of `forward`."""


class Logit(FlowLayer):
    r"""Maps grey levels to the real line: y = logit(a / 2 + (1 - a) x / 256).

    The inverse of any number is a valid grey level, and the logit stretches the narrow distributions at black and
    white. a keeps both ends of the scale finite (Dinh et al. 2016).
    """

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        p = MARGIN / 2 + (1 - MARGIN) / GREYS * x
        y = p.log() - (1 - p).log()
        log_slope = math.log((1 - MARGIN) / GREYS) - F.logsigmoid(y) - F.logsigmoid(-y)
        return y, log_slope.flatten(1).sum(1)

    def inverse(self, y: Tensor) -> Tensor:
        return (y.sigmoid() - MARGIN / 2) * (GREYS / (1 - MARGIN))


class Squeeze(FlowLayer):
    """Turns blocks of pixels into channels: (C, H, W) to (C * h * w, H / h, W / w), with a log-determinant of 0.

    Blocks are 2 pixels high and wide; a side with an odd number of pixels is not changed.

    Arguments:
        shape: Shape (C, H, W) of the input.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.before = shape
        self.block = tuple(2 - side % 2 for side in shape[1:])

    @property
    def after(self) -> Shape:
        """The shape of the output."""
        (c, h, w), (high, wide) = self.before, self.block
        return c * high * wide, h // high, w // wide

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        c, (_, h, w), (high, wide) = self.before[0], self.after, self.block
        y = x.reshape(-1, c, h, high, w, wide).permute(0, 1, 3, 5, 2, 4).reshape(-1, *self.after)
        return y, x.new_zeros(len(x))

    def inverse(self, y: Tensor) -> Tensor:
        c, (_, h, w), (high, wide) = self.before[0], self.after, self.block
        return y.reshape(-1, c, high, wide, h, w).permute(0, 1, 4, 2, 5, 3).reshape(-1, *self.before)


class ActNorm(FlowLayer):
    """Scales and shifts each channel; both parameters are initialised from the first batch in training.

    The initialisation gives each channel mean 0 and standard deviation 1 on that batch. A buffer records that it is
    done, so that a loaded or resumed model is not initialised again.

    Arguments:
        channels: C.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.shift = nn.Parameter(torch.zeros(channels))
        self.log_scale = nn.Parameter(torch.zeros(channels))
        self.register_buffer("initialised", torch.tensor(False))
        self.initialised: Tensor

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        if self.training and not self.initialised:
            self.initialise(x)
        log_det = x.shape[2] * x.shape[3] * self.log_scale.sum()
        shift, log_scale = self.shift[:, None, None], self.log_scale[:, None, None]
        return (x + shift) * log_scale.exp(), log_det.expand(len(x))

    def inverse(self, y: Tensor) -> Tensor:
        shift, log_scale = self.shift[:, None, None], self.log_scale[:, None, None]
        return y * (-log_scale).exp() - shift

    @torch.no_grad()
    def initialise(self, x: Tensor) -> None:
        """Initialises from a batch (B, C, H, W), over all processes."""
        values = x.float().transpose(0, 1).flatten(1)  # (C, B * H * W)
        mean = batch_mean(values, 1)
        std = batch_mean((values - mean[:, None]).square(), 1).sqrt()
        self.shift.copy_(-mean)
        self.log_scale.copy_(-std.clamp(min=LEAST_STD).log())
        self.initialised.fill_(True)


class InvertibleConv(FlowLayer):
    r"""A 1x1 convolution with the square matrix W = P L (U + diag(s)).

    log |det dy/dx| = H W sum log |s|

    P is a fixed permutation, L is lower triangular with ones on its diagonal, U is strictly upper triangular. W is
    initialised to a random rotation. The signs of s are fixed, and log |s| is learnt, so W stays invertible.

    Arguments:
        channels: C.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        start = random_rotation(channels)
        for name in ("permutation", "sign"):
            self.register_buffer(name, start[name])
        self.permutation: Tensor
        self.sign: Tensor
        self.lower = nn.Parameter(start["lower"])
        self.upper = nn.Parameter(start["upper"])
        self.log_scale = nn.Parameter(start["log_scale"])

    @property
    def diagonal(self) -> Tensor:
        """s, shape (C,)."""
        return self.sign * self.log_scale.exp()

    def weight(self) -> Tensor:
        """Computes W, shape (C, C)."""
        eye = torch.eye(len(self.sign), device=self.sign.device)
        upper = self.upper.triu(1) + self.diagonal.diag()
        return self.permutation @ (self.lower.tril(-1) + eye) @ upper

    def inverse_weight(self) -> Tensor:
        """Computes W^-1, shape (C, C), with products only."""
        lower = unit_triangular_inverse(self.lower.tril(-1))
        upper = unit_triangular_inverse((self.upper.triu(1) / self.diagonal[:, None]).T).T
        return (upper / self.diagonal) @ lower @ self.permutation.T

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        log_det = x.shape[2] * x.shape[3] * self.log_scale.sum()
        return mix(x, self.weight), log_det.expand(len(x))

    def inverse(self, y: Tensor) -> Tensor:
        return mix(y, self.inverse_weight)


def random_rotation(channels: int) -> dict[str, Tensor]:
    """Draws a random rotation (C, C); returns its factors by their names in `InvertibleConv`."""
    weight = torch.empty(channels, channels)
    if weight.is_meta:  # only shapes are needed, and computing them makes torch import modules for seconds
        matrices = dict.fromkeys(("permutation", "lower", "upper"), weight)
        return matrices | dict.fromkeys(("sign", "log_scale"), weight[0])
    permutation, lower, upper = torch.linalg.lu(torch.linalg.qr(torch.randn_like(weight))[0])
    s = upper.diagonal()
    return {
        "permutation": permutation,
        "lower": lower.tril(-1),
        "upper": upper.triu(1),
        "sign": s.sign(),
        "log_scale": s.abs().log(),
    }


def mix(x: Tensor, weight: Callable[[], Tensor]) -> Tensor:
    """Multiplies the channels of images (B, C, H, W) by a matrix (C, C), in full precision even under autocast."""
    with torch.autocast(x.device.type, enabled=False):
        return F.conv2d(x, weight()[:, :, None, None])


def unit_triangular_inverse(strict: Tensor) -> Tensor:
    r"""Computes (I + N)^-1 of a strictly lower triangular matrix N (C, C), with products only.

    Runtimes for exported decoders may lack a triangular solver. Large matrices are inverted by blocks,
    [[A, 0], [B, D]]^-1 = [[A^-1, 0], [-D^-1 B A^-1, D^-1]]; for small ones, N^8 = 0 gives
    (I + N)^-1 = (I - N)(I + N^2)(I + N^4).
    """
    size = len(strict)
    if size <= BLOCK:
        eye = torch.eye(size, dtype=strict.dtype, device=strict.device)
        square = strict @ strict
        return (eye - strict) @ (eye + square) @ (eye + square @ square)
    half = size // 2
    first, last = unit_triangular_inverse(strict[:half, :half]), unit_triangular_inverse(strict[half:, half:])
    below = -last @ strict[half:, :half] @ first
    zeros = strict.new_zeros(half, size - half)
    return torch.cat([torch.cat([first, zeros], 1), torch.cat([below, last], 1)])
