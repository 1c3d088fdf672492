r"""Measures a checkpoint on the test images it was not trained on.

Every figure carries its unit and its protocol. Means are over images, never over batches.

PSNR = -10 log10(MSE) of pixels in [0, 1];  active units: Var_x(E[z|x]) > 0.01 (Burda et al. 2015).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models import checkpoint
from models.base import Autoencoder
from models.data import ImageData, load_data

__all__ = ["active_units", "bound", "evaluate", "reconstruct", "reconstruction", "table", "to_tensor"]

BATCH = 256
SSIM_IMAGES = 1000
SSIM_WINDOW = 11  # pixels that the Gaussian window needs
SEED = 0

Metrics = dict[str, dict[str, Any]]


def evaluate(
    name: str | Path,
    *,
    limit: int | None = None,
    attributes: bool = False,
    command: str = "",
    write: bool = False,
) -> Metrics:
    """Measures a checkpoint on its data set's test split.

    Arguments:
        name: Name or folder of the checkpoint.
        limit: Use the first images only; all where None.
        attributes: Also read each attribute from reconstructions with classifiers trained on pixels; it takes
            minutes.
        command: What to note as the figures' command.
        write: Keep the figures in the checkpoint's card.

    Returns:
        Figures by name, each with value, unit and protocol.
    """
    entry = checkpoint.read(name)
    model = checkpoint.load(entry.path)
    if entry.card is None:
        raise checkpoint.CheckpointError(f"{entry.path} has no card.")
    data = load_data(entry.card.data["name"], "test", limit=limit, **entry.card.data.get("options", {}))
    metrics = reconstruction(model, data) | bound(model, data) | active_units(model, data)
    if attributes:
        from models.readability import readability

        train = load_data(entry.card.data["name"], "train", **entry.card.data.get("options", {}))
        metrics |= readability(model, train, data)
    for figure in metrics.values():
        figure["command"] = command
    if write:
        card = replace(entry.card, metrics={**entry.card.metrics, **metrics})
        checkpoint.write_card(entry.path, card)
    return metrics


def reconstruct(model: Autoencoder, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Decodes the posterior means of uint8 images (N, H, W, C) to float pictures in [0, 1], same shape."""
    with torch.inference_mode():
        parts = [model.decode(model.encode(x).mean).permute(0, 2, 3, 1).numpy() for x in chunks(images)]
    return np.concatenate(parts)


def reconstruction(model: Autoencoder, data: ImageData) -> Metrics:
    """MSE, PSNR and SSIM of the decoded posterior mean."""
    from skimage.metrics import structural_similarity

    truth = data.images.astype(np.float32) / 255
    small = min(data.images.shape[1:3]) < SSIM_WINDOW
    window = {"win_size": 7} if small else {"gaussian_weights": True, "sigma": 1.5}
    pictures = reconstruct(model, data.images)
    mse = ((truth - pictures) ** 2).mean((1, 2, 3))
    psnr = -10 * np.log10(np.maximum(mse, 1e-10))
    ssim = [
        structural_similarity(  # type: ignore[no-untyped-call]
            a, b, data_range=1.0, channel_axis=-1, use_sample_covariance=False, **window
        )
        for a, b in zip(truth[:SSIM_IMAGES], pictures[:SSIM_IMAGES], strict=True)
    ]  # fmt: skip
    about = f"decoded posterior mean, {data.name} {data.split}, {len(data)} images"
    kind = "even window of 7 pixels" if small else "Gaussian window 1.5"
    first = f"{about.rsplit(',', 1)[0]}, first {len(ssim)} images, {kind} (Wang et al. 2004)"
    return {
        "mse": figure(mse.mean(), "per pixel, [0, 1]", about),
        "psnr": figure(psnr.mean(), "dB", about),
        "ssim": figure(np.mean(ssim), "", first),
    }


def bound(model: Autoencoder, data: ImageData) -> Metrics:
    """The loss and its terms on test images; for a VAE the negative ELBO, reconstruction and KL."""
    generator = torch.Generator().manual_seed(SEED)
    sums: dict[str, float] = {}
    with torch.inference_mode():
        for x in chunks(data.images):
            loss = model.loss(x, generator=generator)
            for term, value in {"loss": loss.total, **loss.terms}.items():
                sums[term] = sums.get(term, 0.0) + value.item() * len(x)
    about = f"1 sample of z, {data.name} {data.split}, {len(data)} images, seed {SEED}"
    return {term: figure(total / len(data), "nats/image", about) for term, total in sums.items()}


def active_units(model: Autoencoder, data: ImageData) -> Metrics:
    """Latent dimensions whose posterior mean varies over the images.

    References:
        | Importance Weighted Autoencoders (Burda et al., 2015)
        | https://arxiv.org/abs/1509.00519
    """
    with torch.inference_mode():
        means = torch.cat([model.encode(x).mean.flatten(1) for x in chunks(data.images)])
    active = int((means.var(0, correction=0) > 0.01).sum())
    about = f"Var of the posterior mean > 0.01, {data.name} {data.split}, {len(data)} images"
    return {"active_units": figure(active, f"of {means.shape[1]} dimensions", about)}


def to_tensor(images: NDArray[np.uint8]) -> Tensor:
    """Images uint8 (N, H, W, C) as float (N, C, H, W) in [0, 1]."""
    return torch.tensor(np.asarray(images)).permute(0, 3, 1, 2).float() / 255


def chunks(images: NDArray[np.uint8]) -> Iterator[Tensor]:
    """Consecutive batches of uint8 images, as float tensors."""
    for start in range(0, len(images), BATCH):
        yield to_tensor(images[start : start + BATCH])


def figure(value: Any, unit: str, protocol: str) -> dict[str, Any]:
    """One figure with its unit and how it was measured."""
    return {"value": round(float(value), 6), "unit": unit, "protocol": protocol}


def table(metrics: Metrics) -> str:
    """Figures as aligned lines for a terminal."""
    width = max(len(name) for name in metrics)
    return "\n".join(
        f"{name:{width}}  {m['value']:12.4f}  {m['unit']:20}  {m['protocol']}" for name, m in metrics.items()
    )
