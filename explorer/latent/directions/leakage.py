r"""Leakage of an edit: how far every attribute moves, read from decoded pictures by an attribute classifier.

An image with latent z moves towards the other side of its target, z' = z + s v if it lacks the attribute and
z' = z - s v if it has it, and both pictures are classified. With r_a the classifier's log-odds of attribute a (of each
label, or its value) and sigma_a their standard deviation over decoded images of the collection,

movement of a    m_a = mean over images (and labels) of |r_a(z') - r_a(z)| / sigma_a
success          share of images whose target flips as wanted
dependency       mean over a != target of m_a, over m_target; the largest m_a / m_target is the worst case
drift of a       mean of the signed movement along the edit; where a is not moved, its sign is random

Log-odds go on growing where a probability saturates at 1, so the ratio depends little on the length of the edit. All
movements have a positive floor: random directions that flip as many targets show it. The strength is the smallest s
with the required success, chosen on images other than those measured, and the direction is to be fitted on others
again.

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
from explorer.latent.intervals import Interval, ratio_interval, share_interval

__all__ = [
    "AIM",
    "STRONGEST",
    "Leak",
    "Target",
    "Trial",
    "find_strength",
    "random_directions",
    "sign_test",
    "spreads_of",
    "targets",
]

Floats = NDArray[np.float64]
Images = NDArray[np.uint8]
Readings = Mapping[str, Floats]  # attribute -> (M, K), the classifier's log-odds or values
Decode = Callable[[NDArray[np.float32]], Images]  # (M, D) -> (M, H, W, C)
Read = Callable[[Images], Readings]

AIM = 0.95  # success rate that a strength must reach; the acceptance threshold is 0.9 on other images
STRONGEST = 8.0  # largest strength tried, in units of the direction
BETWEEN = (0.84, 1.19, 0.7, 1.41)  # factors on the best doubled strength, tried if none reaches the aim
HALVINGS = 5  # bisection steps
STILL = 1e-3  # standard deviations; the dependency of a target that moves less is NaN
SIGNS = 999  # random signs behind a p-value
NOTHING = Interval(float("nan"), float("nan"), float("nan"))


@dataclass(frozen=True)
class Target:
    """The attribute a direction should change, and the threshold at which an image changes sides."""

    attribute: str
    column: int = 0  # of the classifier's reading
    threshold: float = 0.0  # of the reading, between the side without and the side with


@dataclass(frozen=True)
class Leak:
    """Measured success and leakage of an edit."""

    strength: float
    images: int
    success: Interval  # share of the images; NaN without a target
    dependency: Interval  # NaN if the target does not move
    target: str  # attribute
    movements: dict[str, float]  # attribute -> mean |change|, in standard deviations per unit of the edit
    drifts: dict[str, float]  # attribute with one column -> mean signed change along the edit, same unit
    p_values: dict[str, float]  # attribute -> how often random signs give as large a drift

    @property
    def worst(self) -> tuple[str, float]:
        """The attribute that moves most beside the target, and its movement over the target's; NaN without one."""
        others = {name: value for name, value in self.movements.items() if name != self.target}
        if not others or not np.isfinite(self.dependency.value):
            return "", float("nan")
        name = max(others, key=others.__getitem__)
        return name, others[name] / self.movements[self.target]

    def as_json(self) -> dict[str, Any]:
        """JSON values; null for NaN."""

        def rounded(value: float) -> float | None:
            return round(float(value), 5) if np.isfinite(value) else None

        return {
            "strength": rounded(self.strength),
            "images": self.images,
            "success": rounded(self.success.value),
            "success_interval": [rounded(end) for end in self.success[1:]],
            "dependency": rounded(self.dependency.value),
            "dependency_interval": [rounded(end) for end in self.dependency[1:]],
            "worst": {"attribute": self.worst[0], "ratio": rounded(self.worst[1])},
            "target": self.target,
            "movements": {name: rounded(value) for name, value in self.movements.items()},
            "drifts": {name: rounded(value) for name, value in self.drifts.items()},
            "p_values": {name: rounded(value) for name, value in self.p_values.items()},
        }


def targets(attributes: Mapping[str, Attribute]) -> dict[str, Target]:
    """The target of each attribute direction, by the direction's slug.

    The threshold of a continuous attribute is its median.
    """
    named: dict[str, Target] = {}
    for name, attribute in attributes.items():
        if attribute.kind == "binary":
            named[name] = Target(name)
        elif attribute.kind == "categorical":
            for column, key in enumerate(label_slugs(attribute.labels)):
                named[f"{name}-{key}"] = Target(name, column)
        else:
            named[name] = Target(name, threshold=quantiles(attribute, 0.5)[0])
    return named


def spreads_of(readings: Readings) -> dict[str, Floats]:
    """The standard deviation of each reading (K,) over images, by attribute; those that do not vary are left out."""
    spreads = {name: np.asarray(values, np.float64).std(0) for name, values in readings.items()}
    return {name: sigma for name, sigma in spreads.items() if (sigma > 0).all()}


