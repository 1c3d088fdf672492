"""The five disentanglement scores of a model, each with its protocol."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.base import Autoencoder
from models.data import ImageData
from models.data.faces import FACTORS as FACE_FACTORS
from models.data.faces_drawing import render
from models.evaluation.disentanglement.arrays import Array
from models.evaluation.disentanglement.beta_vae import beta_vae_score
from models.evaluation.disentanglement.dci import RANKS, TREES, dci
from models.evaluation.disentanglement.factor_vae import factor_vae_score
from models.evaluation.disentanglement.mig import BINS, mutual_information_gap
from models.evaluation.disentanglement.sap import SOFTNESS, separated_attribute_predictability
from models.evaluation.disentanglement.sources import BATCH, FactorSource, labelled, redrawn
from models.evaluation.metric import Metrics, metric
from models.evaluation.reconstruction import posterior_means

__all__ = ["Factors", "disentanglement", "known_factors", "mean_codes", "measurable"]

FEWEST = 200  # images
POINTS, TEST_POINTS = 10_000, 5_000  # most images to fit on and to test on
BATCHES, TEST_BATCHES = 10_000, 5_000  # batches with one factor held fixed, to fit on and to test on
DRAWN = 256  # images per batch of the generator

Note = Callable[[str], str]  # description of a measurement -> its full protocol

# Data sets whose images can be drawn from factors: names of the columns, and the function that draws.
GENERATORS: dict[str, tuple[tuple[str, ...], Callable[[NDArray[np.float32]], NDArray[np.uint8]]]] = {
    "faces": (FACE_FACTORS, render),
}


@dataclass(frozen=True, eq=False)
class Factors:
    """The factors of all images, as numbers."""

    names: tuple[str, ...]
    values: Array  # (N, F)
    discrete: NDArray[np.bool_]  # (F,), which are classes


def disentanglement(model: Autoencoder, data: ImageData, *, seed: int = 0) -> Metrics:
    """MIG, DCI, SAP, FactorVAE and beta-VAE score of a model's posterior means.

    Arguments:
        model: A model with real-valued latents of at most a few hundred dimensions.
        data: Images with at least two exact factors; see `measurable`.
        seed: Seed of the choice of images and batches.

    Returns:
        Metrics in [0, 1]: mig, dci_disentanglement, dci_completeness, dci_informativeness, sap, factor_vae,
        beta_vae.

    Raises:
        ValueError: If the model's latent is discrete, or `data` has too few factors or images.

    References:
        | Challenging Common Assumptions in the Unsupervised Learning of Disentangled Representations
        | (Locatello et al., 2018), https://arxiv.org/abs/1811.12359
    """
    if not measurable(data):
        raise ValueError(
            f"`data` must have two factors that vary and {FEWEST} images. Got {data.name} with "
            f"{len(known_factors(data).names)} and {len(data)}: use faces or lpc-sprites."
        )
    factors = known_factors(data)
    means = mean_codes(model, data.images)
    source = make_source(model, data, means, factors)
    splitting, voting, pairing = np.random.default_rng(seed).spawn(3)
    order = splitting.permutation(len(means))
    fit, test = np.split(order, [min(POINTS, 2 * len(order) // 3)])
    test = test[:TEST_POINTS]
    four = means[fit], factors.values[fit], means[test], factors.values[test]
    about = (
        f"mean codes of {means.shape[1]} dimensions, {len(factors.names)} factors, {data.name} {data.split}"
    )

    def note(how: str) -> str:
        return f"{about}, {how}, seed {seed}"

    return (
        information(means[order[:POINTS]], factors.values[order[:POINTS]], note)
        | predictors(four, factors.discrete, note)
        | held_factors(source, voting, pairing, note)
    )


def information(means: Array, values: Array, note: Note) -> Metrics:
    """MIG of latents (N, D) and factors (N, F)."""
    how = f"{BINS} bins of equal width a code and a factor of more values, {len(means)} images"
    return {"mig": metric(mutual_information_gap(means, values), "", note(how))}


def predictors(four: tuple[Array, Array, Array, Array], discrete: NDArray[np.bool_], note: Note) -> Metrics:
    """DCI and SAP, from latents and factors to fit on, and latents and factors to test on."""
    split = f"fitted on {len(four[0])}, judged on {len(four[2])} images"
    grown = (
        f"gradient boosted trees, {TREES['n_estimators']} rounds of depth {TREES['max_depth']} "
        f"on codes in {RANKS} ranks, {split}"
    )
    trees = dci(*four, discrete)
    described = f"accuracy (discrete) and R^2 (continuous), {trees.per_factor.min():.3f} to {trees.per_factor.max():.3f}"
    line = f"linear SVM (C {SOFTNESS}, standardised codes) of discrete factors, r^2 of continuous, {split}"
    return {
        "dci_disentanglement": metric(trees.disentanglement, "", note(grown)),
        "dci_completeness": metric(trees.completeness, "", note(grown)),
        "dci_informativeness": metric(trees.informativeness, "", note(f"mean of {described}, {grown}")),
        "sap": metric(separated_attribute_predictability(*four, discrete), "", note(line)),
    }


def held_factors(
    source: FactorSource, voting: np.random.Generator, pairing: np.random.Generator, note: Note
) -> Metrics:
    """FactorVAE and beta-VAE score, from batches with one factor held fixed."""
    held = (
        f"{source.about}, batches of {BATCH}, {BATCHES} to fit, {TEST_BATCHES} judged, "
        f"chance {1 / source.groups.shape[1]:.3f}"
    )
    votes = factor_vae_score(source, voting, train=BATCHES, test=TEST_BATCHES)
    lines = beta_vae_score(source, pairing, train=BATCHES, test=TEST_BATCHES)
    return {
        "factor_vae": metric(votes, "accuracy", note(f"majority vote, {held}")),
        "beta_vae": metric(lines, "accuracy", note(f"logistic regression of standardised |z1 - z2|, {held}")),
    }


def measurable(data: ImageData) -> bool:
    """Whether a data set has enough factors and images for the scores."""
    return len(data) >= FEWEST and len(known_factors(data).names) >= 2


def known_factors(data: ImageData) -> Factors:
    """The attributes that are known of all images and vary between them, in their order."""
    varied = {
        name: each
        for name, each in data.attributes.items()
        if not each.has_missing and len(np.unique(each.values)) > 1
    }
    return Factors(
        names=tuple(varied),
        values=table(data, tuple(varied)),
        discrete=np.array([each.kind != "continuous" for each in varied.values()], bool),
    )


def table(data: ImageData, names: tuple[str, ...]) -> Array:
    """Named attributes as columns, shape (N, F)."""
    columns = [np.asarray(data.attributes[name].values, np.float64) for name in names]
    return np.stack(columns, axis=1) if columns else np.empty((len(data), 0))


def mean_codes(model: Autoencoder, images: NDArray[np.uint8]) -> Array:
    """Posterior means of uint8 images (N, H, W, C), shape (N, D).

    Raises:
        ValueError: If the model's latent is discrete: indices of a codebook have no distance.
    """
    if model.spec.discrete:
        raise ValueError(
            f"`model` must encode to real numbers. {type(model).__name__} has a discrete latent."
        )
    return posterior_means(model, images).astype(np.float64)


def make_source(model: Autoencoder, data: ImageData, means: Array, factors: Factors) -> FactorSource:
    """Images with one factor held fixed: drawn again if the data set has a generator, else chosen from it."""
    if data.name not in GENERATORS:
        return labelled(means, factors.values, factors.discrete)
    names, draw = GENERATORS[data.name]
    columns = [names.index(name) for name in factors.names]

    def encode_from(moved: Array) -> Array:
        whole = table(data, names).astype(np.float32)
        whole[:, columns] = moved
        parts = range(0, len(whole), DRAWN)
        return np.concatenate([mean_codes(model, draw(whole[i : i + DRAWN])) for i in parts])

    return redrawn(factors.values, factors.discrete, encode_from)
