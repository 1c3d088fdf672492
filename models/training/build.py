"""The model that a run trains: built from its configuration, with drawn weights or those of a checkpoint."""

from __future__ import annotations

import torch

from models import checkpoint
from models.base import Autoencoder
from models.configuration import config_from_dict
from models.data import DATASETS, SEQUENCES
from models.training.randomness import Stream, seed_of
from models.training.run import Run

__all__ = ["build", "init_from"]


def build(run: Run, image_shape: tuple[int, int, int]) -> Autoencoder:
    """The untrained model of a run, its weights drawn from the run's seed.

    Arguments:
        run: Its model, configuration and seed.
        image_shape: (C, H, W).

    Raises:
        ValueError: If there is no such model or configuration, or the model cannot learn from the data.
    """
    from models.families import MODELS

    if run.model not in MODELS:
        raise ValueError(f"Unknown model {run.model!r}. Choose one of: {', '.join(MODELS)}.")
    cls = MODELS[run.model]
    config = config_from_dict(cls.Config, {**run.config, "image_shape": image_shape})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of(run.seed, Stream.START))
        model = cls(config)
    check_kind(run, model)
    return model


def init_from(run: Run, model: Autoencoder) -> dict[str, str]:
    """Gives a model the weights that its run starts with.

    Returns:
        What the card says of them; nothing where the weights are drawn from the seed.

    Raises:
        ValueError: If there is no such checkpoint, or its weights are laid out in another way.
    """
    if not run.start:
        return {}
    entry = checkpoint.read(run.start)
    weights = checkpoint.load(entry.path).state_dict()
    theirs, ours = ({name: t.shape for name, t in each.items()} for each in (weights, model.state_dict()))
    odd = sorted(name for name in theirs | ours if theirs.get(name) != ours.get(name))
    if odd:
        raise ValueError(
            f"`start` must be a checkpoint whose weights fit the model. {run.start!r} differs in {odd[0]!r}. "
            "Use the `--set` of its card, or begin without `--from`."
        )
    model.load_state_dict(weights)
    return {"start_weights": entry.version}


def check_kind(run: Run, model: Autoencoder) -> None:
    """Raises where a model of images is given sequences, or the other way round, or sequences are augmented."""
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
            f"`augment` is for images that a model sees many times. {run.model!r} sees none twice."
        )
