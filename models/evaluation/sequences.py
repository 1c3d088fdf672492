"""The metrics of a sequence model on the test split of its data set: loss and predictions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from torch import Tensor

from models.data import SequenceData, load_sequences
from models.data.moving_digits import originals
from models.data.oscillator import PERIOD
from models.data.tensors import BATCH
from models.evaluation.attribute_classifier import train_classifier
from models.evaluation.likelihood import sums_of_terms
from models.evaluation.metric import SEED, Metrics, metric
from models.evaluation.moving_digits import as_tensor, prediction
from models.evaluation.oscillator import JUMPS, oscillation
from models.protocols import SequenceModel

__all__ = ["sequence_metrics", "sequences"]


def sequence_metrics(
    model: SequenceModel, name: str, options: dict[str, Any], limit: int | None = None, split: str = "test"
) -> Metrics:
    """The metrics of a sequence model on a split of its data set.

    Arguments:
        model: A sequence model.
        name: Its data set, one of `models.data.SEQUENCES`.
        options: Options of the data set in training.
        limit: Use only the first sequences; None for all.
        split: "test" or "validation".
    """
    data = load_sequences(name, split, limit=limit, **options)
    about = f"as trained, {model.likelihood.pixels}, {name} {split}, {len(data)} sequences, seed {SEED}"
    sums = sums_of_terms(model, sequences(data))
    metrics = {term: metric(total / len(data), "nats/frame", about) for term, total in sums.items()}
    if name == "moving-digits":
        clean = load_sequences(name, split, limit=limit, **(options | {"noise": 0.0}))
        classifier = train_classifier(originals("train", options.get("source", "mnist")))
        metrics |= prediction(model, data, clean, classifier)
    if name == "oscillator":
        metrics |= oscillation(model, data, options.get("period", PERIOD), min(JUMPS, model.config.jump))
    return metrics


def sequences(data: SequenceData) -> Iterator[Tensor]:
    """Consecutive batches of sequences, as a model takes them: (B, T, C, H, W) in [0, 1]."""
    for start in range(0, len(data), BATCH):
        yield as_tensor(data.frames(np.arange(start, min(start + BATCH, len(data)))))
