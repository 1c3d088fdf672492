"""Builds the model of a run, with random weights or those of a checkpoint."""

from __future__ import annotations

from typing import Any

import torch

from models import checkpoint
from models.base import Autoencoder
from models.configuration import config_from_dict
from models.data import DATASETS, SEQUENCES
from models.training.randomness import Stream, seed_of
from models.training.run import Run

__all__ = ["build", "init_from", "initialised"]


def build(run: Run, image_shape: tuple[int, int, int]) -> Autoencoder:
    """Builds the untrained model of a run; its weights are drawn from the seed of the run.

    Arguments:
        run: Gives model, configuration and seed.
        image_shape: (C, H, W).

    Raises:
        ValueError: If the model is unknown, its configuration is invalid, or it does not take this kind of data.
    """
    from models.families import MODELS

    if run.model not in MODELS:
        raise ValueError(f"Unknown model {run.model!r}. Choose one of: {', '.join(MODELS)}.")
    cls = MODELS[run.model]
    model = initialised(
        cls, config_from_dict(cls.Config, {**run.config, "image_shape": image_shape}), run.seed
    )
    check_kind(run, model)
    return model


def initialised(cls: type[Autoencoder], config: Any, seed: int) -> Autoencoder:
    """Builds an untrained model, with weights drawn from the seed of a run."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of(seed, Stream.START))
        return cls(config)


def init_from(run: Run, model: Autoencoder) -> dict[str, str]:
    """Loads the weights that a run starts from.

    Returns:
        What the card records about them; empty if the weights are drawn from the seed.

    Raises:
        ValueError: If there is no such checkpoint, or the shapes of its weights differ.
    """
    if not run.start:
        return {}
    entry = checkpoint.read(run.start)
    weights = checkpoint.load(entry.path).state_dict()
    theirs, ours = ({name: t.shape for name, t in each.items()} for each in (weights, model.state_dict()))
    different = sorted(name for name in theirs | ours if theirs.get(name) != ours.get(name))
    if different:
        raise ValueError(
            f"`start` must be a checkpoint whose weights fit the model. {run.start!r} differs in {different[0]!r}. "
            "Use the `--set` of its card, or train without `--from`."
        )
    model.load_state_dict(weights)
    return {"start_weights": entry.version}


def check_kind(run: Run, model: Autoencoder) -> None:
    """Raises ValueError if the model does not take images, or sequences, like the data, or cannot use augmentation."""
    if model.spec.sequence and run.data not in SEQUENCES:
        raise ValueError(
            f"The model {run.model!r} learns from sequences, and {run.data!r} has images. "
            f"Choose one of: {', '.join(SEQUENCES)}."
        )
    if run.data in SEQUENCES and not model.spec.sequence:
        raise ValueError(
            f"The model {run.model!r} learns from images, and {run.data!r} has sequences. "
            f"Choose one of: {', '.join(DATASETS)}."
        )
    if run.augment and (model.spec.sequence or model.closed_form):
        raise ValueError(
            f"`augment` changes images in every epoch. {run.model!r} is not trained on images in epochs."
        )
