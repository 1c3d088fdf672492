r"""What an edit drags along: every attribute's movement, read by a judge from decoded pictures.

An image of code z is moved towards the other side of its target, z' = z + s v if it lacks it and z' = z - s v if it
has it, and both pictures are read. With r_a the judge's expectation of attribute a (a probability a label, or a value)
and sigma_a the attribute's standard deviation in the collection (of all its labels together),

movement of a    m_a = mean over images of |r_a(z') - r_a(z)| / sigma_a
success          share of images whose target flips as wanted
dependency       mean over a != target of m_a, over m_target

The strength is the smallest s with the wanted success, found on other images than those that are judged.

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

from explorer.latent.directions.mean_difference import Attribute, slug

__all__ = ["AIM", "STRONGEST", "Leak", "Target", "Trial", "find_strength", "spread", "targets"]

Floats = NDArray[np.float64]
Images = NDArray[np.uint8]
Readings = Mapping[str, Floats]  # attribute -> (M, K), the judge's expectation
Decode = Callable[[NDArray[np.float32]], Images]  # (M, D) -> (M, H, W, C)
Read = Callable[[Images], Readings]

AIM = 0.95  # success that a strength is chosen for; the bar is 0.9 on other images
STRONGEST = 8.0  # times the way from side to side; nothing beyond is tried
BETWEEN = (0.84, 1.19, 0.7, 1.41)  # times the best of the doubled strengths, where none of those serves
HALVINGS = 5  # of the interval in which the strength lies
STILL = 1e-3  # standard deviations; a target that moves less has no dependency


@dataclass(frozen=True)
class Target:
    """What a direction is to change, and when an image has changed sides."""

    attribute: str
    column: int = 0  # of the judge's reading
    threshold: float = 0.5  # of the reading, between the side without and the side with
    exclusive: bool = False  # one label of several: the spread is the label's own


@dataclass(frozen=True)
class Leak:
    """How an edit fared."""

    strength: float
    images: int
    success: float  # share of the images; NaN where no side is to be reached
    dependency: float  # NaN where the target does not move
    target: str  # attribute
    movements: dict[str, float]  # attribute -> mean |change|, in standard deviations per unit of the edit
    drifts: dict[str, float]  # attribute of one reading -> mean change in the edit's sense, same unit

    def as_json(self) -> dict[str, Any]:
        """As JSON values; null where there is no number."""

        def told(value: float) -> float | None:
            return round(float(value), 5) if np.isfinite(value) else None

        return {
            "strength": told(self.strength), "images": self.images, "success": told(self.success),
            "dependency": told(self.dependency), "target": self.target,
            "movements": {name: told(value) for name, value in self.movements.items()},
            "drifts": {name: told(value) for name, value in self.drifts.items()},
        }  # fmt: skip


def targets(attributes: Mapping[str, Attribute]) -> dict[str, Target]:
    """What each direction of a collection's attributes is to change, by the direction's slug.

    A continuous attribute changes sides at its median.
    """
    found: dict[str, Target] = {}
    for name, attribute in attributes.items():
        if attribute.kind == "binary":
            found[name] = Target(name)
        elif attribute.kind == "categorical":
            for column, label in enumerate(attribute.labels):
                found.setdefault(f"{name}-{slug(label)}", Target(name, column, exclusive=True))
        else:
            found[name] = Target(name, threshold=float(np.median(attribute.values)))
    return found


def spread(attribute: Attribute, column: int | None = None) -> float:
    """The standard deviation of an attribute; of a categorical one the root of its labels' variances added.

    Arguments:
        attribute: With its values.
        column: Of a categorical one: the deviation of this label against the rest.
    """
    values = np.asarray(attribute.values)
    if attribute.kind != "categorical":
        return float(values.astype(np.float64).std())
    shares = np.bincount(values, minlength=len(attribute.labels)) / max(1, len(values))
    variances = shares * (1 - shares)
    return float(np.sqrt(variances.sum() if column is None else variances[column]))


class Trial:
    """Images on which edits are tried: their codes, which way each is to go, and how they are read as they are."""

    def __init__(
        self,
        decode: Decode,
        read: Read,
        z: ArrayLike,
        attributes: Mapping[str, Attribute],
        target: Target | None = None,
    ) -> None:
        """Reads the images unedited.

        Arguments:
            decode: Codes (M, D) to pictures.
            read: Pictures to the judge's expectation of each attribute.
            z: Codes of the images, shape (M, D).
            attributes: Of the collection; what varies there is measured.
            target: What is to change; None where a direction has no such attribute: then every image goes the
                direction's way and the attribute that moves most is taken for the target.

        Raises:
            ValueError: If there is no image, no attribute, or the judge does not read one.
        """
        self.z = np.asarray(z, np.float32)
        if self.z.ndim != 2 or not len(self.z):
            raise ValueError(f"`z` must have the shape (M, D) with M at least 1. Got {self.z.shape}.")
        self.target = target
        self.spreads = {name: spread(each) for name, each in attributes.items()}
        self.spreads = {name: value for name, value in self.spreads.items() if value > 0}
        if not self.spreads:
            raise ValueError("`attributes` must have one that varies. There is none to measure.")
        if target is not None and target.attribute not in self.spreads:
            raise ValueError(f"The target {target.attribute!r} must be an attribute that varies.")
        self.own = 0.0
        if target is not None:
            column = target.column if target.exclusive else None
            self.own = spread(attributes[target.attribute], column)
        self._decode, self._read = decode, read
        self.before = self.read(self.z)
        self.has = self._side(self.before)
        self.ways = np.where(self.has, -1.0, 1.0) if target is not None else np.ones(len(self.z))

    def __len__(self) -> int:
        return len(self.z)

    def read(self, z: NDArray[np.float32]) -> Readings:
        """The judge's readings of decoded codes.

        Raises:
            ValueError: If it does not read an attribute, or reads what is no number.
        """
        found = self._read(self._decode(z))
        for name in self.spreads:
            values = found.get(name)
            if values is None or values.shape[:1] != (len(z),) or not np.isfinite(values).all():
                raise ValueError(f"The judge must read {name!r} from every picture as finite numbers.")
        return found

    def edited(self, direction: ArrayLike, strength: float) -> NDArray[np.float32]:
        """Codes of the images, each moved towards the side that it is not on.

        Raises:
            ValueError: If the direction has another size, or is not finite.
        """
        v = np.asarray(direction, np.float32)
        if v.shape != self.z.shape[1:] or not np.isfinite(v).all():
            raise ValueError(
                f"`direction` must be {self.z.shape[1]} finite numbers, as the codes are. Got the shape {v.shape}."
            )
        return (self.z + np.float32(strength) * self.ways[:, None].astype(np.float32) * v).astype(np.float32)

    def success(self, direction: ArrayLike, strength: float) -> float:
        """Share of the images whose target flips."""
        return self._success(self.read(self.edited(direction, strength)))

    def leak(self, direction: ArrayLike, strength: float) -> Leak:
        """How far everything moves.

        Arguments:
            direction: Shape (D,).
            strength: Of the edit, at most `STRONGEST` units of the direction, above 0.
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
            moved[main] = float(np.abs(change).mean() / self.own)
            drifts[main] = float((self.ways * change).mean() / self.own / strength)
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
        """Which images the judge sees on the side with."""
        if self.target is None:
            return np.zeros(len(self.z), bool)
        on: NDArray[np.bool_] = readings[self.target.attribute][:, self.target.column] > self.target.threshold
        return on

    def _success(self, after: Readings) -> float:
        return float((self._side(after) != self.has).mean()) if self.target is not None else float("nan")


