r"""A distribution of grids of codes, each place drawn after those before it, row by row.

log p(c) = sum_i log p(c_i | c_1 ... c_(i-1), condition)

Gated convolutions look at what stands above and to the left (van den Oord et al. 2016), attention at all places before
(Chen et al. 2017). The codes enter one place late, so that no layer has to leave out its own place; a convolution's
window ends at its own place, its weights beyond are held at 0.

To draw place i the layers need what they gave for the places before: `Past` keeps it, so that a place costs one place
and not the whole grid.

References:
    | PixelSNAIL: An Improved Autoregressive Generative Model (Chen et al., 2017)
    | https://arxiv.org/abs/1712.09763
    | Conditional Image Generation with PixelCNN Decoders (van den Oord et al., 2016), for the gates
    | https://arxiv.org/abs/1606.05328
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.base import Progress
from models.layers.networks import Residual

__all__ = ["Autoregressive"]

ROWS, COLUMNS = 2, 3  # of a convolution's window
HEADS = (4, 2, 1)  # of the attention: the most that divide the channels
CONVOLUTIONS = 2  # a block, before its attention


class Past:
    """What the layers keep of the places already drawn."""

    def __init__(self) -> None:
        self.row = self.column = 0
        self.memory: dict[nn.Module, Tensor] = {}


class CausalConv(nn.Conv2d):
    """A convolution that sees its own place, those to the left, and the rows above."""

    def __init__(self, before: int, after: int, grid: tuple[int, int]) -> None:
        super().__init__(before, after, (ROWS, COLUMNS))
        self.grid = grid

    def forward(self, x: Tensor, past: Past | None = None) -> Tensor:
        """Grids (B, before, rows, columns) to (B, after, rows, columns); with a past, of its place alone."""
        seen, side = COLUMNS // 2 + 1, COLUMNS // 2
        weight = self.weight.clone()
        weight[:, :, -1, seen:] = 0
        if past is None:
            return F.conv2d(F.pad(x, (side, side, ROWS - 1, 0)), weight, self.bias)
        rows, columns = self.grid
        if self not in past.memory:
            past.memory[self] = x.new_zeros(*x.shape[:2], rows + ROWS - 1, columns + 2 * side)
        padded = past.memory[self]
        padded[:, :, past.row + ROWS - 1, past.column + side] = x[:, :, 0, 0]
        window = padded[:, :, past.row : past.row + ROWS, past.column : past.column + COLUMNS]
        return F.conv2d(window, weight, self.bias)


class PlaceNorm(nn.Module):
    """Brings the channels of each place to a mean square of 1, times a gain; places stay apart."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gain * (x.float().square().mean(1, keepdim=True) + 1e-6).rsqrt().to(x)


class Gated(nn.Module):
    """x + W (tanh(a) * sigmoid(b)), a and b from a causal convolution."""

    def __init__(self, channels: int, grid: tuple[int, int]) -> None:
        super().__init__()
        self.norm = PlaceNorm(channels)
        self.both = CausalConv(channels, 2 * channels, grid)
        self.out = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor, past: Past | None = None) -> Tensor:
        a, b = self.both(self.norm(x), past).chunk(2, 1)
        y: Tensor = x + self.out(a.tanh() * b.sigmoid())
        return y


