"""Outlier scores: meaning, direction, source, and the models that support each.

How well a score finds outliers is measured by `python -m benchmarks.outliers`, which stores its metrics in
`outlier_figures.json`: far outliers are images of another data set, near ones a class that a small VAE of the
same data set was not trained on.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.latent.intervals import auc_interval
from explorer.latent.statistics.outliers import Tail

if TYPE_CHECKING:
    from models.base import LatentSpec

__all__ = [
    "HELD_OUT",
    "RESULTS",
    "SCORES",
    "DetectionResult",
    "Score",
    "detection_results",
    "refusal",
    "usable",
]

HELD_OUT = "held-out"  # the small VAE without one class
RESULTS = Path(__file__).with_name("outlier_figures.json")


@dataclass(frozen=True)
class Score:
    """One outlier score."""

    key: str
    title: str
    unit: str
    tail: Tail  # in which the outliers lie
    meaning: str  # in one sentence
    source: str  # paper
    link: str
    costly: bool = True  # computed from the pictures; the others are in the atlas
    likelihood: bool = False  # a likelihood, which may fail to detect outliers


SCORES = {
    score.key: score
    for score in (
        Score(
            "kl",
            "KL to the prior",
            "nats",
            "high",
            "How far the image's posterior is from the prior: how much information its latent carries.",
            "Kingma & Welling 2013",
            "https://arxiv.org/abs/1312.6114",
            costly=False,
        ),
        Score(
            "neighbour_distance",
            "Distance to neighbours",
            "prior standard deviations",
            "high",
            "How far the image's latent is from that of its 10th nearest image: high where images are rare.",
            "Ramaswamy et al. 2000",
            "https://doi.org/10.1145/342009.335437",
            costly=False,
        ),
        Score(
            "error",
            "Reconstruction error",
            "squared, per pixel",
            "high",
            "How much the reconstruction differs from the image.",
            "Sakurada & Yairi 2014",
            "https://doi.org/10.1145/2689746.2689747",
            costly=False,
        ),
        Score(
            "reconstruction",
            "Reconstruction probability",
            "nats",
            "low",
            "How probable the image is, on average, given latents drawn from its own posterior.",
            "An & Cho 2015",
            "http://dm.snu.ac.kr/static/docs/TR/SNUDM-TR-2015-03.pdf",
            likelihood=True,
        ),
        Score(
            "elbo",
            "ELBO",
            "nats",
            "low",
            "The bound on the image's log-likelihood: its reconstruction probability less the KL to the "
            "prior.",
            "Kingma & Welling 2013",
            "https://arxiv.org/abs/1312.6114",
            likelihood=True,
        ),
        Score(
            "importance",
            "log p(x), 64 samples",
            "nats",
            "low",
            "A lower bound on the image's log-likelihood: the log of the mean weight of 64 latents drawn "
            "from its posterior; on outliers it may be many nats too low. The Anatomy page shows an image's "
            "effective samples, and draws more.",
            "Burda et al. 2015",
            "https://arxiv.org/abs/1509.00519",
            likelihood=True,
        ),
        Score(
            "regret",
            "Likelihood regret",
            "nats",
            "high",
            "How much the likelihood rises when the posterior is optimised for the image instead of taken from the "
            "encoder: little for images like the training data, much for others.",
            "Xiao et al. 2020",
            "https://arxiv.org/abs/2003.02977",
        ),
        Score(
            "density",
            "log P(x), bound",
            "nats",
            "low",
            "A lower bound on the log-likelihood: the flow's density of the image with noise on its grey "
            "levels, the same noise for every image.",
            "Dinh et al. 2016",
            "https://arxiv.org/abs/1605.08803",
            likelihood=True,
        ),
    )
}


def refusal(key: str, spec: LatentSpec) -> str:
    """Why a model does not support a score; "" if it does.

    Arguments:
        key: A key of `SCORES`.
        spec: The model's latent.

    Raises:
        ValueError: If there is no such score.
    """
    if key not in SCORES:
        raise ValueError(f"Unknown score {key[:40]!r}. Choose one of: {', '.join(SCORES)}.")
    exact = spec.likelihood == "exact" and not spec.discrete
    if key == "neighbour_distance":
        return ""
    if key == "error" and spec.pictures != "decoded":
        return "Nothing is decoded: there is no reconstruction whose error could be measured."
    if key == "error":
        return "A flow decodes every image to itself: its error is only rounding." if exact else ""
    if key == "density":
        return "" if exact else "Only a flow gives the density of an image."
    if spec.sequence:
        return "The model encodes sequences: single frames have no posterior and no likelihood."
    if spec.discrete:
        return (
            "Its codes are discrete: there is no Gaussian posterior to compare with a prior or to optimise."
        )
    if exact:
        return "A flow's latent is a point: without a posterior there is no ELBO and no regret."
    if not spec.prior or spec.likelihood != "bound":
        return "Its latent is a point: there is no posterior and no likelihood."
    return ""


def usable(spec: LatentSpec) -> list[Score]:
    """The scores that a model supports."""
    return [score for key, score in SCORES.items() if not refusal(key, spec)]


@dataclass(frozen=True)
class DetectionResult:
    """The measured detection performance of an outlier score."""

    model: str  # checkpoint
    score: str
    inliers: str  # what the model was trained on, for people
    outliers: str  # the outliers to detect, for people
    auroc: float  # 0 to 1
    low: float  # of its 95 % interval
    high: float
    images: int  # of each kind
    command: str
    near: bool = False  # the outliers are a class of the same data set that the model was not trained on
    fpr95: tuple[float, float, float] | None = None  # false positive rate at 95 % recall, and its interval

    @property
    def backwards(self) -> bool:
        """Whether the score points the wrong way: outliers score as more typical than inliers."""
        return self.auroc < 0.5


def detection_results(path: Path = RESULTS) -> Sequence[DetectionResult]:
    """Reads the measured results; empty if the file is missing or invalid."""
    try:
        stamp = path.stat().st_mtime_ns
    except OSError:
        return ()
    return _read(path, stamp)


@cache
def _read(path: Path, stamp: int) -> tuple[DetectionResult, ...]:
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
        return tuple(
            _result(case, key, value, str(case.get("command", content.get("command", ""))))
            for case in content["cases"]
            for key, value in case["scores"].items()
            if key in SCORES and math.isfinite(value["auroc"])
        )
    except (OSError, ValueError, LookupError, TypeError):
        return ()


def _result(case: dict[str, Any], score: str, value: dict[str, Any], command: str) -> DetectionResult:
    """Reads one result; its interval is computed from the standard error on the logit scale."""
    images, area = int(case["images"]), float(value["auroc"])
    interval = auc_interval(area, float(value["error"]) ** 2, images)
    ends = tuple(map(float, value["fpr95"])) if "fpr95" in value else None
    if ends is not None and len(ends) != 3:
        raise ValueError(f"`fpr95` must be a share and its interval. Got {len(ends)} numbers.")
    return DetectionResult(
        case["model"],
        score,
        case["seen"],
        case["odd"],
        area,
        interval.low,
        interval.high,
        images,
        command,
        bool(case.get("near", case["model"] == HELD_OUT)),
        ends,
    )
