r"""The linear probe: how well a linear classifier predicts attributes from latents.

p(y|z) = softmax(W z + b),   min_W  -sum log p(y|z) + |W|^2 / (2 C)

Latents are posterior means, standardised over the training images. C is chosen from a short list by the error on a
held-out tenth of the training images; the classifier is then fitted to all of them and tested on test images. Images
with a missing value are left out.

References:
    | Understanding intermediate layers using linear classifier probes (Alain & Bengio, 2016)
    | https://arxiv.org/abs/1610.01644
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.base import Autoencoder
from models.data import Attribute, ImageData
from models.evaluation.metric import Metrics, metric
from models.evaluation.reconstruction import posterior_means

__all__ = ["Probe", "classes", "linear_probe", "probe"]

STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)  # C, from strong to weak regularisation
HELD_OUT = 10  # one image in this many is held out
STEPS = 200  # most iterations of L-BFGS
LEAST_SPREAD = 1e-6  # least standard deviation of a unit that is not dead

Codes = NDArray[np.float32]
Labels = NDArray[Any]


@dataclass(frozen=True)
class Probe:
    """The error of a linear probe."""

    error: float  # share of the test images, 0 to 1
    strength: float  # C


def probe(model: Autoencoder, train: ImageData, test: ImageData, *, seed: int = 0) -> Metrics:
    """The error of the linear probe for each attribute with two or more classes.

    Raises:
        ValueError: If the images have no such attribute.
    """
    both = {attribute.name for attribute in classes(train)}
    attributes = [attribute for attribute in classes(test) if attribute.name in both]
    if not attributes:
        raise ValueError(f"The data set {test.name!r} has no classes to probe for. Leave out `--probe`.")
    fit, judged = posterior_means(model, train.images), posterior_means(model, test.images)
    metrics = {}
    for attribute in attributes:
        name = attribute.name
        taught = train.attributes[name]
        a, b = taught.known, attribute.known
        result = linear_probe(fit[a], taught.values[a], judged[b], attribute.values[b], seed=seed)
        about = (
            f"multinomial logistic regression on standardised posterior means of {a.sum()} training images, "
            f"C chosen on a held-out tenth (seed {seed}), {test.name} {test.split}, {b.sum()} images"
        )
        metrics[f"probe_error_{name}"] = metric(100 * result.error, "% of test images", about)
    return metrics


def classes(data: ImageData) -> list[Attribute]:
    """The attributes with classes of which at least two occur."""
    return [
        attribute
        for attribute in data.attributes.values()
        if attribute.kind != "continuous" and len(np.unique(attribute.values[attribute.known])) > 1
    ]


def linear_probe(fit: Codes, labels: Labels, judged: Codes, truth: Labels, *, seed: int = 0) -> Probe:
    """Fits a linear classifier to latents (N, D) and labels (N,); tests it on others (M, D) and (M,)."""
    center, spread = fit.mean(0), fit.std(0)
    spread[spread < LEAST_SPREAD] = 1
    fit, judged = (fit - center) / spread, (judged - center) / spread
    order = np.random.default_rng(seed).permutation(len(fit))
    held, kept = np.split(order, [max(1, len(order) // HELD_OUT)])
    errors = _errors(fit[kept], labels[kept], fit[held], labels[held], STRENGTHS)
    strength = STRENGTHS[int(np.argmin(errors))]
    return Probe(_errors(fit, labels, judged, truth, (strength,))[0], strength)


def _errors(
    fit: Codes, labels: Labels, judged: Codes, truth: Labels, strengths: tuple[float, ...]
) -> list[float]:
    """Error rate for each C; each fit starts from the previous one."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    rule = LogisticRegression(max_iter=STEPS, warm_start=True)
    errors = []
    for strength in strengths:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # the protocol bounds the steps
            rule.set_params(C=strength).fit(fit, labels)
        errors.append(float((rule.predict(judged) != truth).mean()))
    return errors