class Attention(nn.Module):
    """x + what a place finds at the places before it and at its own, by several heads."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.heads = next(heads for heads in HEADS if channels % heads == 0)
        self.norm = PlaceNorm(channels)
        self.three = nn.Conv2d(channels, 3 * channels, 1, bias=False)  # the keys' would change nothing
        self.out = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor, past: Past | None = None) -> Tensor:
        three = (
            self.three(self.norm(x)).flatten(2).unflatten(1, (3, self.heads, -1))
        )  # (B, 3, heads, size, N)
        query, keys = three[:, 0].mT, three[:, 1:]
        if past is not None:
            if self in past.memory:
                keys = torch.cat([past.memory[self], keys], -1)
            past.memory[self] = keys
        key, value = keys.mT.unbind(1)
        found = F.scaled_dot_product_attention(query, key, value, is_causal=past is None)
        y: Tensor = x + self.out(found.mT.reshape(x.shape))
        return y


class Autoregressive(nn.Module):
    """p(codes), or p(codes | codes of a coarser grid).

    Arguments:
        count: K, values of a code.
        grid: Rows and columns.
        width: Channels.
        depth: Blocks of gated convolutions and attention.
        given: Values of a code of the coarser grid that it is conditioned on; 0 for none.
    """

    def __init__(self, count: int, grid: tuple[int, int], width: int, depth: int, given: int = 0) -> None:
        super().__init__()
        self.grid, self.places = grid, math.prod(grid)
        self.codes = nn.Embedding(count, width)
        self.rows = nn.Parameter(0.1 * torch.randn(width, grid[0], 1))
        self.columns = nn.Parameter(0.1 * torch.randn(width, 1, grid[1]))
        self.given = nn.Embedding(given, width) if given else None
        self.around = Residual(width) if given else None
        self.blocks = nn.ModuleList()
        for _ in range(depth):
            self.blocks += [*(Gated(width, grid) for _ in range(CONVOLUTIONS)), Attention(width)]
        self.out = nn.Sequential(PlaceNorm(width), nn.Conv2d(width, count, 1))

    def forward(self, codes: Tensor, given: Tensor | None = None) -> Tensor:
        """The logits of every place.

        Arguments:
            codes: int64 (B, rows, columns).
            given: Codes of the coarser grid, int64 (B, fewer rows, fewer columns), where it is conditioned.

        Returns:
            Shape (B, K, rows, columns); those of a place do not depend on the codes there and behind.
        """
        late = F.pad(self.codes(codes.flatten(1)), (0, 0, 1, -1))
        return self._logits(late.mT.reshape(len(codes), -1, *self.grid) + self._background(given))

    def nll(self, codes: Tensor, given: Tensor | None = None) -> Tensor:
        """-log p(codes | given) in nats, shape (B,); arguments as of `forward`."""
        return F.cross_entropy(self(codes, given), codes, reduction="none").flatten(1).sum(1)

    @torch.no_grad()
    def sample(
        self,
        count: int,
        given: Tensor | None = None,
        *,
        generator: torch.Generator | None = None,
        temperature: float = 1.0,
        progress: Progress | None = None,
        keep: bool = True,
    ) -> Tensor:
        """Draws grids of codes.

        Arguments:
            count: B, how many.
            given: Codes of the coarser grid, int64 (B, fewer rows, fewer columns), where it is conditioned.
            generator: Source of the draws; torch's own where None.
            temperature: What the logits are divided by; 0 takes the likeliest code of each place.
            progress: Called after each place.
            keep: Keep what the layers gave for the places before, instead of working them out again.

        Returns:
            int64 (B, rows, columns).

        Raises:
            ValueError: If `temperature` is negative or not finite.
        """
        if not 0 <= temperature < math.inf:
            raise ValueError(f"`temperature` must be a finite number of at least 0. Got {temperature}.")
        background = self._background(given).expand(count, -1, -1, -1)
        codes = torch.zeros(count, *self.grid, dtype=torch.long, device=background.device)
        past, before = Past(), torch.zeros_like(background[:, :, :1, :1])
        for place in range(self.places):
            row, column = past.row, past.column = divmod(place, self.grid[1])
            if keep:
                here = background[:, :, row : row + 1, column : column + 1]
                logits = self._logits(before + here, past)[:, :, 0, 0]
            else:
                logits = self(codes, given)[:, :, row, column]
            codes[:, row, column] = drawn = draw_code(logits, temperature, generator)
            before = self.codes(drawn)[:, :, None, None]
            if progress:
                progress(place + 1, self.places)
        return codes

    def _background(self, given: Tensor | None) -> Tensor:
        """What every place knows from the start: where it is, and what it is conditioned on; (B or 1, width, *grid)."""
        place = (self.rows + self.columns)[None]
        if self.given is None or self.around is None:
            return place
        if given is None:
            raise ValueError("`given` must be the codes of the coarser grid. Got None.")
        seen = self.around(self.given(given).movedim(-1, 1))
        return place + F.interpolate(seen, self.grid)

    def _logits(self, x: Tensor, past: Past | None = None) -> Tensor:
        for block in self.blocks:
            x = block(x, past)
        logits: Tensor = self.out(x)
        return logits.float()


def draw_code(logits: Tensor, temperature: float, generator: torch.Generator | None) -> Tensor:
    """A code (B,) of each row of logits (B, K)."""
    if temperature == 0:
        return logits.argmax(1)
    return torch.multinomial((logits / temperature).softmax(1), 1, generator=generator).squeeze(1)
