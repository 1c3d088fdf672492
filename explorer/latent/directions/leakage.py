r"""Leakage of an edit: how far every attribute moves, read from decoded pictures by an attribute classifier.

An image with latent z moves towards the other side of its target, z' = z + s v if it lacks the attribute and
z' = z - s v if it has it, and both pictures are classified. With r_a the expectation of attribute a (a probability per
label, or a value) and sigma_a the attribute's standard deviation in the collection (over all its labels),

movement of a    m_a = mean over images of |r_a(z') - r_a(z)| / sigma_a
success          share of images whose target flips as wanted
dependency       mean over a != target of m_a, over m_target

The strength is the smallest s with the required success, chosen on images other than those measured.

References:
    | StyleSpace Analysis (Wu et al., 2020): attribute dependency
    | https://arxiv.org/abs/2011.12799
    | Interpreting the Latent Space of GANs for Semantic Face Editing (Shen et al., 2020): success, projection
    | https://arxiv.org/abs/1907.10786
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.latent.attribute_values import Attribute, quantiles
from explorer.latent.directions.mean_difference import label_slugs

__all__ = ["AIM", "STRONGEST", "Leak", "Target", "Trial", "find_strength", "spread", "targets"]

Floats = NDArray[np.float64]
Images = NDArray[np.uint8]
Readings = Mapping[str, Floats]  # attribute -> (M, K), the classifier's expectation
Decode = Callable[[NDArray[np.float32]], Images]  # (M, D) -> (M, H, W, C)
Read = Callable[[Images], Readings]

AIM = 0.95  # success rate that a strength must reach; the acceptance threshold is 0.9 on other images
STRONGEST = 8.0  # largest strength tried, in units of the direction
BETWEEN = (0.84, 1.19, 0.7, 1.41)  # factors on the best doubled strength, tried if none reaches the aim
HALVINGS = 5  # bisection steps
STILL = 1e-3  # standard deviations; the dependency of a target that moves less is NaN


@dataclass(frozen=True)
class Target:
    """The attribute a direction should change, and the threshold at which an image changes sides."""

    attribute: str
    column: int = 0  # of the classifier's reading
    threshold: float = 0.5  # of the reading, between the side without and the side with
    exclusive: bool = False  # one label of several: the spread is that of the label


@dataclass(frozen=True)
class Leak:
    """Measured success and leakage of an edit."""

    strength: float
    images: int
    success: float  # share of the images; NaN without a target
    dependency: float  # NaN if the target does not move
    target: str  # attribute
    movements: dict[str, float]  # attribute -> mean |change|, in standard deviations per unit of the edit
    drifts: dict[str, float]  # attribute with one column -> mean signed change along the edit, same unit

    def as_json(self) -> dict[str, Any]:
        """JSON values; null for NaN."""

        def rounded(value: float) -> float | None:
            return round(float(value), 5) if np.isfinite(value) else None

        return {
            "strength": rounded(self.strength),
            "images": self.images,
            "success": rounded(self.success),
            "dependency": rounded(self.dependency),
            "target": self.target,
            "movements": {name: rounded(value) for name, value in self.movements.items()},
            "drifts": {name: rounded(value) for name, value in self.drifts.items()},
        }


def targets(attributes: Mapping[str, Attribute]) -> dict[str, Target]:
    """The target of each attribute direction, by the direction's slug.

    The threshold of a continuous attribute is its median.
    """
    found: dict[str, Target] = {}
    for name, attribute in attributes.items():
        if attribute.kind == "binary":
            found[name] = Target(name)
        elif attribute.kind == "categorical":
            for column, key in enumerate(label_slugs(attribute.labels)):
                found[f"{name}-{key}"] = Target(name, column, exclusive=True)
        else:
            found[name] = Target(name, threshold=quantiles(attribute, 0.5)[0])
    return found


def spread(attribute: Attribute, column: int | None = None) -> float:
    """The standard deviation of an attribute; for a categorical one, the root of the sum of its labels' variances.

    Arguments:
        attribute: With its values; missing ones do not count.
        column: Only this label of a categorical attribute, against the rest.
    """
    values = np.asarray(attribute.values)[attribute.known]
    if not len(values):
        return 0.0
    if attribute.kind != "categorical":
        return float(values.astype(np.float64).std())
    shares = np.bincount(values, minlength=len(attribute.labels)) / max(1, len(values))
    variances = shares * (1 - shares)
    return float(np.sqrt(variances.sum() if column is None else variances[column]))


class Trial:
    """Images to try edits on: their latents, the sign of each edit, and their unedited readings."""

    def __init__(
        self,
        decode: Decode,
        read: Read,
        z: ArrayLike,
        attributes: Mapping[str, Attribute],
        target: Target | None = None,
    ) -> None:
        """Classifies the unedited images.

        Arguments:
            decode: Latents (M, D) to pictures.
            read: Pictures to the classifier's expectation of each attribute.
            z: Latents of the images, shape (M, D).
            attributes: Of the collection; those that vary are measured.
            target: The attribute to change. If None, every image moves along the direction and the attribute that
                moves most counts as the target.

        Raises:
            ValueError: If there is no image or no attribute, or the classifier lacks an attribute.
        """
        self.z = np.asarray(z, np.float32)
        if self.z.ndim != 2 or not len(self.z):
            raise ValueError(f"`z` must have the shape (M, D) with M at least 1. Got {self.z.shape}.")
        self.target = target
        self.spreads = {name: spread(each) for name, each in attributes.items()}
        self.spreads = {name: value for name, value in self.spreads.items() if value > 0}
        if not self.spreads:
            raise ValueError("`attributes` must have one that varies. None does.")
        if target is not None and target.attribute not in self.spreads:
            raise ValueError(f"The target {target.attribute!r} must be an attribute that varies.")
        self.target_spread = 0.0
        if target is not None:
            column = target.column if target.exclusive else None
            self.target_spread = spread(attributes[target.attribute], column)
        self._decode, self._read = decode, read
        self.before = self.read(self.z)
        self.has = self._side(self.before)
        self.ways = np.where(self.has, -1.0, 1.0) if target is not None else np.ones(len(self.z))

    def __len__(self) -> int:
        return len(self.z)

    def read(self, z: NDArray[np.float32]) -> Readings:
        """The classifier's readings of decoded latents.

        Raises:
            ValueError: If an attribute is missing or a reading is not finite.
        """
        found = self._read(self._decode(z))
        for name in self.spreads:
            values = found.get(name)
            if values is None or values.shape[:1] != (len(z),) or not np.isfinite(values).all():
                raise ValueError(f"The classifier must read {name!r} from every picture as finite numbers.")
        return found

    def edited(self, direction: ArrayLike, strength: float) -> NDArray[np.float32]:
        """Latents of the images, each moved towards its other side.

        Raises:
            ValueError: If the direction has another size or is not finite.
        """
        v = np.asarray(direction, np.float32)
        if v.shape != self.z.shape[1:] or not np.isfinite(v).all():
            raise ValueError(
                f"`direction` must be {self.z.shape[1]} finite numbers, like the latents. Got the shape {v.shape}."
            )
        return (self.z + np.float32(strength) * self.ways[:, None].astype(np.float32) * v).astype(np.float32)

    def success(self, direction: ArrayLike, strength: float) -> float:
        """Share of the images whose target flips."""
        return self._success(self.read(self.edited(direction, strength)))

    def leak(self, direction: ArrayLike, strength: float) -> Leak:
        """Measures success, dependency and the movement of every attribute.

        Arguments:
            direction: Shape (D,).
            strength: Of the edit, in units of the direction, above 0 and at most `STRONGEST`.
        """
        if not 0 < strength <= STRONGEST:
            raise ValueError(f"`strength` must lie above 0 and at most at {STRONGEST:g}. Got {strength}.")
        after = self.read(self.edited(direction, strength))
        moved, drifts = {}, {}
        for name, sigma in self.spreads.items():
            change = after[name] - self.before[name]
            moved[name] = float(np.linalg.norm(change, axis=1).mean() / sigma)
            if change.shape[1] == 1:
                drifts[name] = float((self.ways * change[:, 0]).mean() / sigma / strength)
        if self.target is None:
            main = max(moved, key=moved.__getitem__)
        else:
            main, column = self.target.attribute, self.target.column
            change = after[main][:, column] - self.before[main][:, column]
            moved[main] = float(np.abs(change).mean() / self.target_spread)
            drifts[main] = float((self.ways * change).mean() / self.target_spread / strength)
        others = [value for name, value in moved.items() if name != main]
        dependency = float(np.mean(others)) / moved[main] if others and moved[main] > STILL else np.nan
        return Leak(
            strength=strength,
            images=len(self),
            success=self._success(after),
            dependency=dependency,
            target=main,
            movements={name: value / strength for name, value in moved.items()},
            drifts=drifts,
        )

    def _side(self, readings: Readings) -> NDArray[np.bool_]:
        """Which images the classifier puts on the side with."""
        if self.target is None:
            return np.zeros(len(self.z), bool)
        return readings[self.target.attribute][:, self.target.column] > self.target.threshold

    def _success(self, after: Readings) -> float:
        return float((self._side(after) != self.has).mean()) if self.target is not None else float("nan")


def find_strength(
    trial: Trial, direction: ArrayLike, aim: float = AIM, report: Callable[[float], None] | None = None
) -> tuple[float, bool]:
    """The smallest strength at which a share `aim` of the images flips, by bisection.

    Arguments:
        trial: Images to choose it on; never those it is measured on.
        direction: Shape (D,).
        aim: Required share of flipped images, in (0, 1].
        report: Called with the fraction done, 0 to 1.

    Returns:
        The strength and whether it reaches the aim; if none does, the strength that flips most images. 1 if the trial
        has no target.
    """
    if not 0 < aim <= 1:
        raise ValueError(f"`aim` must lie above 0 and at most at 1. Got {aim}.")
    if trial.target is None:
        return 1.0, True
    progress = report or (lambda share: None)
    tried = {0.0: 0.0}

    def enough(strength: float) -> bool:
        tried[strength] = trial.success(direction, strength)
        return tried[strength] >= aim

    reached = any(enough(strength) for strength in _doubled())
    if not reached:  # a strong edit can overshoot the label, so try between the doubled strengths
        best = max(tried, key=tried.__getitem__)
        reached = best > 0 and any(enough(min(best * factor, STRONGEST)) for factor in BETWEEN)
    if not reached:
        progress(1.0)
        return max((s for s in tried if s > 0), key=lambda s: (tried[s], -s)), False
    high = next(reversed(tried))
    low = max(s for s in tried if s < high)
    for step in range(HALVINGS):
        progress(step / HALVINGS)
        middle = (low + high) / 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    progress(1.0)
    return high, True


def _doubled() -> Iterator[float]:
    """1, 2, 4 ... up to the strongest."""
    strength = 1.0
    while strength <= STRONGEST:
        yield strength
        strength *= 2
