r"""The VQ-VAE: an image is encoded as a grid of codebook entries; a prior over such grids can be learnt as well.

-log p(x) <= -log p(x | e(k)) - log p(k),   k = k(f(x))

f gives a vector for each position of a grid, each vector is replaced by its nearest codebook entry
(`models/layers/quantiser.py`), and the decoder sees only these entries. The posterior is deterministic, so
KL(q(k|x) || p(k)) = -log p(k). Under a uniform prior, as in the paper, that is the constant log K per position.

The prior p(k) (`models/layers/autoregressive.py`) is learnt in further epochs with frozen codes (`prior_epochs`). With
`prior_epochs = 0` it is learnt in the same steps, on codes that still change, which costs some bits. Its gradient never
reaches the encoder or the codebook: the autoencoder is the same with and without it.

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

from models.about import About
from models.base import Autoencoder, LatentSpec, Level, Loss, Posterior, Progress
from models.configuration import setting
from models.criterion import Criterion
from models.encoder_decoder import LikelihoodConfig
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
        2, "how often the image's sides are halved: 28x28 pixels have 7x7 codes after 2", low=1, high=4
    )
    width: int = setting(32, "channels of the first convolution", low=1, high=2048)
    depth: int = setting(1, "residual blocks per level", low=0, high=8)
    update: str = setting("ema", "how the codebook learns", choices=UPDATES)
    commitment: float = setting(
        0.25, "weight of the squared distance of the encoder's vectors from their codes", low=0, high=100
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
        """Rows and columns from the image to the finest grid."""
        _, height, width = self.image_shape
        return halved((height, width), self.halvings)

    def channels(self) -> list[int]:
        """Channels from the image to the finest grid."""
        return [self.image_shape[0], *doubling(self.width, self.halvings)]


class VQVAE(Autoencoder):
    """A vector-quantised autoencoder with a learnt prior over its codes.

    A latent (B, D) holds the encoder's vectors, level by level; `decode` first replaces each by its nearest code.
    """

    Config: ClassVar[type[Any]] = VQVAEConfig
    about = About(
        title="VQ-VAE",
        idea="An image is encoded as a grid of codebook entries; a prior over such grids can be learnt as well.",
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
        self.spec = LatentSpec(
            (sum(math.prod(level.shape) for level in levels),), levels, discrete=True, prior=prior,
            likelihood="bound" if prior else "none",
        )  # fmt: skip
        self.part: Literal["all", "model", "prior"] = "all"  # which part is trained
        self.encoder, self.decoder = self.networks()
        self.likelihood = make_likelihood(config.likelihood, config.sigma)
        self.quantisers = nn.ModuleList(
            Quantiser(config.codebook, config.latent, config.update) for _ in levels
        )
        self.priors = nn.ModuleList(
            Autoregressive(config.codebook, level.shape[1:], config.prior_width, config.prior_depth,
                           given=config.codebook if place else 0)
            for place, level in enumerate(levels) if prior
        )  # fmt: skip

    @classmethod
    def criterion(cls, config: Any) -> Criterion:
        terms = {
            "reconstruction": "−log p of the image under what its codes decode to",
            "commitment": "weighted squared distance of the encoder's vectors from their codes",
        }
        formula = rf"-\log p(x\,|\,e_k) + {config.commitment:g}\, \|f(x) - \mathrm{{sg}}\,e_k\|^2"
        asks = (
            "Training asks that each image comes back from the codes nearest to the encoder's vectors, and that the "
            "vectors stay near their codes."
        )
        if config.update == "gradient":
            terms["codebook"] = "squared distance of the codes from the encoder's vectors"
            formula += r" + \|\mathrm{sg}\,f(x) - e_k\|^2"
        if config.prior_depth:
            terms["kl"] = "−log p of the codes under the prior; a constant while the prior does not learn"
            formula += r" - \log p(k)"
            asks += " A prior over grids of codes learns to make those of the images likely, and changes none of them."
        return Criterion(formula, asks, terms)

    def networks(self) -> tuple[nn.Module, nn.Module]:
        """The encoder, images (B, C, H, W) to vectors (B, D, rows, columns), and the decoder, codes' vectors to outputs."""
        c = self.config
        grids, channels = c.grids(), c.channels()
        return (
            nn.Sequential(halve(grids, channels, c.depth), nn.Conv2d(channels[-1], c.latent, 1)),
            nn.Sequential(nn.Conv2d(c.latent, channels[-1], 3, padding=1), double(grids, channels, c.depth)),
        )

    def quantise(self, x: Tensor, by: Quantise) -> list[Quantised]:
        """Images (B, C, H, W) as grids of codes, coarsest first.

        Arguments:
            x: Images in [0, 1].
            by: Quantises the vectors of a level.
        """
        return [by(self.quantiser(0), self.encoder(x).float())]

    def rebuild(self, vectors: list[Tensor]) -> Tensor:
        """The decoder's output (B, C, H, W) for codes' vectors (B, D, rows, columns) of each level."""
        output: Tensor = self.decoder(vectors[0])
        return output.float()

    def quantiser(self, level: int) -> Quantiser:
        """The codebook of a level, coarsest first."""
        return cast(Quantiser, self.quantisers[level])

    def prior(self, level: int) -> Autoregressive:
        """The distribution of a level's codes given the coarser one's."""
        return cast(Autoregressive, self.priors[level])

    def encode(self, x: Tensor) -> Posterior:
        """The encoder's vectors of images (B, C, H, W), before quantisation and without a standard deviation."""
        return Posterior(flat([level.vectors for level in self.quantise(x, Quantiser.forward)]))

    def decode(self, z: Tensor) -> Tensor:
        """E[x|k] of the codes nearest to latents (B, D): pictures (B, C, H, W) in [0, 1]."""
        return self.likelihood.mean(self._output(z))

    def nll(self, z: Tensor, x: Tensor) -> Tensor:
        """-log p(x|k) of the codes nearest to latents (B, D), in nats per image, shape (B,)."""
        return self.likelihood.nll(self._output(z), x)

    def codes(self, x: Tensor) -> list[Tensor]:
        """The codes of images (B, C, H, W) in [0, 1]: int64 (B, rows, columns) per level, coarsest first."""
        return [level.codes for level in self.quantise(x, Quantiser.forward)]

    def embed(self, codes: list[Tensor]) -> Tensor:
        """The latents (B, D) of codes, int64 (B, rows, columns) per level."""
        return flat([self.quantiser(level).embed(each) for level, each in enumerate(codes)])

    def nearest(self, z: Tensor) -> list[Tensor]:
        """The codes nearest to latents (B, D): int64 (B, rows, columns) per level."""
        return [found.codes for found in self._nearest(z)]

    def codebooks(self) -> list[Tensor]:
        """The vectors (K, D) of each level's codes."""
        return [self.quantiser(level).vectors for level in range(len(self.spec.levels))]

    def code_nll(self, codes: list[Tensor]) -> list[Tensor]:
        """-log p of each level's codes given the coarser one's, in nats: shape (B,) per level.

        Raises:
            ValueError: If the model has no prior.
        """
        self._check_prior()
        given = [None, *codes[:-1]]
        each = enumerate(zip(codes, given, strict=True))
        return [self.prior(level).nll(own, coarser) for level, (own, coarser) in each]

    def flat_nll(self, codes: list[Tensor]) -> list[Tensor]:
        """-log p of each level's codes when all are equally likely, in nats: shape (B,) per level."""
        places = [each[0].numel() for each in codes]
        return [
            torch.full((len(codes[0]),), n * math.log(self.config.codebook), device=codes[0].device)
            for n in places
        ]

    def set_trainable(self, part: Literal["model", "prior"]) -> None:
        self._check_prior()
        self.part = part
        for name, parameter in self.named_parameters():
            parameter.requires_grad_(name.startswith("priors.") is (part == "prior"))

    def loss(self, x: Tensor, *, generator: torch.Generator | None = None, warmup: float = 1.0) -> Loss:
        """Reconstruction, weighted commitment, -log p of the codes as `kl`, and the codebook loss if it has one.

        While the model is trained without its prior, `kl` is the constant of a uniform prior. `warmup` has no effect:
        vectors must stay near their codes from the first step on.
        """
        x = self.likelihood.prepare(x, generator)
        moving = self.training and self.part != "prior"
        learn = partial(Quantiser.learn, generator=generator) if moving else Quantiser.forward
        levels = self.quantise(x, learn)
        output = self.rebuild([level.passed for level in levels])
        terms = {
            "reconstruction": self.likelihood.nll(output, x).mean(),
            "commitment": self.config.commitment * sum_of([level.commitment() for level in levels]),
        }
        if self.config.update == "gradient":
            terms["codebook"] = sum_of([level.codebook() for level in levels])
        if self.spec.prior:
            codes = [level.codes for level in levels]
            terms["kl"] = sum_of(self.flat_nll(codes) if self.part == "model" else self.code_nll(codes))
        return Loss(torch.stack(list(terms.values())).sum(), terms, self._use(levels, generator))

    def sample_codes(
        self,
        count: int,
        generator: torch.Generator | None = None,
        *,
        temperature: float = 1.0,
        progress: Progress | None = None,
        above: list[Tensor] | None = None,
    ) -> list[Tensor]:
        """As `DiscreteLatent.sample_codes`."""
        self._check_prior()
        codes = list(above or [])
        sizes = [math.prod(level.shape[1:]) for level in self.spec.levels]
        first = len(codes)
        for level in range(first, len(sizes)):
            given = codes[-1] if codes else None
            tell = (
                partial(tell_on, progress, sum(sizes[first:level]), sum(sizes[first:])) if progress else None
            )
            codes.append(self.prior(level).sample(count, given, generator=generator, temperature=temperature,
                                                  progress=tell))  # fmt: skip
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
        """The decoder's output for the codes nearest to latents (B, D)."""
        return self.rebuild([found.nearest for found in self._nearest(z)])

    def _nearest(self, z: Tensor) -> list[Quantised]:
        """Latents (B, D) as grids of codes, coarsest first."""
        shapes = [level.shape for level in self.spec.levels]
        parts = torch.split(z, [math.prod(shape) for shape in shapes], 1)
        grids = [part.reshape(-1, *shape) for part, shape in zip(parts, shapes, strict=True)]
        return [self.quantiser(level)(grid) for level, grid in enumerate(grids)]

    def _use(self, levels: list[Quantised], generator: torch.Generator | None) -> dict[str, Tensor]:
        """Perplexity of the batch's codes and the share of codes that occur, for each level."""
        figures: dict[str, Tensor] = {}
        for level, found in zip(self.spec.levels, levels, strict=True):
            behind = f" {level.name}" if len(levels) > 1 else ""
            use = perplexity(whole_batch(found.codes, generator), self.config.codebook)
            figures |= {f"perplexity{behind}": use[0], f"codes used{behind}": use[1]}
        return figures

    def _check_prior(self) -> None:
        if not self.spec.prior:
            raise ValueError(
                f"{type(self).__name__} has no prior to sample from (`spec.prior` is False). "
                f"Train it with `prior_depth` of at least 1."
            )


def flat(grids: list[Tensor]) -> Tensor:
    """Vectors (B, D, rows, columns) of each level, end to end: (B, all of them)."""
    return torch.cat([grid.flatten(1) for grid in grids], 1)


def sum_of(levels: list[Tensor]) -> Tensor:
    """The sum of the levels, each (B,), averaged over the batch: a scalar."""
    return torch.stack(levels).sum(0).mean()


def tell_on(progress: Progress, before: int, total: int, done: int, _: int) -> None:
    """Reports the progress of one level as progress over all levels."""
    progress(before + done, total)
