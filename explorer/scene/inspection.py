r"""One image laid out through one model: what goes in, its posterior, a code of it, and what that code costs.

z = mu(x) + sigma(x) * eps,   log w = log p(x|z) + log p(z) - log q(z|x)

The mean of log w over eps ~ N(0, I) is the ELBO. For a deterministic code there is no sigma: eps is then counted in
standard deviations of all codes, and nothing below the code has a density.

References:
    | Auto-Encoding Variational Bayes (Kingma & Welling, 2013)
    | https://arxiv.org/abs/1312.6114
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from explorer.latent.statistics.densities import log_normal
from explorer.scene.handles import check_item
from explorer.scene.loaded import Loaded
from models.protocols import as_likelihood_model

__all__ = ["Specimen", "Terms", "as_input", "examine", "expected_reconstruction", "noise", "place", "terms"]

Source = Literal["original", "reconstruction"]

LEAST_SPREAD = 1e-6  # of a dimension in which all codes agree
BATCH = 16  # decodes at once; no drag waits longer


class Terms(NamedTuple):
    """What one code of an image costs, in nats."""

    reconstruction: float  # -log p(x|z)
    log_q: float  # log q(z|x)
    log_p: float  # log p(z)

    @property
    def log_weight(self) -> float:
        """One sample of the bound: log p(x|z) + log p(z) - log q(z|x)."""
        return self.log_p - self.log_q - self.reconstruction


@dataclass(frozen=True, eq=False)
class Specimen:
    """An image and its code, as one model sees them."""

    item: int  # row of the atlas, or the number of an own picture
    source: Source  # of the picture: the data set, or the model where that is not on this machine
    picture: NDArray[np.uint8]  # (H, W, C), binarised where the model is trained so
    mean: NDArray[np.float32]  # (D,), in prior standard deviations
    std: NDArray[np.float32] | None  # (D,), same unit; None for a deterministic code
    scale: NDArray[np.float32]  # (D,), one unit of eps: `std`, or the spread of all codes


def examine(loaded: Loaded, item: int) -> Specimen:
    """Encodes an item of the atlas, or a picture of a person's own.

    A model of binarised images sees one drawing of them, the same each time.

    Raises:
        ValueError: If there is no such item.
    """
    check_item(loaded, item)
    own = loaded.own.get(item)
    original = own.picture if own else loaded.originals.get([item])[0]
    source: Source = "reconstruction" if original is None else "original"
    picture = loaded.decoder(loaded.codes([item]))[0] if original is None else original
    seed = item if own else int(loaded.atlas.ids[item])
    picture = _prepared(loaded, np.ascontiguousarray(picture), seed)
    codes = loaded.encoder(picture[None])
    std = None if codes.std is None else codes.std[0]
    scale = np.maximum(loaded.atlas.mean.std(0), LEAST_SPREAD).astype(np.float32) if std is None else std
    return Specimen(item, source, picture, codes.mean[0], std, scale)


def noise(specimen: Specimen, draw: int | None, turn: Mapping[int, float]) -> NDArray[np.float32]:
    """The eps of a code: a draw, or zero, with single dimensions turned by hand.

    Arguments:
        specimen: The image.
        draw: Seed of a draw from N(0, I); None for zero, the mean.
        turn: Dimension -> eps there.

    Returns:
        Shape (D,).

    Raises:
        ValueError: If a dimension is none of the model's, or a deterministic code is to be drawn.
    """
    size = len(specimen.mean)
    if draw is not None and specimen.std is None:
        raise ValueError(f"`draw` must be none for a deterministic code: there is no posterior. Got {draw}.")
    for dimension in turn:
        if not 0 <= dimension < size:
            raise ValueError(f"`turn` must name dimensions of 0..{size - 1}. Got {dimension}.")
    eps = np.zeros(size) if draw is None else np.random.default_rng(draw).standard_normal(size)
    eps[list(turn)] = list(turn.values())
    return eps.astype(np.float32)


def place(specimen: Specimen, eps: NDArray[np.float32]) -> NDArray[np.float32]:
    """The code at eps: mean + scale * eps, shape (D,)."""
    code: NDArray[np.float32] = specimen.mean + specimen.scale * eps
    return code


@torch.inference_mode()
def terms(loaded: Loaded, specimen: Specimen, z: NDArray[np.float32]) -> Terms | None:
    """What a code (D,) of the image costs; None where the model has no likelihood."""
    if specimen.std is None or not has_likelihood(loaded):
        return None
    reconstruction = float(_nll(loaded, specimen, z[None])[0])
    return Terms(reconstruction, float(log_normal(z, specimen.mean, specimen.std)), float(log_normal(z)))


@torch.inference_mode()
def expected_reconstruction(
    loaded: Loaded, specimen: Specimen, samples: int = 64, seed: int = 0
) -> tuple[float, float]:
    """E_q[-log p(x|z)] in nats, from a few codes, and its standard error.

    Arguments:
        loaded: With a likelihood.
        specimen: The image.
        samples: Codes drawn from the posterior, at least 2.
        seed: Of the draws.

    Raises:
        ValueError: If the model has no likelihood.
    """
    if specimen.std is None or not has_likelihood(loaded):
        raise ValueError(f"{loaded.name} has no likelihood: its code is a point.")
    eps = np.random.default_rng(seed).standard_normal((samples, len(specimen.mean)))
    z = (specimen.mean + specimen.std * eps).astype(np.float32)
    costs = np.concatenate(
        [_nll(loaded, specimen, z[start : start + BATCH]) for start in range(0, samples, BATCH)]
    )
    return float(costs.mean()), float(costs.std(ddof=1) / np.sqrt(samples))


def has_likelihood(loaded: Loaded) -> bool:
    """Whether the decoder gives a picture a density for each code, which a bound on log p(x) is made of."""
    spec = loaded.decoder.model.spec
    return spec.likelihood == "bound" and not spec.discrete


def _nll(loaded: Loaded, specimen: Specimen, z: NDArray[np.float32]) -> NDArray[np.float64]:
    """-log p(x|z) of codes (M, D), shape (M,)."""
    model = as_likelihood_model(loaded.decoder.model)
    codes = torch.from_numpy(np.ascontiguousarray(z)).to(loaded.decoder.device)
    x = as_input(loaded, specimen.picture).expand(len(z), -1, -1, -1)
    found: NDArray[np.float64] = model.nll(codes.reshape(-1, *model.spec.shape), x).double().cpu().numpy()
    return found


@torch.inference_mode()
def _prepared(loaded: Loaded, picture: NDArray[np.uint8], seed: int) -> NDArray[np.uint8]:
    """The picture as the model's likelihood takes it: binarised, or as it is."""
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
