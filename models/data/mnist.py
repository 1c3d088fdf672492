"""MNIST: 70,000 handwritten digits, 28x28 grey.

References:
    | Gradient-based learning applied to document recognition (LeCun et al., 1998)
    | https://yann.lecun.com/exdb/mnist/
"""

from __future__ import annotations

__all__ = ["MNIST", "load_mnist", "unavailable", "validation_rows"]

import numpy as np
from numpy.typing import NDArray

from models.data.base import ImageData
from models.data.download import Remote
from models.data.idx import IdxDataset

MNIST = IdxDataset(
    name="mnist",
    mirror="https://ossci-datasets.s3.amazonaws.com/mnist/",
    mirror_variable="LATENT_MNIST_MIRROR",
    files={
        "train": (
            Remote(
                name="train-images-idx3-ubyte.gz",
                length=9_912_422,
                unpacked=47_040_016,
                sha256="ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            ),
            Remote(
                name="train-labels-idx1-ubyte.gz",
                length=28_881,
                unpacked=60_008,
                sha256="65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            ),
        ),
        "test": (
            Remote(
                name="t10k-images-idx3-ubyte.gz",
                length=1_648_877,
                unpacked=7_840_016,
                sha256="0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            ),
            Remote(
                name="t10k-labels-idx1-ubyte.gz",
                length=4_542,
                unpacked=10_008,
                sha256="ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
            ),
        ),
    },
    attribute="digit",
    labels=tuple("0123456789"),
    shape=(28, 28),
    licence="CC BY-SA 3.0",
    source="MNIST, Yann LeCun, Corinna Cortes and Chris Burges, https://yann.lecun.com/exdb/mnist/",
    train_count=60_000,
    validation_count=5_000,
    validation_seed=1998,
)


def load_mnist(split: str, limit: int | None = None) -> ImageData:
    """Loads the first `limit` digits of `split`: 60,000 for training, 10,000 for test, 28x28 grey.

    The source has no validation split: it is 5,000 of the training images, drawn from a fixed seed (`validation_rows`).
    """
    return MNIST.load(split, limit)


def unavailable() -> str | None:
    """Returns why MNIST cannot be loaded without a download, or None."""
    return MNIST.unavailable()


def validation_rows() -> NDArray[np.int64]:
    """Returns the rows of the training split that the validation split consists of, ascending."""
    return MNIST.validation_rows()
