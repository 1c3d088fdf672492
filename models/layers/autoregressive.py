r"""An autoregressive distribution of grids of codes, row by row.

log p(c) = sum_i log p(c_i | c_1 ... c_(i-1), condition)

Gated convolutions see the positions above and to the left (van den Oord et al. 2016), attention sees all earlier
positions (Chen et al. 2017). The input is shifted by one position, so that layers may include the position itself; the
weights of a convolution beyond that position are masked to 0.

To draw position i, the layers need their activations at the earlier positions. `Cache` stores them, so that each code
costs one position instead of the whole grid.

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

ROWS, COLUMNS = 2, 3  # size of a convolution's window
HEADS = (4, 2, 1)  # heads of the attention: the largest number that divides the channels
CONVOLUTIONS = 2  # convolutions per block, before its attention


class Cache:
    """Activations of the layers at the positions that are already drawn."""

    def __init__(self) -> None:
        self.row = self.column = 0
        self.activations: dict[nn.Module, Tensor] = {}


class CausalConv(nn.Conv2d):
    """A convolution that sees its own position, those to the left, and the rows above."""

    def __init__(self, before: int, after: int, grid: tuple[int, int]) -> None:
        super().__init__(before, after, (ROWS, COLUMNS))
        self.grid = grid

    def forward(self, x: Tensor, cache: Cache | None = None) -> Tensor:
        """Maps grids (B, before, rows, columns) to (B, after, rows, columns); with a cache, one position only."""
        visible, side = COLUMNS // 2 + 1, COLUMNS // 2
        weight = self.weight.clone()
        weight[:, :, -1, visible:] = 0
        if cache is None:
            return F.conv2d(F.pad(x, (side, side, ROWS - 1, 0)), weight, self.bias)
        rows, columns = self.grid
        if self not in cache.activations:
            cache.activations[self] = x.new_zeros(*x.shape[:2], rows + ROWS - 1, columns + 2 * side)
        padded = cache.activations[self]
        padded[:, :, cache.row + ROWS - 1, cache.column + side] = x[:, :, 0, 0]
        window = padded[:, :, cache.row : cache.row + ROWS, cache.column : cache.column + COLUMNS]
        return F.conv2d(window, weight, self.bias)


class PositionNorm(nn.Module):
    """Scales the channels of each position to a mean square of 1, times a gain (RMSNorm)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gain * (x.float().square().mean(1, keepdim=True) + 1e-6).rsqrt().to(x)


class Gated(nn.Module):
    """A gated block, x + W (tanh(a) * sigmoid(b)), where a causal convolution gives a and b."""

    def __init__(self, channels: int, grid: tuple[int, int]) -> None:
        super().__init__()
        self.norm = PositionNorm(channels)
        self.both = CausalConv(channels, 2 * channels, grid)
        self.out = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor, cache: Cache | None = None) -> Tensor:
        a, b = self.both(self.norm(x), cache).chunk(2, 1)
        return torch.add(x, self.out(a.tanh() * b.sigmoid()))


