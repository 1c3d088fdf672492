"""Active units, sparsity, and dead units of latents."""

from __future__ import annotations

import numpy as np

from models.base import Autoencoder
from models.data import ImageData
from models.evaluation.metric import Metrics, describe_images, metric
from models.evaluation.reconstruction import posterior_means

__all__ = ["active_units", "sparsity"]

STILL = 1e-4  # standard deviation over the images below which a unit is dead


def active_units(model: Autoencoder, data: ImageData) -> Metrics:
    """Latent dimensions whose posterior mean varies over the images.

    References:
        | Importance Weighted Autoencoders (Burda et al., 2015)
        | https://arxiv.org/abs/1509.00519
    """
    means = posterior_means(model, data.images)
    active = int((means.var(0) > 0.01).sum())
    about = f"Var of the posterior mean > 0.01, {describe_images(data)}"
    return {"active_units": metric(active, f"of {means.shape[1]} dimensions", about)}


def sparsity(model: Autoencoder, data: ImageData) -> Metrics:
    """Sparsity metrics of non-negative or partly zero latents: activity, and dead units."""
    if model.spec.discrete:
        return {}
    z = posterior_means(model, data.images)
    if z.min() < 0 and (z != 0).all():
        return {}
    units, about = z.shape[1], describe_images(data)
    dead = 100 * (z.std(0, dtype=np.float64) < STILL).mean()
    still = f"standard deviation over the images below {STILL:g}"
    metrics = {
        "mean_activation": metric(z.mean(dtype=np.float64), "", f"mean over units and images, {about}"),
        "dead_units": metric(dead, f"% of {units} units", f"{still}, {about}"),
    }
    if (z == 0).any():
        active = (z != 0).sum(1).mean()
        metrics["active_codes"] = metric(active, f"of {units} units", f"not 0, mean over the images, {about}")
    return metrics
