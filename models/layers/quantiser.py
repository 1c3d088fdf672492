r"""Vector quantisation: each vector of a grid becomes the nearest of K codes.

k(z) = argmin_k ||z - e_k||^2,   e = e_k(z),   straight through: de/dz := 1

The codes follow the vectors that chose them, in one of two ways. As a running mean (EMA), which needs no gradient:

N_k <- g N_k + (1 - g) n_k,   e_k <- (g N_k e_k + (1 - g) sum of the n_k vectors) / N_k,   g = 0.99

or by the gradient of ||sg[z] - e||^2. In either way ||z - sg[e]||^2, the commitment, keeps the vectors near their codes.
The first batch's k-means clusters are the first codes, and a code that hardly any vector chooses is put onto a vector
of the batch.

References:
    | Neural Discrete Representation Learning (van den Oord et al., 2017)
    | https://arxiv.org/abs/1711.00937
    | Generating Diverse High-Fidelity Images with VQ-VAE-2 (Razavi et al., 2019), for the running mean
    | https://arxiv.org/abs/1906.00446
    | Jukebox: A Generative Model for Music (Dhariwal et al., 2020), for the replacement of codes
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
DEAD = 0.02  # a code chosen less often than this share of an even use is replaced
FRESH = 0.05  # the use that a new code is credited with, a share of an even use: time for about 90 steps
ROUNDS = 10  # of k-means


@dataclass(frozen=True)
class Quantised:
    """A batch of grids before and after."""

    vectors: Tensor  # (B, D, rows, columns), of the encoder
    codes: Tensor  # (B, rows, columns), int64
    nearest: Tensor  # (B, D, rows, columns), the codes' own vectors

    @property
    def passed(self) -> Tensor:
        """The codes' vectors, whose gradient goes straight through to the encoder's."""
        return self.vectors + (self.nearest - self.vectors).detach()

    def commitment(self) -> Tensor:
        """||z - sg[e]||^2, summed over the grid: shape (B,)."""
        return (self.vectors - self.nearest.detach()).square().flatten(1).sum(1)

    def codebook(self) -> Tensor:
        """||sg[z] - e||^2, summed over the grid: shape (B,)."""
        return (self.vectors.detach() - self.nearest).square().flatten(1).sum(1)


class Quantiser(nn.Module):
    """A codebook.

    Arguments:
        count: K, its codes.
        size: D, the numbers of a code's vector.
        update: How codes learn, one of `UPDATES`.
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
        """The nearest codes of vectors (B, D, rows, columns); nothing is learnt."""
        codes = nearest(z.permute(0, 2, 3, 1), self.vectors)
        return Quantised(z, codes, self.embed(codes))

    def embed(self, codes: Tensor) -> Tensor:
        """The vectors (B, D, rows, columns) of codes (B, rows, columns)."""
        return F.embedding(codes, self.vectors).permute(0, 3, 1, 2)

    def learn(self, z: Tensor, generator: torch.Generator | None = None) -> Quantised:
        """What `forward` gives; then the codes follow the vectors of the whole batch, of all processes.

        Arguments:
            z: Vectors (B, D, rows, columns).
            generator: Chooses the first codes, and those that take the place of dead ones.
        """
        places = whole_batch(z.detach(), generator).permute(0, 2, 3, 1).flatten(0, 2)
        if not self.seen:
            self._put(torch.arange(self.count, device=z.device), k_means(places, self.count, generator))
            self.seen.fill_(True)
            self.uses.fill_(FRESH * len(places) / self.count)
        found: Quantised = self(z)
        self._follow(places, generator)
        return found

    @torch.no_grad()
    def _follow(self, places: Tensor, generator: torch.Generator | None) -> None:
        """One step of the running means, and new places for dead codes; vectors (N, D)."""
        sums, counts = clusters(places, nearest(places, self.vectors), self.count)
        kept = DECAY * self.uses
        self.uses.copy_(kept + (1 - DECAY) * counts)
        if self.update == "ema":
            moved = kept[:, None] * self.vectors + (1 - DECAY) * sums
            self.vectors.copy_(moved / self.uses[:, None])
        even = len(places) / self.count
        drawn = torch.randint(len(places), (self.count,), generator=generator, device=places.device)
        dead = (self.uses < DEAD * even).nonzero().flatten()
        self._put(dead, places[drawn[dead]])
        self.uses[dead] = FRESH * even

    @torch.no_grad()
    def _put(self, codes: Tensor, vectors: Tensor) -> None:
        """Gives some codes new vectors."""
        self.vectors[codes] = vectors


@torch.no_grad()
def nearest(z: Tensor, vectors: Tensor) -> Tensor:
    """The codes (*) nearest to vectors (*, D), in float32 whatever the precision around it; the first of equals."""
    middle = vectors.mean(0)  # less is lost to rounding around it
    z, vectors = z - middle, vectors - middle
    with torch.autocast(z.device.type, enabled=False):
        return (vectors.square().sum(1) - 2 * z @ vectors.T).argmin(-1)


def clusters(places: Tensor, codes: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Sum (K, D) and number (K,) of the vectors (N, D) of each code."""
    sums = places.new_zeros(count, places.shape[1]).index_add_(0, codes, places)
    return sums, torch.bincount(codes, minlength=count).to(places)


@torch.no_grad()
def k_means(places: Tensor, count: int, generator: torch.Generator | None = None) -> Tensor:
    """The centres (K, D) of vectors (N, D) after a few rounds of Lloyd's algorithm, begun at K of the vectors.

    With fewer vectors than centres some are drawn again; the centre of an empty cluster stays where it is.

    References:
        | Least Squares Quantization in PCM (Lloyd, 1982)
        | https://doi.org/10.1109/TIT.1982.1056489
    """
    order = torch.randperm(len(places), generator=generator, device=places.device)
    centres = places[order[torch.arange(count, device=places.device) % len(places)]]
    for _ in range(ROUNDS):
        sums, counts = clusters(places, nearest(places, centres), count)
        centres = torch.where(counts[:, None] > 0, sums / counts[:, None].clamp(min=1), centres)
    return centres


def perplexity(codes: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The exponential of the entropy of codes (*), between 1 and K, and the share of codes that occur: two scalars."""
    p = torch.bincount(codes.flatten(), minlength=count) / codes.numel()
    return torch.special.entr(p).sum().exp(), (p > 0).float().mean()
