r"""Invertible layers of normalizing flows: each gives its image, the logarithm of its volume change, and its inverse.

y = f(x),   log |det dy/dx|,   x = f^-1(y)

Squeeze turns pixels into channels, ActNorm scales and shifts each channel, the invertible 1x1 convolution mixes the
channels. Every layer works in the precision of its input, float32: autocast reaches the networks of the couplings
alone, never a volume.

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
MARGIN = 1e-5  # a of the logit, split between black's and white's end
BLOCK = 8  # channels of a triangular matrix that is inverted as a whole; its eighth power is 0
LEAST_STD = (
    1e-4  # of a channel that ActNorm scales to 1; a channel that never changes is not blown up further
)


class FlowLayer(nn.Module, ABC):
    """An invertible layer."""

    @abstractmethod
    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """f(x) of images (B, C, H, W), and log |det df/dx| in nats, shape (B,)."""

    @abstractmethod
    def inverse(self, y: Tensor) -> Tensor:
        """f^-1(y) of what `forward` gave."""


class Logit(FlowLayer):
    r"""Takes grey levels to the whole real line: y = logit(a / 2 + (1 - a) x / 256).

    What comes out of its inverse is a picture, whatever goes in; and black and white, whose noise is narrow, become
    as wide as the rest. a keeps the two ends of the scale finite (Dinh et al. 2016).
    """

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        p = MARGIN / 2 + (1 - MARGIN) / GREYS * x
        y = p.log() - (1 - p).log()
        log_slope = math.log((1 - MARGIN) / GREYS) - F.logsigmoid(y) - F.logsigmoid(-y)
        return y, log_slope.flatten(1).sum(1)

    def inverse(self, y: Tensor) -> Tensor:
        return (y.sigmoid() - MARGIN / 2) * (GREYS / (1 - MARGIN))


class Squeeze(FlowLayer):
    """Turns blocks of pixels into channels: (C, H, W) to (C * h * w, H / h, W / w), a volume change of 0.

    Blocks are 2 pixels high and wide; a side whose number of pixels is odd stays as it is.

    Arguments:
        shape: Image shape (C, H, W) before it.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.before = shape
        self.block = tuple(2 - side % 2 for side in shape[1:])

    @property
    def after(self) -> Shape:
        """The shape that it gives."""
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
    """Scales and shifts each channel; the first batch in training decides from where the two are learnt.

    After that batch each channel has mean 0 and standard deviation 1 on it. That it has been seen is a buffer, so
    that a loaded or resumed model does not begin anew.

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
        """Normalises each channel of a batch (B, C, H, W), of all processes together."""
        values = x.float().transpose(0, 1).flatten(1)  # all numbers of a channel
        mean = batch_mean(values, 1)
        std = batch_mean((values - mean[:, None]).square(), 1).sqrt()
        self.shift.copy_(-mean)
        self.log_scale.copy_(-std.clamp(min=LEAST_STD).log())
        self.initialised.fill_(True)


class InvertibleConv(FlowLayer):
    r"""A 1x1 convolution whose square matrix is kept as W = P L (U + diag(s)).

    log |det dy/dx| = H W sum log |s|

    P is a fixed permutation, L lower triangular with ones on its diagonal, U strictly upper triangular; it begins as
    a random rotation. The signs of s are fixed, and log |s| is learnt, so W can not lose its inverse.

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
        """The numbers s, shape (C,)."""
        return self.sign * self.log_scale.exp()

    def weight(self) -> Tensor:
        """W, shape (C, C)."""
        eye = torch.eye(len(self.sign), device=self.sign.device)
        upper = self.upper.triu(1) + self.diagonal.diag()
        return self.permutation @ (self.lower.tril(-1) + eye) @ upper

    def inverse_weight(self) -> Tensor:
        """W^-1, shape (C, C), from products alone."""
        lower = unit_triangular_inverse(self.lower.tril(-1))
        upper = unit_triangular_inverse((self.upper.triu(1) / self.diagonal[:, None]).T).T
        return (upper / self.diagonal) @ lower @ self.permutation.T

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        log_det = x.shape[2] * x.shape[3] * self.log_scale.sum()
        return mix(x, self.weight), log_det.expand(len(x))

    def inverse(self, y: Tensor) -> Tensor:
        return mix(y, self.inverse_weight)


def random_rotation(channels: int) -> dict[str, Tensor]:
    """The parts of a random rotation (C, C) by their names in `InvertibleConv`."""
    weight = torch.empty(channels, channels)
    if weight.is_meta:  # only shapes are asked for, and torch would import for seconds to calculate them
        whole = dict.fromkeys(("permutation", "lower", "upper"), weight)
        return whole | dict.fromkeys(("sign", "log_scale"), weight[0])
    permutation, lower, upper = torch.linalg.lu(torch.linalg.qr(torch.randn_like(weight))[0])
    s = upper.diagonal()
    return {
        "permutation": permutation, "lower": lower.tril(-1), "upper": upper.triu(1),
        "sign": s.sign(), "log_scale": s.abs().log(),
    }  # fmt: skip


def mix(x: Tensor, weight: Callable[[], Tensor]) -> Tensor:
    """Mixes the channels of images (B, C, H, W) by a matrix (C, C), in its full precision even under autocast."""
    with torch.autocast(x.device.type, enabled=False):
        return F.conv2d(x, weight()[:, :, None, None])


def unit_triangular_inverse(strict: Tensor) -> Tensor:
    r"""(I + N)^-1 of a strictly lower triangular matrix N (C, C), from products alone.

    A runtime that a decoder is exported to has those, but may have no triangular solver. Large matrices are inverted
    by blocks, [[A, 0], [B, D]]^-1 = [[A^-1, 0], [-D^-1 B A^-1, D^-1]]; in small ones N is nilpotent, so that
    (I + N)^-1 = (I - N)(I + N^2)(I + N^4) ends.
    """
    size = len(strict)
    if size <= BLOCK:
        eye = torch.eye(size, dtype=strict.dtype, device=strict.device)
        square = strict @ strict
        return (eye - strict) @ (eye + square) @ (eye + square @ square)
    half = size // 2
    first, last = unit_triangular_inverse(strict[:half, :half]), unit_triangular_inverse(strict[half:, half:])
    below = -last @ strict[half:, :half] @ first
    nothing = strict.new_zeros(half, size - half)
    return torch.cat([torch.cat([first, nothing], 1), torch.cat([below, last], 1)])
