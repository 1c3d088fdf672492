r"""One image inside one model: input, posterior, a latent from it, and the terms of its bound.

z = mu(x) + sigma(x) * eps,   log w = log p(x|z) + log p(z) - log q(z|x)

The mean of log w over eps ~ N(0, I) is the ELBO. A deterministic encoder has no sigma: eps is then in units
of the latents' standard deviation over the atlas, and there are no densities.

References:
    | Auto-Encoding Variational Bayes (Kingma & Welling, 2013)
    | https://arxiv.org/abs/1312.6114
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from explorer.latent.statistics.densities import log_normal
from explorer.scene.handles import check_item
from explorer.scene.loaded import Loaded
from models.protocols import as_likelihood_model

__all__ = [
    "EncodedImage",
    "Terms",
    "as_input",
    "encode_item",
    "expected_reconstruction",
    "latent_at",
    "noise",
    "terms",
]

Source = Literal["original", "reconstruction"]

LEAST_SPREAD = 1e-6  # spread of a dimension in which all latents are equal
BATCH = 16  # latents decoded at once; bounds the delay of a drag


class Terms(NamedTuple):
    """The terms of the bound for one latent of an image, in nats."""

    reconstruction: float  # -log p(x|z)
    log_q: float  # log q(z|x)
    log_p: float  # log p(z)

    @property
    def log_weight(self) -> float:
        """One sample of the bound: log p(x|z) + log p(z) - log q(z|x)."""
        return self.log_p - self.log_q - self.reconstruction


@dataclass(frozen=True, eq=False)
class EncodedImage:
    """An image and its latent in one model."""

    item: int  # row of the atlas, or number of an upload
    source: Source  # source of the picture: the data set, or the model if that is not available
    picture: NDArray[np.uint8]  # (H, W, C), binarised if the model was trained on binarised images
    mean: NDArray[np.float32]  # (D,), in prior standard deviations
    std: NDArray[np.float32] | None  # (D,), same unit; None for a deterministic encoder
    scale: NDArray[np.float32]  # (D,), one unit of eps: `std`, or the standard deviation of all latents


def encode_item(loaded: Loaded, item: int) -> EncodedImage:
    """Encodes an item of the atlas or an upload.

    For a model of binarised images the binarisation is sampled once, with a fixed seed.

    Raises:
        ValueError: If there is no such item.
    """
    check_item(loaded, item)
    own = loaded.own.get(item)
    original = own.picture if own else loaded.originals.get([item])[0]
    source: Source = "reconstruction" if original is None else "original"
    picture = loaded.decoder(loaded.latents([item]))[0] if original is None else original
    seed = item if own else int(loaded.atlas.ids[item])
    picture = _prepared(loaded, np.ascontiguousarray(picture), seed)
    latents = loaded.encoder(picture[None])
    std = None if latents.std is None else latents.std[0]
    scale = np.maximum(np.sqrt(loaded.moments[1]), LEAST_SPREAD).astype(np.float32) if std is None else std
    return EncodedImage(item, source, picture, latents.mean[0], std, scale)


def noise(encoded: EncodedImage, draw: int | None, turn: Mapping[int, float]) -> NDArray[np.float32]:
    """The eps of a latent: a draw, or zero, with some dimensions set by hand.

    Arguments:
        encoded: The image.
        draw: Seed of a draw from N(0, I); None for zero, the mean.
        turn: Dimension -> eps there.

    Returns:
        Shape (D,).

    Raises:
        ValueError: If there is no such dimension, or `draw` is given for a deterministic encoder.
    """
    size = len(encoded.mean)
    if draw is not None and encoded.std is None:
        raise ValueError(f"`draw` must be none for a deterministic encoder: it has no posterior. Got {draw}.")
    for dimension in turn:
        if not 0 <= dimension < size:
            raise ValueError(f"`turn` must name dimensions of 0..{size - 1}. Got {dimension}.")
    eps = np.zeros(size) if draw is None else np.random.default_rng(draw).standard_normal(size)
    eps[list(turn)] = list(turn.values())
    return eps.astype(np.float32)


def latent_at(encoded: EncodedImage, eps: NDArray[np.float32]) -> NDArray[np.float32]:
    """The latent at eps: mean + scale * eps, shape (D,)."""
    return cast("NDArray[np.float32]", encoded.mean + encoded.scale * eps)


@torch.inference_mode()
def terms(loaded: Loaded, encoded: EncodedImage, z: NDArray[np.float32]) -> Terms | None:
    """The terms of the bound for a latent (D,) of the image; None if the model has no likelihood."""
    if encoded.std is None or not has_likelihood(loaded):
        return None
    reconstruction = float(_nll(loaded, encoded, z[None])[0])
    return Terms(reconstruction, float(log_normal(z, encoded.mean, encoded.std)), float(log_normal(z)))


@torch.inference_mode()
def expected_reconstruction(
    loaded: Loaded, encoded: EncodedImage, samples: int = 64, seed: int = 0
) -> tuple[float, float]:
    """Monte Carlo estimate of E_q[-log p(x|z)] in nats, and its standard error.

    Arguments:
        loaded: A model with a likelihood.
        encoded: The image.
        samples: Draws from the posterior, at least 2.
        seed: Seed of the draws.

    Raises:
        ValueError: If the model has no likelihood.
    """
    if encoded.std is None or not has_likelihood(loaded):
        raise ValueError(f"{loaded.name} has no likelihood: its encoder is deterministic.")
    eps = np.random.default_rng(seed).standard_normal((samples, len(encoded.mean)))
    z = (encoded.mean + encoded.std * eps).astype(np.float32)
    costs = np.concatenate(
        [_nll(loaded, encoded, z[start : start + BATCH]) for start in range(0, samples, BATCH)]
    )
    return float(costs.mean()), float(costs.std(ddof=1) / np.sqrt(samples))


def has_likelihood(loaded: Loaded) -> bool:
    """Whether the decoder defines a density p(x|z), and with it a bound on log p(x)."""
    spec = loaded.decoder.model.spec
    return spec.likelihood == "bound" and not spec.discrete


def _nll(loaded: Loaded, encoded: EncodedImage, z: NDArray[np.float32]) -> NDArray[np.float64]:
    """-log p(x|z) for latents (M, D), shape (M,)."""
    model = as_likelihood_model(loaded.decoder.model)
    latents = torch.from_numpy(np.ascontiguousarray(z)).to(loaded.decoder.device)
    x = as_input(loaded, encoded.picture).expand(len(z), -1, -1, -1)
    return cast(
        "NDArray[np.float64]", model.nll(latents.reshape(-1, *model.spec.shape), x).double().cpu().numpy()
    )


@torch.inference_mode()
def _prepared(loaded: Loaded, picture: NDArray[np.uint8], seed: int) -> NDArray[np.uint8]:
    """The picture as the likelihood expects it: binarised, or unchanged."""
    if not has_likelihood(loaded):
        return picture
    model = as_likelihood_model(loaded.decoder.model)
    x = as_input(loaded, picture).cpu()
    prepared: Tensor = model.likelihood.prepare(x, torch.Generator().manual_seed(seed))
    levels: NDArray[np.uint8] = prepared.mul(255).round().to(torch.uint8)[0].permute(1, 2, 0).numpy()
    return np.ascontiguousarray(levels)


def as_input(loaded: Loaded, picture: NDArray[np.uint8]) -> Tensor:
    """A picture (H, W, C) as the model's input (1, C, H, W) in [0, 1]."""
    return torch.tensor(picture).to(loaded.decoder.device).permute(2, 0, 1)[None].float() / 255
