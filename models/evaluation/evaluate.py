r"""Measures a checkpoint on the test images of its data set.

Every metric has a unit and a protocol. Means are over images, never over batches.

PSNR = -10 log10(MSE) of pixels in [0, 1];  ELBO = E_q [log p(x|z)] - KL(q(z|x) || p(z)), one draw of z per image;
active units: Var_x(E[z|x]) > 0.01 (Burda et al. 2015).

bits/dim = -log2 P(x) / dimensions of an image, for the 8-bit image (Theis et al. 2015). Flows are measured by it and by
the error of their inverse; as they are invertible, metrics of reconstructions and latents would be meaningless.

Pixels that a likelihood binarises are drawn once, with a fixed seed, and are the same for all metrics.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from models import checkpoint
from models.base import Autoencoder
from models.card import Card, CheckpointError, Entry, write_card
from models.configuration import config_from_dict
from models.data import ImageData, load_data
from models.evaluation.attribute_classifier import readability
from models.evaluation.codebook_use import codebook_metrics
from models.evaluation.disentanglement import baselines, disentanglement
from models.evaluation.likelihood import bound, density, log_likelihood
from models.evaluation.linear_probe import probe
from models.evaluation.metric import Metrics
from models.evaluation.nearest_image import FILMS, nearest_image
from models.evaluation.reconstruction import inverse, reconstruction, restoration
from models.evaluation.sequences import sequence_metrics
from models.evaluation.units import active_units, sparsity
from models.evaluation.weights import code_bits, weight_count
from models.families import FAMILIES, IMPORTED
from models.protocols import as_discrete, as_sequence_model

__all__ = ["STAGES", "Wanted", "evaluate", "measure"]

EVALUATED = ("validation", "test")  # splits
LABEL = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
# What is measured together, in this order.
STAGES = (
    "density",
    "inverse",
    "reconstruction",
    "restoration",
    "nearest",
    "bound",
    "units",
    "codebook",
    "likelihood",
    "probe",
    "disentanglement",
    "baselines",
    "attributes",
)


@dataclass(frozen=True)
class Wanted:
    """What to measure in addition to the quick metrics."""

    samples: int | None = None  # L of the importance-sampled and the naive log-likelihood
    probe: bool = False  # error of a linear probe for each class
    disentanglement: bool = False  # MIG, DCI, SAP, FactorVAE and beta-VAE score
    attributes: bool = False  # what classifiers trained on pixels read from reconstructions
    split: str = "test"  # or "validation", for choices between trainings
    only: tuple[str, ...] = ()  # measure these of `STAGES` alone; () for all that the others ask for


def evaluate(
    name: str | Path,
    wanted: Wanted = Wanted(),
    *,
    seeds: Sequence[str | Path] = (),
    beside: Mapping[str, Sequence[str | Path]] = MappingProxyType({}),
    limit: int | None = None,
    command: str = "",
    write: bool = False,
) -> Metrics:
    """Measures a checkpoint on its data set's test split, or on the validation split.

    Arguments:
        name: Name or folder of the checkpoint.
        wanted: What to measure in addition to the quick metrics.
        seeds: Names or folders of runs that differ from the checkpoint only in their seed; they are measured too,
            and each metric stores the values of all runs in `values`, the checkpoint's first.
        beside: Runs of other models or of other data to compare with, of one or more seeds each, by a label; their
            metrics are named after it, such as `mse_one_level`.
        limit: Use only the first images; None for all.
        command: The command to record with the metrics.
        write: Write the metrics to the checkpoint's card.

    Returns:
        Metrics by name, each with value, unit, protocol and command.

    Raises:
        ValueError: If the checkpoint cannot be used or does not support a metric, or its weights changed in the
            meantime; if a run of `seeds` is another model or another training.
    """
    if wanted.split not in EVALUATED:
        raise ValueError(f"`split` must be one of: {', '.join(EVALUATED)}. Got {wanted.split!r}.")
    if write and wanted.split != "test":
        raise ValueError(
            f"A card keeps metrics of the test split alone. Got {wanted.split!r}: leave out `--write`."
        )
    entry = checkpoint.read(name)
    metrics = measure(entry, wanted, limit)
    if seeds:
        runs = [checkpoint.read(seed) for seed in seeds]
        numbers = _seeds(entry, runs)
        others = [measure(run, wanted, limit) for run in runs]
        for key, one in metrics.items():
            if "values" in one:  # of seeds of its own
                continue
            one["values"] = [one["value"], *(other[key]["value"] for other in others)]
            one["protocol"] += f"; runs of seeds {', '.join(map(str, numbers))}"
    for label, runs_beside in beside.items():
        metrics |= _beside(label, runs_beside, wanted, limit)
    for one in metrics.values():
        one["command"] = command
    if write:
        card = _card(checkpoint.read(entry.path))  # read again: a measurement takes minutes to hours
        if card.weights_sha256 != _card(entry).weights_sha256:
            raise CheckpointError(
                f"The weights of {entry.name} changed while they were measured, so the metrics are not stored. "
                "Measure again."
            )
        kept = {key: _kept(card.metrics.get(key, {}), one) for key, one in metrics.items()}
        write_card(entry.path, replace(card, metrics={**card.metrics, **kept}))
    return metrics


def _beside(label: str, runs: Sequence[str | Path], wanted: Wanted, limit: int | None) -> Metrics:
    """The metrics of runs of one training, which differ by their seed alone, with a label behind the names."""
    if not LABEL.fullmatch(label):
        raise ValueError(f"`beside` must have labels that match {LABEL.pattern}. Got {label!r:.80}.")
    entries = [checkpoint.read(run) for run in runs]
    numbers = _seeds(entries[0], entries[1:])
    first, card = entries[0], _card(entries[0])
    bits, done = code_bits(first), card.training
    about = [
        f"{card.model} of {weight_count(first):,} numbers",
        *([f"{bits:g} bits of codes an image"] if bits else []),
        f"{done.get('steps', 0):,} steps, {done.get('images', 0):,} training images",
        f"seeds {', '.join(map(str, numbers))}",
    ]
    measured = [measure(entry, wanted, limit) for entry in entries]
    found = {}
    for key, one in measured[0].items():
        values = [each[key]["value"] for each in measured]
        protocol = "; ".join([one["protocol"], *about])
        found[f"{key}_{label}"] = one | {"protocol": protocol, "values": values, "trained": card.command}
    return found


def measure(entry: Entry, wanted: Wanted = Wanted(), limit: int | None = None) -> Metrics:
    """The metrics of one checkpoint.

    Raises:
        ValueError: If the model or its data do not offer what is wanted.
    """
    card = _card(entry)
    model = checkpoint.load(entry.path)
    name, options = card.data["name"], card.data.get("options", {})
    if model.spec.sequence:
        if asked := [option for option, value in vars(wanted).items() if value and option != "split"]:
            raise ValueError(
                f"{entry.name} is a sequence model. Leave out `--{asked[0]}`, which needs a model of images."
            )
        return sequence_metrics(as_sequence_model(model), name, options, limit, wanted.split)
    stages = _stages(model, card, wanted, limit)
    if missing := [stage for stage in wanted.only if stage not in stages]:
        raise ValueError(
            f"`only` must name what can be measured of {entry.name}: {', '.join(stages)}. Got {missing[0]!r}."
        )
    metrics: Metrics = {}
    for stage, run in stages.items():
        if stage in (wanted.only or stages):
            metrics |= run()
    return metrics


def _stages(
    model: Autoencoder, card: Card, wanted: Wanted, limit: int | None
) -> dict[str, Callable[[], Metrics]]:
    """What can be measured of a model of images, and is wanted: functions by their names in `STAGES`."""
    name, options = card.data["name"], card.data.get("options", {})
    data = load_data(name, wanted.split, limit=limit, **options)

    def train(limit: int | None = None) -> ImageData:
        return load_data(name, "train", limit=limit, **options)

    def units() -> Metrics:
        return sparsity(model, data) | (active_units(model, data) if bounded else {})

    discrete, exact = model.spec.discrete, model.spec.likelihood == "exact"
    bounded = model.spec.likelihood == "bound" and not discrete
    scores = wanted.disentanglement or not {"disentanglement", "baselines"}.isdisjoint(wanted.only)
    stages: dict[str, tuple[bool, Callable[[], Metrics]]] = {
        "density": (exact, lambda: density(model, data)),
        "inverse": (exact and not discrete, lambda: inverse(model, data)),
        "reconstruction": (not exact, lambda: reconstruction(model, data)),
        "restoration": (not exact, lambda: restoration(model, data)),
        "nearest": (
            not exact and name in FILMS,
            lambda: nearest_image(train(card.training.get("limit") or None), data),
        ),
        # The training loss of an imported model is not known.
        "bound": (not exact and card.model not in IMPORTED, lambda: bound(model, data)),
        "units": (not exact, units),
        "codebook": (discrete, lambda: codebook_metrics(as_discrete(model), data)),
        "likelihood": (wanted.samples is not None, lambda: log_likelihood(model, data, wanted.samples or 0)),
        "probe": (wanted.probe or "probe" in wanted.only, lambda: probe(model, train(), data)),
        "disentanglement": (scores, lambda: disentanglement(model, data)),
        "baselines": (
            scores and not model.closed_form,
            lambda: baselines(model, train(card.training.get("images")), data),
        ),
        "attributes": (
            wanted.attributes or "attributes" in wanted.only,
            lambda: readability(model, train(), data),
        ),
    }
    return {stage: stages[stage][1] for stage in STAGES if stages[stage][0]}


def _kept(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """The metric to store: one of several seeds is kept as long as its value is reproduced."""
    same = old.get("value") == new["value"] and old.get("protocol", "").startswith(new["protocol"])
    return old if same and "values" in old and "values" not in new else new


def _card(entry: Entry) -> Card:
    if entry.card is None:
        raise CheckpointError(f"{entry.path} has no card.")
    return entry.card


def _as_trained(card: Card, field: str) -> Any:
    """A field of a card; a configuration with the defaults of fields that were added to the model later."""
    if field != "config" or card.model not in FAMILIES:
        return getattr(card, field)
    return config_from_dict(FAMILIES[card.model].Config, card.config)


def _seeds(entry: Entry, runs: Sequence[Entry]) -> list[Any]:
    """The seeds of a checkpoint and of other runs of the same training, in order."""
    cards = [_card(each) for each in (entry, *runs)]
    for run, card in zip(runs, cards[1:], strict=True):
        for field in ("model", "config", "data"):
            if _as_trained(card, field) != _as_trained(cards[0], field):
                raise ValueError(
                    f"`seeds` must name runs that differ only in their seed. {run.path} has another `{field}` "
                    f"than {entry.name}."
                )
    numbers = [card.training.get("seed") for card in cards]
    if None in numbers or len(set(numbers)) < len(numbers):
        raise ValueError(f"`seeds` must name runs of different seeds. Got the seeds {numbers}.")
    return numbers
