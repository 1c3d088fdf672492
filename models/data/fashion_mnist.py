"""Fashion-MNIST: 70,000 photographs of garments, 28x28 grey.

References:
    | Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning Algorithms (Xiao et
    | al., 2017)
    | https://arxiv.org/abs/1708.07747
"""

from __future__ import annotations

__all__ = ["FASHION_MNIST", "load_fashion_mnist", "unavailable", "validation_rows"]

import numpy as np
from numpy.typing import NDArray

from models.data.base import ImageData
from models.data.download import Remote
from models.data.idx import IdxDataset

FASHION_MNIST = IdxDataset(
    name="fashion-mnist",
    mirror="https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    mirror_variable="LATENT_FASHION_MNIST_MIRROR",
    files={
        "train": (
            Remote(
                name="train-images-idx3-ubyte.gz",
                length=26_421_880,
                unpacked=47_040_016,
                sha256="c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
            ),
            Remote(
                name="train-labels-idx1-ubyte.gz",
                length=29_515,
                unpacked=60_008,
                sha256="bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            ),
        ),
        "test": (
            Remote(
                name="t10k-images-idx3-ubyte.gz",
                length=4_422_102,
                unpacked=7_840_016,
                sha256="5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
            ),
            Remote(
                name="t10k-labels-idx1-ubyte.gz",
                length=5_148,
                unpacked=10_008,
                sha256="0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
            ),
        ),
    },
    attribute="garment",
    labels=(
        "t-shirt",
        "trouser",
        "pullover",
        "dress",
        "coat",
        "sandal",
        "shirt",
        "sneaker",
        "bag",
        "ankle boot",
    ),
    shape=(28, 28),
    licence="MIT",
    source="Fashion-MNIST, Zalando SE, https://github.com/zalandoresearch/fashion-mnist",
    train_count=60_000,
    validation_count=5_000,
    validation_seed=2017,
)


def load_fashion_mnist(split: str, limit: int | None = None) -> ImageData:
    """Loads the first `limit` garments of `split`: 60,000 for training, 10,000 for test, 28x28 grey.

    The source has no validation split: it is 5,000 of the training images, drawn from a fixed seed (`validation_rows`).
    """
    return FASHION_MNIST.load(split, limit)


def unavailable() -> str | None:
    """Returns why Fashion-MNIST cannot be loaded without a download, or None."""
    return FASHION_MNIST.unavailable()


def validation_rows() -> NDArray[np.int64]:
    """Returns the rows of the training split that the validation split consists of, ascending."""
    return FASHION_MNIST.validation_rows()
