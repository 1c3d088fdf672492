"""Judges that are kept: one a data set and its options, trained once and read from the cache folder after that.

A file is called `judges/DATA-KEY.safetensors`; the key is made of all that decides the weights. A file that is damaged,
or none of ours, is told, and the judge is trained anew in its place.
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
from models.evaluation.attribute_classifier import Judge, score, train_judge
from models.system.files import replace_file

__all__ = ["IMAGES", "Kept", "is_kept", "judge_path", "kept_judge"]

IMAGES = 8_000  # originals that a judge learns from; 20,000 read a little better and take minutes more
TEST_IMAGES = 1_000  # that say how well it reads
VERSION = 2  # of what is written; raised when the network or its training changes
HEADER_AT_MOST = 1 << 16  # bytes of a file beside its numbers
TELLS = "latent-explorer-judge"  # key of the metadata


@dataclass(frozen=True, eq=False)
class Kept:
    """A judge and how well it reads."""

    judge: Judge
    scores: dict[
        str, float
    ]  # attribute -> balanced accuracy or R^2 on original test images that it has not seen


def kept_judge(name: str, options: Mapping[str, Any], progress: Progress | None = None) -> Kept:
    """The judge of a data set, from the cache or trained now.

    Faces are judged by one that has seen independent factors, whichever way the set's own were drawn: a judge trained
    on `correlated` ones may take one factor for another.

    Arguments:
        name: Of the data set.
        options: What it is loaded with.
        progress: Called with the steps done and the steps in all, if it is trained.

    Raises:
        ValueError: If the data set is not on this machine, or nothing is known about its images.
    """
    own = {key: value for key, value in options.items() if (name, key) != ("faces", "correlated")}
    test = load_pictures(name, "test", limit=TEST_IMAGES, **own)
    path = judge_path(name, options)
    if path.is_file():
        try:
            return _read(path, test)
        except ValueError as error:
            warnings.warn(f"{error} The judge is trained anew.", RuntimeWarning, stacklevel=2)
    judge = train_judge(load_pictures(name, "train", limit=IMAGES, **own), progress=progress)
    kept = Kept(judge, score(judge, test.images, test.attributes))
    try:
        _write(path, kept)
    except OSError as error:
        warnings.warn(
            f"The judge is not kept. {error}",
            RuntimeWarning,
            stacklevel=2,
        )
    return kept


def is_kept(name: str, options: Mapping[str, Any]) -> bool:
    """Whether there is a file for it; whether it is sound shows when it is read."""
    return judge_path(name, options).is_file()


def judge_path(name: str, options: Mapping[str, Any]) -> Path:
    """The file of a data set's judge."""
    own = {key: value for key, value in options.items() if (name, key) != ("faces", "correlated")}
    r = attribute_classifier
    decides = [name, own, IMAGES, r.SEED, r.WIDTH, r.EPOCHS, r.BATCH, r.RATE, VERSION]
    digest = hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()[:16]
    return cache_folder() / "judges" / f"{name}-{digest}.safetensors"


def _write(path: Path, kept: Kept) -> None:
    weights = {key: values.contiguous() for key, values in kept.judge.state_dict().items()}
    packed = save(weights, {TELLS: json.dumps(kept.scores)})
    replace_file(path, lambda temporary: temporary.write_bytes(packed))


def _read(path: Path, test: ImageData) -> Kept:
    """The judge in a file.

    Raises:
        ValueError: If the file is no sound judge of these attributes.
    """
    judge = Judge(test.image_shape, test.attributes)
    wanted = judge.state_dict()
    try:
        size = sum(values.nbytes for values in wanted.values()) + HEADER_AT_MOST
        if path.stat().st_size > size:
            raise ValueError(f"it has over {size} bytes")
        with safe_open(path, framework="pt") as file:
            told = json.loads((file.metadata() or {}).get(TELLS, "null"))
            if set(file.keys()) != set(wanted):
                raise ValueError("it has other tensors")
            weights = {key: file.get_tensor(key) for key in wanted}
        for key, values in weights.items():
            if values.shape != wanted[key].shape or values.dtype != wanted[key].dtype:
                raise ValueError(f"{key!r} has another shape or type")
            if not values.isfinite().all():
                raise ValueError(f"{key!r} holds NaN or infinity")
        if not isinstance(told, dict) or set(told) != set(test.attributes):
            raise ValueError("it does not say how well it reads each attribute")
        scores = {name: float(told[name]) for name in test.attributes}
        if not all(math.isfinite(value) and value <= 1 for value in scores.values()):
            raise ValueError("it does not say how well it reads each attribute")
    except (SafetensorError, OSError, ValueError, TypeError, RecursionError) as error:
        raise ValueError(f"{path} is no judge that can be used: {error}.") from error
    judge.load_state_dict(weights)
    return Kept(judge.eval().requires_grad_(False), scores)
