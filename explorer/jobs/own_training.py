"""A training on the user's own images: its run, from the choices on the page, and the preparation job before it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from explorer.atlas.storage import load_atlas
from explorer.catalogue import families, training_time
from explorer.catalogue.data_titles import data_title
from explorer.catalogue.model_choices import ModelChoice, schedule_for
from explorer.jobs.runner import Report
from models.card import Entry
from models.data import OWN
from models.data.own import Preparation
from models.training.run import Run

__all__ = ["bfloat16_is_fast", "facts_of", "is_own", "name_of", "path_of", "prepare_images", "run_of"]

NAME_LENGTH = 40  # characters of a proposed name
BATCH = 32  # images per step; many small steps learn most within minutes


def is_own(run: Run | None) -> bool:
    """Whether a run trains on the user's own images."""
    return run is not None and run.data == OWN


def run_of(
    choice: ModelChoice,
    settings: dict[str, Any],
    preparation: Preparation,
    minutes: int,
    augment: tuple[str, ...] = (),
) -> Run:
    """The run for a choice of model, in bfloat16 where that is faster on this machine.

    Raises:
        ValueError: If a setting is invalid.
    """
    data = {"name": OWN, "options": preparation.as_options()}
    title = f"{data_title(data)}, {families.title(choice.model)}"
    return Run(
        choice.model,
        OWN,
        settings,
        preparation.as_options(),
        title=title,
        minutes=minutes,
        batch=BATCH,
        bf16=bfloat16_is_fast(),
        augment=augment,
        **schedule_for(settings),
    )


@cache
def bfloat16_is_fast() -> bool:
    """Whether the device that trains multiplies matrices in bfloat16 in hardware."""
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    features = torch.cpu.get_capabilities()
    return any(features.get(name, False) for name in ("amx_bf16", "avx512_bf16", "sve_bf16", "arm_bf16"))


def name_of(run: Run) -> str:
    """A name for a run, from its images and its model, e.g. "fruits-vae"."""
    stem = unicodedata.normalize("NFKD", Path(path_of(run)).stem).encode("ascii", "ignore").decode("ascii")
    plain = re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-")[:NAME_LENGTH].strip("-")
    return f"{plain or 'images'}-{run.model}"


def path_of(run: Run) -> str:
    """The path of a run's images."""
    return str(run.options.get("path", ""))


def prepare_images(request: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """The job before a training: decodes the images into the cache folder.

    Arguments:
        request: The options of a `Preparation`.
        report: Called with the share done and the current step.

    Raises:
        ValueError: If there are too few images to train on.
        StorageError: If the cache folder cannot be written.
    """
    from models.data.own import prepare

    prepared = prepare(Preparation.from_options(dict(request)), lambda share, what: report(share, what))
    prepared.check_learnable()
    return {"images": len(prepared)}


def facts_of(entry: Entry) -> dict[str, str]:
    """Facts about a finished model, for display: name -> value.

    Raises:
        ValueError: If its atlas cannot be used.
    """
    card = entry.card
    if card is None:
        return {}
    channels, height, width = card.config["image_shape"]
    facts = {
        "PSNR on test images": _psnr(entry),
        "Model": f"{families.title(card.model)}, {families.extent(families.spec_of(card))}",
        "Pixels": f"{width}×{height} {'grey' if channels == 1 else 'colour'}",
    }
    images, steps, seconds = (card.training.get(name) for name in ("images", "steps", "seconds"))
    if isinstance(images, int):
        facts["Training images"] = f"{images:,}"
    if isinstance(steps, int):
        facts["Steps"] = f"{steps:,}"
    if isinstance(seconds, int | float):
        facts["Training took"] = training_time.in_words(seconds)
    return facts


def _psnr(entry: Entry) -> str:
    """Mean PSNR of the test images' reconstructions, from the atlas, whose `error` is the mean squared error."""
    atlas = load_atlas(entry)
    test = np.array(atlas.split) == "test"
    if "error" not in atlas.scores or not test.any():
        return "not measured"
    errors = np.maximum(atlas.scores["error"][test].astype(np.float64), 1e-10)
    return f"{np.mean(-10 * np.log10(errors)):.1f} dB ({test.sum():,} images)"
