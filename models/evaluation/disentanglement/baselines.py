"""The scores of PCA and of an untrained encoder, beside which those of a trained model are read."""

from __future__ import annotations

import torch

from models.base import Autoencoder
from models.data import ImageData
from models.evaluation.disentanglement.scores import quick_scores
from models.evaluation.metric import Metrics
from models.pca import PCA, PCAConfig

__all__ = ["baselines", "untrained"]

PCA_IMAGES = 10_000  # training images that PCA is fitted to, at most


def baselines(model: Autoencoder, train: ImageData, test: ImageData, *, seed: int = 0) -> Metrics:
    """MIG, FactorVAE and beta-VAE score of a PCA of as many dimensions and of the model with fresh weights.

    Arguments:
        model: Encodes to real numbers.
        train: Images that PCA is fitted to.
        test: Images with factors, as the model's own scores take them.
        seed: Of the fresh weights, and of the scores.

    Returns:
        Metrics as `disentanglement` names them, with `_pca` and `_untrained` behind the names.
    """
    size = int(torch.tensor(model.spec.shape).prod())
    pca = PCA(PCAConfig(test.image_shape, latent=size)).eval()
    images = train.images[:PCA_IMAGES]
    pca.fit(torch.tensor(images).permute(0, 3, 1, 2))
    found = {f"{key}_pca": one for key, one in quick_scores(pca, test, seed=seed).items()}
    found |= {
        f"{key}_untrained": one for key, one in quick_scores(untrained(model, seed), test, seed=seed).items()
    }
    for key, one in found.items():
        one["protocol"] += (
            f"; PCA of {len(images)} training images" if key.endswith("_pca") else "; no training steps"
        )
    return found


def untrained(model: Autoencoder, seed: int = 0) -> Autoencoder:
    """A model of the same layers with the weights that training begins with."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return type(model)(model.config).eval()