class Attention(nn.Module):
    """Multi-head attention of each position to the earlier ones and to itself, with a residual connection."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.heads = next(heads for heads in HEADS if channels % heads == 0)
        self.norm = PositionNorm(channels)
        self.three = nn.Conv2d(channels, 3 * channels, 1, bias=False)  # a bias of the keys has no effect
        self.out = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor, cache: Cache | None = None) -> Tensor:
        stacked = self.three(self.norm(x)).flatten(2)
        stacked = stacked.unflatten(1, (3, self.heads, -1))  # (B, 3, heads, size, N)
        query, keys = stacked[:, 0].mT, stacked[:, 1:]  # keys and values
        if cache is not None:
            if self in cache.activations:
                keys = torch.cat([cache.activations[self], keys], -1)
            cache.activations[self] = keys
        key, value = keys.mT.unbind(1)
        attended = F.scaled_dot_product_attention(query, key, value, is_causal=cache is None)
        return torch.add(x, self.out(attended.mT.reshape(x.shape)))


class Autoregressive(nn.Module):
    """p(codes), or p(codes | codes of a coarser grid).

    Arguments:
        count: K, number of codes.
        grid: Rows and columns of the grid.
        width: Channels.
        depth: Blocks of gated convolutions and attention.
        given: Number of codes of the coarser grid that it is conditioned on; 0 for none.
    """

    def __init__(self, count: int, grid: tuple[int, int], width: int, depth: int, given: int = 0) -> None:
        super().__init__()
        self.grid, self.positions = grid, math.prod(grid)
        self.codes = nn.Embedding(count, width)
        self.rows = nn.Parameter(0.1 * torch.randn(width, grid[0], 1))
        self.columns = nn.Parameter(0.1 * torch.randn(width, 1, grid[1]))
        self.given = nn.Embedding(given, width) if given else None
        self.around = Residual(width) if given else None
        self.blocks = nn.ModuleList()
        for _ in range(depth):
            self.blocks += [*(Gated(width, grid) for _ in range(CONVOLUTIONS)), Attention(width)]
        self.out = nn.Sequential(PositionNorm(width), nn.Conv2d(width, count, 1))

    def forward(self, codes: Tensor, given: Tensor | None = None) -> Tensor:
        """Computes the logits of every position.

        Arguments:
            codes: int64 (B, rows, columns).
            given: Codes of the coarser grid, int64 (B, fewer rows, fewer columns), where it is conditioned.

        Returns:
            Shape (B, K, rows, columns); the logits of a position depend only on the codes at earlier positions.
        """
        shifted = F.pad(self.codes(codes.flatten(1)), (0, 0, 1, -1))
        return self._logits(shifted.mT.reshape(len(codes), -1, *self.grid) + self._background(given))

    def nll(self, codes: Tensor, given: Tensor | None = None) -> Tensor:
        """Computes -log p(codes | given) in nats, shape (B,); the arguments are those of `forward`."""
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
        cached: bool = True,
    ) -> Tensor:
        """Draws grids of codes.

        Arguments:
            count: B, number of grids.
            given: Codes of the coarser grid, int64 (B, fewer rows, fewer columns), where it is conditioned.
            generator: Source of the draws; torch's default generator if None.
            temperature: Divides the logits; 0 takes the likeliest code at each position.
            progress: Called after each code.
            cached: Store the activations at earlier positions instead of computing them again.

        Returns:
            int64 (B, rows, columns).

        Raises:
            ValueError: If `temperature` is negative or not finite.
        """
        if not 0 <= temperature < math.inf:
            raise ValueError(f"`temperature` must be a finite number of at least 0. Got {temperature}.")
        background = self._background(given).expand(count, -1, -1, -1)
        codes = torch.zeros(count, *self.grid, dtype=torch.long, device=background.device)
        cache, previous = Cache(), torch.zeros_like(background[:, :, :1, :1])
        for position in range(self.positions):
            row, column = cache.row, cache.column = divmod(position, self.grid[1])
            if cached:
                here = background[:, :, row : row + 1, column : column + 1]
                logits = self._logits(previous + here, cache)[:, :, 0, 0]
            else:
                logits = self(codes, given)[:, :, row, column]
            codes[:, row, column] = drawn = draw_code(logits, temperature, generator)
            previous = self.codes(drawn)[:, :, None, None]
            if progress:
                progress(position + 1, self.positions)
        return codes

    def _background(self, given: Tensor | None) -> Tensor:
        """Computes position embedding plus condition, the input that does not depend on codes: (B or 1, width, *grid)."""
        positions = (self.rows + self.columns)[None]
        if self.given is None or self.around is None:
            return positions
        if given is None:
            raise ValueError("`given` must be the codes of the coarser grid. Got None.")
        condition = self.around(self.given(given).movedim(-1, 1))
        return positions + F.interpolate(condition, self.grid)

    def _logits(self, x: Tensor, cache: Cache | None = None) -> Tensor:
        for block in self.blocks:
            x = block(x, cache)
        logits: Tensor = self.out(x)
        return logits.float()


def draw_code(logits: Tensor, temperature: float, generator: torch.Generator | None) -> Tensor:
    """Draws a code (B,) from each row of logits (B, K)."""
    if temperature == 0:
        return logits.argmax(1)
    return torch.multinomial((logits / temperature).softmax(1), 1, generator=generator).squeeze(1)
