r"""The VQ-VAE: an image is encoded as a grid of codebook entries, over which a prior can be learnt.

-log p(x) <= -log p(x | e(k)) - log p(k),   k = k(f(x))

f outputs a vector for each position of a grid, each vector is replaced by its nearest codebook entry
(`models/layers/quantiser.py`), and the decoder sees only these entries. The posterior is deterministic, so
KL(q(k|x) || p(k)) = -log p(k). Under a uniform prior, as in the paper, that is the constant log K per position.

The prior p(k) (`models/layers/autoregressive.py`) is learnt in further epochs with frozen codes (`prior_epochs`). With
`prior_epochs = 0` it is learnt at the same time, on codes that still change, which costs some bits. Its gradient never
reaches the encoder or the codebook, so the autoencoder is the same with and without a prior.

References:
    | Neural Discrete Representation Learning (van den Oord et al., 2017)
    | https://arxiv.org/abs/1711.00937
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Literal, cast

import torch
from torch import Tensor, nn

from models.base import Autoencoder, LatentSpec, Level, Loss, Posterior, Progress
from models.configuration import setting
from models.criterion import Criterion
from models.encoder_decoder import LikelihoodConfig
from models.family_description import FamilyDescription
from models.layers.autoregressive import Autoregressive
from models.layers.likelihoods import make_likelihood
from models.layers.networks import double, doubling, halve, halved
from models.layers.quantiser import UPDATES, Quantised, Quantiser, perplexity
from models.sharding import whole_batch

__all__ = ["VQVAE", "Quantise", "VQVAEConfig"]

Quantise = Callable[[Quantiser, Tensor], Quantised]


@dataclass(frozen=True)
class VQVAEConfig(LikelihoodConfig):
    """Configuration of a VQ-VAE."""

    latent: int = setting(16, "dimensions of a codebook vector", low=1, high=1024)
    codebook: int = setting(256, "K, codes in a codebook", low=2, high=65_536)
    halvings: int = setting(
        2, "how often the sides of the image are halved: 28x28 pixels give 7x7 codes after 2", low=1, high=4
    )
    width: int = setting(32, "channels of the first convolution", low=1, high=2048)
    depth: int = setting(1, "residual blocks per level", low=0, high=8)
    update: str = setting("ema", "how the codebook learns", choices=UPDATES)
    commitment: float = setting(
        0.25, "weight of the squared distance between the encoder's vectors and their codes", low=0, high=100
    )
    prior_width: int = setting(64, "channels of the prior", low=1, high=2048)
    prior_depth: int = setting(
        2, "blocks of gated convolutions and attention in the prior; 0 for no prior", low=0, high=32
    )

    @property
    def levels(self) -> tuple[Level, ...]:
        """The grids of vectors, coarsest first."""
        return (Level("codes", (self.latent, *self.grids()[-1])),)

    def grids(self) -> list[tuple[int, int]]:
        """Returns rows and columns of each level, from the image to the finest grid."""
        _, height, width = self.image_shape
        return halved((height, width), self.halvings)

    def channels(self) -> list[int]:
        """Returns the channels of each level, from the image to the finest grid."""
        return [self.image_shape[0], *doubling(self.width, self.halvings)]


class VQVAE(Autoencoder):
    """A vector-quantised autoencoder with a learnt prior over its codes.

    A latent (B, D) consists of the encoder's vectors, level by level; `decode` first replaces each by its nearest code.
    """

    Config: ClassVar[type[Any]] = VQVAEConfig
    description = FamilyDescription(
        title="VQ-VAE",
        idea="An image is encoded as a grid of codebook entries, over which a prior can be learnt.",
        year=2017,
        paper="Neural Discrete Representation Learning, van den Oord et al.",
        link="https://arxiv.org/abs/1711.00937",
    )

    def __init__(self, config: Any) -> None:
        super().__init__()
        channels, height, width = config.image_shape
        self.config = config
        self.image_shape = (channels, height, width)
        levels, prior = config.levels, config.prior_depth > 0
        size = sum(level.size for level in levels)
        likelihood: Literal["bound", "none"] = "bound" if prior else "none"
        self.spec = LatentSpec((size,), levels, discrete=True, prior=prior, likelihood=likelihood)
        self.part: Literal["all", "model", "prior"] = "all"  # which part is trained
        self.encoder, self.decoder = self.networks()
        self.likelihood = make_likelihood(config.likelihood, config.sigma)
        self.quantisers = nn.ModuleList(
            Quantiser(config.codebook, config.latent, config.update) for _ in levels
        )
        network = (config.prior_width, config.prior_depth)
        self.priors = nn.ModuleList(
            Autoregressive(config.codebook, level.shape[1:], *network, given=config.codebook if number else 0)
            for number, level in enumerate(levels if prior else ())
        )

    @classmethod
    def criterion(cls, config: Any) -> Criterion:
        terms = {
            "reconstruction": "−log p(x|k) of the image, given its codes",
            "commitment": "weighted squared distance between the encoder's vectors and their codes",
        }
        formula = rf"-\log p(x\,|\,e_k) + {config.commitment:g}\, \|f(x) - \mathrm{{sg}}\,e_k\|^2"
        objective = (
            "The model learns to reconstruct each image from the codes nearest to the encoder's vectors, while the vectors "
            "stay near their codes."
        )
        if config.update == "gradient":
            terms["codebook"] = "squared distance between the codes and the encoder's vectors"
            formula += r" + \|\mathrm{sg}\,f(x) - e_k\|^2"
        if config.prior_depth:
            terms["kl"] = "−log p of the codes under the prior; a constant while the prior is not trained"
            formula += r" - \log p(k)"
            objective += " A prior learns the distribution of the grids of codes, without changing the codes."
        return Criterion(formula, objective, terms)

    def networks(self) -> tuple[nn.Module, nn.Module]:
        """Builds the encoder, (B, C, H, W) to vectors (B, D, rows, columns), and the decoder, from vectors to outputs."""
        c = self.config
        grids, channels = c.grids(), c.channels()
        return (
            nn.Sequential(halve(grids, channels, c.depth), nn.Conv2d(channels[-1], c.latent, 1)),
            nn.Sequential(nn.Conv2d(c.latent, channels[-1], 3, padding=1), double(grids, channels, c.depth)),
        )

    def quantise(self, x: Tensor, by: Quantise) -> list[Quantised]:
        """Quantises images (B, C, H, W) to grids of codes, coarsest first.

        Arguments:
            x: Images in [0, 1].
            by: Function that quantises the vectors of a level.
        """
        return [by(self.quantiser(0), self.encoder(x).float())]

    def rebuild(self, vectors: list[Tensor]) -> Tensor:
        """Computes the decoder's output (B, C, H, W) from the codebook vectors (B, D, rows, columns) of each level."""
        output: Tensor = self.decoder(vectors[0])
        return output.float()

    def quantiser(self, level: int) -> Quantiser:
        """Returns the quantiser of a level; level 0 is the coarsest."""
        return cast(Quantiser, self.quantisers[level])

    def prior(self, level: int) -> Autoregressive:
        """Returns the prior of a level's codes given those of the coarser level."""
        return cast(Autoregressive, self.priors[level])

    def encode(self, x: Tensor) -> Posterior:
        """Encodes images (B, C, H, W) to vectors before quantisation, without a standard deviation."""
        return Posterior(concatenate([level.vectors for level in self.quantise(x, Quantiser.forward)]))

    def decode(self, z: Tensor) -> Tensor:
        """Decodes the codes nearest to latents (B, D) to pictures E[x|k], (B, C, H, W) in [0, 1]."""
        return self.likelihood.mean(self._output(z))

    def nll(self, z: Tensor, x: Tensor) -> Tensor:
        """Computes -log p(x|k) given the codes nearest to latents (B, D), in nats per image, shape (B,)."""
        return self.likelihood.nll(self._output(z), x)

    def codes(self, x: Tensor) -> list[Tensor]:
        """Returns the codes of images (B, C, H, W) in [0, 1]: int64 (B, rows, columns) per level, coarsest first."""
        return [level.codes for level in self.quantise(x, Quantiser.forward)]

    def embed(self, codes: list[Tensor]) -> Tensor:
        """Returns the latents (B, D) of codes, int64 (B, rows, columns) per level."""
        return concatenate([self.quantiser(level).embed(each) for level, each in enumerate(codes)])

    def nearest(self, z: Tensor) -> list[Tensor]:
        """Returns the codes nearest to latents (B, D): int64 (B, rows, columns) per level."""
        return [level.codes for level in self._quantise_latent(z)]

    def codebooks(self) -> list[Tensor]:
        """Returns the codebook (K, D) of each level, coarsest first."""
        return [self.quantiser(level).vectors for level in range(len(self.spec.levels))]

    def code_nll(self, codes: list[Tensor]) -> list[Tensor]:
        """Computes -log p of each level's codes given the coarser level, in nats: shape (B,) per level.

        Raises:
            ValueError: If the model has no prior.
        """
        self._check_prior()
        pairs = enumerate(zip(codes, [None, *codes[:-1]], strict=True))
        return [self.prior(level).nll(finer, coarser) for level, (finer, coarser) in pairs]

    def uniform_nll(self, codes: list[Tensor]) -> list[Tensor]:
        """Computes -log p of each level's codes under a uniform prior, in nats: shape (B,) per level."""
        nats = math.log(self.config.codebook)
        return [torch.full((len(each),), nats * each[0].numel(), device=each.device) for each in codes]

    def set_trainable(self, part: Literal["model", "prior"]) -> None:
        self._check_prior()
        self.part = part
        for name, parameter in self.named_parameters():
            parameter.requires_grad_(name.startswith("priors.") is (part == "prior"))

    def loss(self, x: Tensor, *, generator: torch.Generator | None = None, warmup: float = 1.0) -> Loss:
        """Sums reconstruction, weighted commitment, -log p of the codes (`kl`) and the codebook loss, if there is one.

        While only the model is trained, `kl` is the constant of a uniform prior. `warmup` has no effect, because
        vectors must stay near their codes from the first step on.
        """
        x = self.likelihood.prepare(x, generator)
        updating = self.training and self.part != "prior"
        learn = partial(Quantiser.learn, generator=generator) if updating else Quantiser.forward
        levels = self.quantise(x, learn)
        output = self.rebuild([level.straight_through for level in levels])
        terms = {
            "reconstruction": self.likelihood.nll(output, x).mean(),
            "commitment": self.config.commitment * mean_total([level.commitment() for level in levels]),
        }
        if self.config.update == "gradient":
            terms["codebook"] = mean_total([level.codebook() for level in levels])
        if self.spec.prior:
            codes = [level.codes for level in levels]
            terms["kl"] = mean_total(
                self.uniform_nll(codes) if self.part == "model" else self.code_nll(codes)
            )
        return Loss(torch.stack(list(terms.values())).sum(), terms, self._usage(levels, generator))

    def sample_codes(
        self,
        count: int,
        generator: torch.Generator | None = None,
        *,
        temperature: float = 1.0,
        progress: Progress | None = None,
        above: list[Tensor] | None = None,
    ) -> list[Tensor]:
        """See `DiscreteLatent.sample_codes`."""
        self._check_prior()
        codes = list(above or [])
        sizes = [math.prod(level.shape[1:]) for level in self.spec.levels]
        first = len(codes)
        for level in range(first, len(sizes)):
            coarser = codes[-1] if codes else None
            report: Progress | None = None
            if progress:
                report = partial(add_progress, progress, sum(sizes[first:level]), sum(sizes[first:]))
            codes.append(
                self.prior(level).sample(
                    count, coarser, generator=generator, temperature=temperature, progress=report
                )
            )
        return codes

    def sample(
        self,
        count: int,
        generator: torch.Generator | None = None,
        temperature: float = 1.0,
        *,
        progress: Progress | None = None,
    ) -> Tensor:
        codes = self.sample_codes(count, generator, temperature=temperature, progress=progress)
        return self.decode(self.embed(codes))

    def _output(self, z: Tensor) -> Tensor:
        """Computes the decoder's output for the codes nearest to latents (B, D)."""
        return self.rebuild([level.nearest for level in self._quantise_latent(z)])

    def _quantise_latent(self, z: Tensor) -> list[Quantised]:
        """Quantises latents (B, D) to grids of codes, coarsest first."""
        shapes = [level.shape for level in self.spec.levels]
        vectors = torch.split(z, [math.prod(shape) for shape in shapes], 1)
        grids = [each.reshape(-1, *shape) for each, shape in zip(vectors, shapes, strict=True)]
        return [self.quantiser(level)(grid) for level, grid in enumerate(grids)]

    def _usage(self, levels: list[Quantised], generator: torch.Generator | None) -> dict[str, Tensor]:
        """Computes the perplexity of the batch's codes and the share of codes that occur, for each level."""
        metrics: dict[str, Tensor] = {}
        for level, quantised in zip(self.spec.levels, levels, strict=True):
            suffix = f" {level.name}" if len(levels) > 1 else ""
            value, share = perplexity(whole_batch(quantised.codes, generator), self.config.codebook)
            metrics |= {f"perplexity{suffix}": value, f"codes used{suffix}": share}
        return metrics

    def _check_prior(self) -> None:
        if not self.spec.prior:
            raise ValueError(
                f"{type(self).__name__} has no prior to sample from (`spec.prior` is False). "
                f"Train it with a `prior_depth` of at least 1."
            )


def concatenate(grids: list[Tensor]) -> Tensor:
    """Flattens and concatenates the vectors (B, D, rows, columns) of all levels: (B, total size)."""
    return torch.cat([grid.flatten(1) for grid in grids], 1)


def mean_total(levels: list[Tensor]) -> Tensor:
    """Sums the levels, each (B,), and averages over the batch: a scalar."""
    return torch.stack(levels).sum(0).mean()


def add_progress(progress: Progress, before: int, total: int, done: int, _: int) -> None:
    """Reports the progress of one level as progress over all levels."""
    progress(before + done, total)