def find_strength(
    trial: Trial, direction: ArrayLike, aim: float = AIM, report: Callable[[float], None] | None = None
) -> tuple[float, bool]:
    """The smallest strength at which enough images flip, by bisection.

    Arguments:
        trial: Images to find it on; never those that are judged with it.
        direction: Shape (D,).
        aim: Share of the images that are to flip, in (0, 1].
        report: Called with the share done, 0 to 1.

    Returns:
        The strength, and whether it reaches the aim; where none does, the strength with the most images flipped. 1
        where the trial has no target.
    """
    if not 0 < aim <= 1:
        raise ValueError(f"`aim` must lie above 0 and at most at 1. Got {aim}.")
    if trial.target is None:
        return 1.0, True
    say = report or (lambda share: None)
    tried = {0.0: 0.0}

    def enough(strength: float) -> bool:
        tried[strength] = trial.success(direction, strength)
        return tried[strength] >= aim

    reached = any(enough(strength) for strength in _doubled())
    if not reached:  # it may pass the label by: the best place may lie between two that were tried
        best = max(tried, key=tried.__getitem__)
        reached = best > 0 and any(enough(min(best * factor, STRONGEST)) for factor in BETWEEN)
    if not reached:
        say(1.0)
        return max((s for s in tried if s > 0), key=lambda s: (tried[s], -s)), False
    high = next(reversed(tried))
    low = max(s for s in tried if s < high)
    for step in range(HALVINGS):
        say(step / HALVINGS)
        middle = (low + high) / 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    say(1.0)
    return high, True


def _doubled() -> Iterator[float]:
    """1, 2, 4 ... up to the strongest."""
    strength = 1.0
    while strength <= STRONGEST:
        yield strength
        strength *= 2