class Trial:
    """Images to try edits on: their latents, the sign of each edit, and their unedited readings."""

    def __init__(
        self,
        decode: Decode,
        read: Read,
        z: ArrayLike,
        attributes: Mapping[str, Attribute],
        target: Target | None = None,
        spreads: Mapping[str, Floats] | None = None,
    ) -> None:
        """Classifies the unedited images.

        Arguments:
            decode: Latents (M, D) to pictures.
            read: Pictures to the classifier's log-odds or value of each attribute.
            z: Latents of the images, shape (M, D).
            attributes: Of the collection; those that vary are measured.
            target: The attribute to change. If None, every image moves along the direction and the attribute that
                moves most counts as the target.
            spreads: Standard deviation of each reading over decoded images of the collection, as `spreads_of` gives
                it; over these images if None.

        Raises:
            ValueError: If there is no image or no attribute, or the classifier lacks an attribute.
        """
        self.z = np.asarray(z, np.float32)
        if self.z.ndim != 2 or not len(self.z):
            raise ValueError(f"`z` must have the shape (M, D) with M at least 1. Got {self.z.shape}.")
        varying = [name for name, each in attributes.items() if np.ptp(each.values) > 0]
        if not varying:
            raise ValueError("`attributes` must have one that varies. None does.")
        self._names, self._decode, self._read = varying, decode, read
        self.before = self.read(self.z)
        if spreads is None and len(self.z) == 1:  # which has no spread
            spreads = {name: np.ones(values.shape[1]) for name, values in self.before.items()}
        known = spreads_of(self.before) if spreads is None else spreads
        self.spreads = {name: known[name] for name in varying if name in known}
        if target is not None and target.attribute not in self.spreads:
            raise ValueError(f"The target {target.attribute!r} must be an attribute that varies.")
        if not self.spreads:
            raise ValueError("`attributes` must have one whose reading varies. None does.")
        self.target = target
        self.has = self._side(self.before)
        self.ways = np.where(self.has, -1.0, 1.0) if target is not None else np.ones(len(self.z))

    def __len__(self) -> int:
        return len(self.z)

    def read(self, z: NDArray[np.float32]) -> Readings:
        """The classifier's readings of decoded latents.

        Raises:
            ValueError: If an attribute is missing or a reading is not finite.
        """
        readings = self._read(self._decode(z))
        for name in self._names:
            values = readings.get(name)
            if values is None or values.shape[:1] != (len(z),) or not np.isfinite(values).all():
                raise ValueError(f"The classifier must read {name!r} from every picture as finite numbers.")
        return readings

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
        changes = {name: (after[name] - self.before[name]) / sigma for name, sigma in self.spreads.items()}
        if self.target is not None:
            column = self.target.column
            changes[self.target.attribute] = changes[self.target.attribute][:, column : column + 1]
        moved = {name: np.abs(change).mean(1) for name, change in changes.items()}
        main = (
            self.target.attribute if self.target else max(moved, key=lambda name: float(moved[name].mean()))
        )
        others = [values for name, values in moved.items() if name != main]
        dependency = NOTHING
        if others and len(self) > 1 and moved[main].mean() > STILL:
            dependency = ratio_interval(np.mean(others, axis=0), moved[main])
        signed = {name: self.ways[:, None] * change for name, change in changes.items()}
        return Leak(
            strength=strength,
            images=len(self),
            success=self._success_interval(after),
            dependency=dependency,
            target=main,
            movements={name: float(values.mean()) / strength for name, values in moved.items()},
            drifts={name: float(c.mean()) / strength for name, c in signed.items() if c.shape[1] == 1},
            p_values={name: sign_test(change) for name, change in signed.items()},
        )

    def _success_interval(self, after: Readings) -> Interval:
        if self.target is None:
            return NOTHING
        return share_interval(int((self._side(after) != self.has).sum()), len(self))

    def _side(self, readings: Readings) -> NDArray[np.bool_]:
        """Which images the classifier puts on the side with."""
        if self.target is None:
            return np.zeros(len(self.z), bool)
        return readings[self.target.attribute][:, self.target.column] > self.target.threshold

    def _success(self, after: Readings) -> float:
        return float((self._side(after) != self.has).mean()) if self.target is not None else float("nan")


def sign_test(changes: ArrayLike, seed: int = 0) -> float:
    """How often random signs of the images' changes (M, K) give a mean change at least as long, 0.001 to 1."""
    rows = np.asarray(changes, np.float64)
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], (SIGNS, len(rows)))
    apart = float(np.linalg.norm(rows.sum(0)))
    reached = int((np.linalg.norm(signs @ rows, axis=1) >= apart * (1 - 1e-9)).sum())
    return (1 + reached) / (1 + SIGNS)


def random_directions(z: ArrayLike, length: float, count: int, seed: int) -> NDArray[np.float32]:
    """Differences of random pairs of latents, scaled to one length: a control for an edit.

    Arguments:
        z: Latents of the collection, shape (N, D).
        length: Of each direction.
        count: How many.
        seed: Of the pairs.

    Returns:
        Shape (count, D).
    """
    latents, rng = np.asarray(z, np.float32), np.random.default_rng(seed)
    pairs = np.stack([rng.choice(len(latents), 2, replace=False) for _ in range(count)])
    differences = latents[pairs[:, 0]] - latents[pairs[:, 1]]
    sizes = np.maximum(np.linalg.norm(differences, axis=1, keepdims=True), 1e-12)
    scaled: NDArray[np.float32] = (differences * (length / sizes)).astype(np.float32)
    return scaled


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
