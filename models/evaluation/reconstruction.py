"""How well a model reconstructs images: MSE, PSNR, SSIM, restoration of half-masked images, error of the inverse."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.base import Autoencoder
from models.data import ImageData
from models.data.frey_faces import content
from models.data.tensors import chunks
from models.evaluation.metric import SEED, Metrics, describe_images, metric

__all__ = [
    "Pictures",
    "errors",
    "inverse",
    "posterior_means",
    "reconstruct",
    "reconstruction",
    "restoration",
    "similarity",
    "without",
    "without_padding",
]

Pictures = NDArray[np.floating[Any]]

SSIM_WINDOW = 11  # pixels that the Gaussian window needs
SSIM_C1, SSIM_C2 = 0.01**2, 0.03**2  # of Wang et al. 2004, for pixels in [0, 1]
SSIM_AT_ONCE = 256  # pictures


def reconstruct(model: Autoencoder, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Decodes the posterior means of uint8 images (N, H, W, C) to float pictures in [0, 1], same shape."""
    with torch.inference_mode():
        return np.concatenate([_pictures(model, x) for x in chunks(images)])


def _pictures(model: Autoencoder, x: Tensor) -> NDArray[np.float32]:
    """The reconstructions of images (B, C, H, W), as (B, H, W, C)."""
    pictures: NDArray[np.float32] = model.decode(model.encode(x).mean).permute(0, 2, 3, 1).numpy()
    return pictures


def posterior_means(model: Autoencoder, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Posterior means of uint8 images (N, H, W, C), each as one row: (N, D)."""
    with torch.inference_mode():
        return torch.cat([model.encode(x).mean.flatten(1) for x in chunks(images)]).numpy()


def reconstruction(model: Autoencoder, data: ImageData) -> Metrics:
    """MSE, squared error of an image, PSNR and SSIM of the decoded posterior mean."""
    truth, pictures = without_padding(
        data, data.images.astype(np.float32) / np.float32(255), reconstruct(model, data.images)
    )
    small = min(truth.shape[1:3]) < SSIM_WINDOW
    mse, psnr = errors(truth, pictures)
    about = f"{_decoded(model)}, {describe_images(data)}{without(data)}"
    kind = "even window of 7 pixels" if small else "Gaussian window 1.5"
    return {
        "mse": metric(mse.mean(), "per pixel, [0, 1]", about),
        "squared_error": metric(mse.mean(dtype=np.float64) * truth[0].size, "per image, [0, 1]", about),
        "psnr": metric(psnr.mean(), "dB", about),
        "ssim": metric(similarity(truth, pictures, small).mean(), "", f"{about}, {kind} (Wang et al. 2004)"),
    }


def errors(truth: Pictures, pictures: Pictures) -> tuple[Pictures, Pictures]:
    """Mean squared error per pixel and PSNR in dB of each picture (N, H, W, C) in [0, 1], shape (N,) each."""
    mse = ((truth - pictures) ** 2).mean((1, 2, 3))
    return mse, -10 * np.log10(np.maximum(mse, 1e-10))


def similarity(truth: Pictures, pictures: Pictures, small: bool = False) -> NDArray[np.float64]:
    """SSIM of pictures (N, H, W, C) in [0, 1], the mean over channels and over the pixels whose window fits, shape (N,).

    Arguments:
        truth: The images.
        pictures: Their reconstructions.
        small: Take an even window of 7 pixels instead of a Gaussian one of 11.
    """
    from scipy.ndimage import gaussian_filter, uniform_filter

    def smooth(x: NDArray[np.float64]) -> NDArray[np.float64]:
        if small:
            return np.asarray(uniform_filter(x, (1, 7, 7, 1)))
        return np.asarray(gaussian_filter(x, (0, 1.5, 1.5, 0), truncate=3.5))

    edge = 3 if small else SSIM_WINDOW // 2
    found = []
    for start in range(0, len(truth), SSIM_AT_ONCE):
        x, y = (each[start : start + SSIM_AT_ONCE].astype(np.float64) for each in (truth, pictures))
        mean_x, mean_y = smooth(x), smooth(y)
        spread = smooth(x * x) - mean_x**2 + smooth(y * y) - mean_y**2
        shared = smooth(x * y) - mean_x * mean_y
        ssim = (2 * mean_x * mean_y + SSIM_C1) * (2 * shared + SSIM_C2)
        ssim /= (mean_x**2 + mean_y**2 + SSIM_C1) * (spread + SSIM_C2)
        found.append(ssim[:, edge:-edge, edge:-edge].mean((1, 2, 3)))
    return np.concatenate(found)


def without_padding(data: ImageData, *pictures: Pictures) -> tuple[Pictures, ...]:
    """Removes the padding from pictures of a data set (N, H, W, C): it is no part of an image."""
    return tuple(map(content, pictures)) if data.name == "frey-faces" else pictures


def without(data: ImageData) -> str:
    """What `without_padding` leaves out, for a protocol."""
    return ", without the padding" if data.name == "frey-faces" else ""


def restoration(model: Autoencoder, data: ImageData) -> Metrics:
    """The error of reconstructions of half-masked images against the whole images."""
    generator = torch.Generator().manual_seed(SEED)
    total = 0.0
    with torch.inference_mode():
        for x in chunks(data.images):
            kept = torch.rand(len(x), 1, *x.shape[2:], generator=generator) < 0.5
            misses = _pictures(model, x * kept) - x.permute(0, 2, 3, 1).numpy()
            total += float(np.square(misses, dtype=np.float64).sum())
    about = f"half of the pixels set to 0 (seed {SEED}), {_decoded(model)} against the whole image, {describe_images(data)}"
    return {"restored_error": metric(total / len(data), "per image, [0, 1]", about)}


def _decoded(model: Autoencoder) -> str:
    """What a reconstruction is decoded from."""
    return "decoded posterior mean" if model.spec.posterior else "decoded latent"


def inverse(model: Autoencoder, data: ImageData) -> Metrics:
    """The largest absolute error of any pixel after encoding and decoding."""
    pictures = reconstruct(model, data.images)
    worst = np.abs(pictures - data.images.astype(np.float32) / 255).max()
    about = f"largest |decode(encode(x)) - x| of all pixels, {describe_images(data)}"
    return {"inverse_error": metric(worst, "of a pixel, [0, 1]", about)}
