r"""Vector quantisation: each vector of a grid is replaced by the nearest of K codebook vectors.

k(z) = argmin_k ||z - e_k||^2,   e = e_k(z),   straight through: de/dz := 1

Codebook vectors follow the vectors assigned to them, either as a running mean (EMA), without a gradient:

N_k <- g N_k + (1 - g) n_k,   e_k <- (g N_k e_k + (1 - g) sum of the n_k vectors) / N_k,   g = 0.99

or by the gradient of ||sg[z] - e||^2. In both cases the commitment ||z - sg[e]||^2 keeps the vectors near their codes.
The codebook is initialised by k-means on the first batch, and a rarely used code is reset to a vector of the
batch.

References:
    | Neural Discrete Representation Learning (van den Oord et al., 2017)
    | https://arxiv.org/abs/1711.00937
    | Generating Diverse High-Fidelity Images with VQ-VAE-2 (Razavi et al., 2019), for the running mean
    | https://arxiv.org/abs/1906.00446
    | Jukebox: A Generative Model for Music (Dhariwal et al., 2020), for the reset of unused codes
    | https://arxiv.org/abs/2005.00341
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.sharding import whole_batch

__all__ = ["UPDATES", "Quantised", "Quantiser", "k_means", "perplexity"]

UPDATES = ("ema", "gradient")
DECAY = 0.99  # g
DEAD = 0.02  # a code used less than this share of uniform use is reset
FRESH = 0.05  # initial use of a reset code, as a share of uniform use: lasts about 90 steps
ROUNDS = 10  # iterations of k-means


@dataclass(frozen=True)
class Quantised:
    """A batch of grids before and after quantisation."""

    vectors: Tensor  # (B, D, rows, columns), the encoder's output
    codes: Tensor  # (B, rows, columns), int64
    nearest: Tensor  # (B, D, rows, columns), the codebook vectors

    @property
    def straight_through(self) -> Tensor:
        """The codebook vectors, whose gradient flows to the encoder's vectors."""
        return self.vectors + (self.nearest - self.vectors).detach()

    def commitment(self) -> Tensor:
        """Computes ||z - sg[e]||^2, summed over the grid: shape (B,)."""
        return (self.vectors - self.nearest.detach()).square().flatten(1).sum(1)

    def codebook(self) -> Tensor:
        """Computes ||sg[z] - e||^2, summed over the grid: shape (B,)."""
        return (self.vectors.detach() - self.nearest).square().flatten(1).sum(1)


class Quantiser(nn.Module):
    """A codebook that quantises vectors.

    Arguments:
        count: K, the number of codes.
        size: D, the size of a codebook vector.
        update: How the codebook learns, one of `UPDATES`.
    """

    def __init__(self, count: int, size: int, update: str = "ema") -> None:
        super().__init__()
        self.count, self.update = count, update
        vectors = torch.randn(count, size)
        if update == "gradient":
            self.vectors = nn.Parameter(vectors)
        else:
            self.register_buffer("vectors", vectors)
        self.register_buffer("uses", torch.zeros(count))  # N, a running mean over batches
        self.register_buffer("seen", torch.tensor(False))
        self.uses: Tensor
        self.seen: Tensor

    def forward(self, z: Tensor) -> Quantised:
        """Finds the nearest codes of vectors (B, D, rows, columns), without an update."""
        codes = nearest(z.permute(0, 2, 3, 1), self.vectors)
        return Quantised(z, codes, self.embed(codes))

    def embed(self, codes: Tensor) -> Tensor:
        """Returns the vectors (B, D, rows, columns) of codes (B, rows, columns)."""
        return F.embedding(codes, self.vectors).permute(0, 3, 1, 2)

    def learn(self, z: Tensor, generator: torch.Generator | None = None) -> Quantised:
        """Quantises as `forward` does, and updates the codebook from the whole batch, over all processes.

        Arguments:
            z: Vectors (B, D, rows, columns).
            generator: Source of the initial codebook and of the vectors of reset codes.
        """
        batch = whole_batch(z.detach(), generator).permute(0, 2, 3, 1).flatten(0, 2)
        if not self.seen:
            self._set_vectors(
                torch.arange(self.count, device=z.device), k_means(batch, self.count, generator)
            )
            self.seen.fill_(True)
            self.uses.fill_(FRESH * len(batch) / self.count)
        quantised: Quantised = self(z)
        self._update(batch, generator)
        return quantised

    @torch.no_grad()
    def _update(self, batch: Tensor, generator: torch.Generator | None) -> None:
        """Updates the running means from vectors (N, D) and resets unused codes."""
        sums, counts = clusters(batch, nearest(batch, self.vectors), self.count)
        decayed = DECAY * self.uses
        self.uses.copy_(decayed + (1 - DECAY) * counts)
        if self.update == "ema":
            total = decayed[:, None] * self.vectors + (1 - DECAY) * sums
            self.vectors.copy_(total / self.uses[:, None])
        uniform = len(batch) / self.count
        drawn = torch.randint(len(batch), (self.count,), generator=generator, device=batch.device)
        dead = (self.uses < DEAD * uniform).nonzero().flatten()
        self._set_vectors(dead, batch[drawn[dead]])
        self.uses[dead] = FRESH * uniform

    @torch.no_grad()
    def _set_vectors(self, codes: Tensor, vectors: Tensor) -> None:
        """Replaces the vectors of the given codes."""
        self.vectors[codes] = vectors


@torch.no_grad()
def nearest(z: Tensor, vectors: Tensor) -> Tensor:
    """Finds the codes (*) nearest to vectors (*, D), in float32 even under autocast; the first one if several are."""
    middle = vectors.mean(0)  # centring reduces rounding errors
    z, vectors = z - middle, vectors - middle
    with torch.autocast(z.device.type, enabled=False):
        return (vectors.square().sum(1) - 2 * z @ vectors.T).argmin(-1)


def clusters(vectors: Tensor, codes: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Computes the sum (K, D) and the number (K,) of the vectors (N, D) of each code."""
    sums = vectors.new_zeros(count, vectors.shape[1]).index_add_(0, codes, vectors)
    return sums, torch.bincount(codes, minlength=count).to(vectors)


@torch.no_grad()
def k_means(vectors: Tensor, count: int, generator: torch.Generator | None = None) -> Tensor:
    """Computes centres (K, D) of vectors (N, D) by Lloyd's algorithm, initialised with K of the vectors.

    If there are fewer vectors than centres, some are repeated; the centre of an empty cluster is not changed.

    References:
        | Least Squares Quantization in PCM (Lloyd, 1982)
        | https://doi.org/10.1109/TIT.1982.1056489
    """
    order = torch.randperm(len(vectors), generator=generator, device=vectors.device)
    centres = vectors[order[torch.arange(count, device=vectors.device) % len(vectors)]]
    for _ in range(ROUNDS):
        sums, counts = clusters(vectors, nearest(vectors, centres), count)
        centres = torch.where(counts[:, None] > 0, sums / counts[:, None].clamp(min=1), centres)
    return centres


def perplexity(codes: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Computes the perplexity of codes (*), between 1 and K, and the share of codes that occur: two scalars."""
    p = torch.bincount(codes.flatten(), minlength=count) / codes.numel()
    return torch.special.entr(p).sum().exp(), (p > 0).float().mean()
