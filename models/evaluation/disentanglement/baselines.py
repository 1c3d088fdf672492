"""The scores of PCA and of untrained encoders, beside which those of a trained model are read."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from models.base import Autoencoder
from models.data import ImageData
from models.evaluation.disentanglement.scores import disentanglement
from models.evaluation.metric import Metrics
from models.pca import PCA, PCAConfig

__all__ = ["SEEDS", "baselines", "untrained"]

PCA_IMAGES = 10_000  # training images that PCA is fitted to, at most
SEEDS = (0, 1, 2)


def baselines(
    model: Autoencoder, train: ImageData, test: ImageData, *, seeds: Sequence[int] = SEEDS
) -> Metrics:
    """The disentanglement scores of PCA of as many dimensions, and of the model with the weights it starts with.

    PCA has no random weights: each seed draws as many of its training images with replacement (bootstrap).

    Arguments:
        model: Encodes to real numbers.
        train: Images that PCA is fitted to.
        test: Images with factors, as the model's own scores take them.
        seeds: Of the drawn images and of the untrained weights.

    Returns:
        Metrics as `disentanglement` names them, with `_pca` and `_untrained` behind the names; `values` has those of
        all seeds.
    """
    images = train.images[:PCA_IMAGES]
    size = int(torch.tensor(model.spec.shape).prod())
    listed = ", ".join(map(str, seeds))
    kinds: dict[str, tuple[Callable[[int], Autoencoder], str]] = {
        "pca": (
            lambda seed: _pca(images, size, seed),
            f"PCA of {len(images)} training images drawn with replacement, seeds {listed}",
        ),
        "untrained": (lambda seed: untrained(model, seed), f"no training steps, weights of seeds {listed}"),
    }
    found: Metrics = {}
    for kind, (build, about) in kinds.items():
        runs = [disentanglement(build(seed), test) for seed in seeds]
        for key, first in runs[0].items():
            values = [run[key]["value"] for run in runs]
            protocol = f"{first['protocol']}; {about}"
            found[f"{key}_{kind}"] = first | {"values": values, "protocol": protocol}
    return found


def _pca(images: NDArray[np.uint8], size: int, seed: int) -> PCA:
    """PCA of `size` dimensions of images (N, H, W, C), drawn with replacement."""
    _, height, width, channels = images.shape
    pca = PCA(PCAConfig((channels, height, width), latent=size)).eval()
    drawn = np.sort(np.random.default_rng(seed).integers(len(images), size=len(images)))
    pca.fit(torch.from_numpy(images[drawn]).permute(0, 3, 1, 2))
    return pca


def untrained(model: Autoencoder, seed: int = 0) -> Autoencoder:
    """A model of the same layers with the weights that training begins with."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return type(model)(model.config).eval()
