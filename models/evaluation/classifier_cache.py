"""Caches attribute classifiers, one per data set and options, in the cache folder.

A file is called `judges/DATA-KEY.safetensors`; the key is a hash of everything that determines the weights. A damaged
or foreign file is reported, and the classifier is trained again.
"""

from __future__ import annotations

import hashlib
import json
import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from models.base import Progress
from models.data import ImageData, load_pictures
from models.data.locations import cache_folder
from models.evaluation import attribute_classifier
from models.evaluation.attribute_classifier import AttributeClassifier, score, train_classifier
from models.system.files import replace_file

__all__ = ["IMAGES", "CachedClassifier", "cached_classifier", "classifier_path", "is_cached"]

IMAGES = 8_000  # training images; 20,000 give slightly better classifiers and take minutes longer
TEST_IMAGES = 1_000  # that say how well it reads
VERSION = 2  # of what is written; raised when the network or its training changes
HEADER_AT_MOST = 1 << 16  # bytes of a file beside its numbers
METADATA_KEY = "latent-explorer-judge"  # key of the metadata


@dataclass(frozen=True, eq=False)
class CachedClassifier:
    """A classifier and its scores."""

    classifier: AttributeClassifier
    scores: dict[str, float]  # attribute -> balanced accuracy or R^2 on original test images


def cached_classifier(
    name: str, options: Mapping[str, Any], progress: Progress | None = None
) -> CachedClassifier:
    """The classifier of a data set, from the cache or newly trained.

    For faces, the classifier is always trained on independent factors: one trained on `correlated` factors may confuse
    them.

    Arguments:
        name: Name of the data set.
        options: Options of the data set.
        progress: Called with the steps done and their total, if the classifier is trained.

    Raises:
        ValueError: If the data set is not on this machine, or its images have no attributes.
    """
    own = {key: value for key, value in options.items() if (name, key) != ("faces", "correlated")}
    test = load_pictures(name, "test", limit=TEST_IMAGES, **own)
    path = classifier_path(name, options)
    if path.is_file():
        try:
            return _read(path, test)
        except ValueError as error:
            warnings.warn(f"{error} The classifier is trained again.", RuntimeWarning, stacklevel=2)
    classifier = train_classifier(load_pictures(name, "train", limit=IMAGES, **own), progress=progress)
    cached = CachedClassifier(classifier, score(classifier, test.images, test.attributes))
    try:
        _write(path, cached)
    except OSError as error:
        warnings.warn(
            f"The classifier is not cached. {error}",
            RuntimeWarning,
            stacklevel=2,
        )
    return cached


def is_cached(name: str, options: Mapping[str, Any]) -> bool:
    """Whether there is a cached file; it is validated when it is read."""
    return classifier_path(name, options).is_file()


def classifier_path(name: str, options: Mapping[str, Any]) -> Path:
    """The cache file of a data set's classifier."""
    own = {key: value for key, value in options.items() if (name, key) != ("faces", "correlated")}
    r = attribute_classifier
    decides = [name, own, IMAGES, r.SEED, r.WIDTH, r.EPOCHS, r.BATCH, r.RATE, VERSION]
    digest = hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()[:16]
    return cache_folder() / "judges" / f"{name}-{digest}.safetensors"


def _write(path: Path, cached: CachedClassifier) -> None:
    weights = {key: values.contiguous() for key, values in cached.classifier.state_dict().items()}
    packed = save(weights, {METADATA_KEY: json.dumps(cached.scores)})
    replace_file(path, lambda temporary: temporary.write_bytes(packed))


def _read(path: Path, test: ImageData) -> CachedClassifier:
    """Reads a classifier from a file.

    Raises:
        ValueError: If the file is not a valid classifier of these attributes.
    """
    classifier = AttributeClassifier(test.image_shape, test.attributes)
    wanted = classifier.state_dict()
    try:
        size = sum(values.nbytes for values in wanted.values()) + HEADER_AT_MOST
        if path.stat().st_size > size:
            raise ValueError(f"it has over {size} bytes")
        with safe_open(path, framework="pt") as file:
            stored = json.loads((file.metadata() or {}).get(METADATA_KEY, "null"))
            if set(file.keys()) != set(wanted):
                raise ValueError("it has other tensors")
            weights = {key: file.get_tensor(key) for key in wanted}
        for key, values in weights.items():
            if values.shape != wanted[key].shape or values.dtype != wanted[key].dtype:
                raise ValueError(f"{key!r} has another shape or type")
            if not values.isfinite().all():
                raise ValueError(f"{key!r} holds NaN or infinity")
        if not isinstance(stored, dict) or set(stored) != set(test.attributes):
            raise ValueError("it has no valid score of each attribute")
        scores = {name: float(stored[name]) for name in test.attributes}
        if not all(math.isfinite(value) and value <= 1 for value in scores.values()):
            raise ValueError("it has no valid score of each attribute")
    except (SafetensorError, OSError, ValueError, TypeError, RecursionError) as error:
        raise ValueError(f"{path} is not a valid classifier: {error}.") from error
    classifier.load_state_dict(weights)
    return CachedClassifier(classifier.eval().requires_grad_(False), scores)
