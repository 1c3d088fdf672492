"""A job: all estimators of one direction, with vectors, angle errors and AUCs or rank correlations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.jobs.runner import Report, start
from explorer.latent.directions.estimators import METHODS, Sides, fit
from explorer.latent.directions.mean_difference import FEWEST
from explorer.latent.directions.reliability import (
    ANGLE_FROM,
    AUC_FROM,
    Scale,
    cross_validated_auc,
    cross_validated_rank,
    noise,
    sides_p_value,
    warnings_of,
)
from explorer.latent.intervals import Interval
from explorer.latent.statistics.registry import unsupported

__all__ = ["Estimate", "Request", "Study", "estimate", "estimates", "methods_of"]


@dataclass(frozen=True, eq=False)
class Estimate:
    """One estimator's direction and its reliability, as far as known."""

    method: str
    vector: NDArray[np.float32] | None = None  # (D,)
    auc: Interval | None = None  # on held-out images
    rank: Interval | None = None  # instead of `auc` for a continuous attribute: Spearman's correlation
    angle: Interval | None = None  # angle error, degrees
    p_value: float | None = None  # of the difference between the sides; the same for all estimators
    warnings: tuple[str, ...] = ()
    problem: str = ""  # why there is no direction
    unknown: str = ""  # why the reliability is unknown


@dataclass(frozen=True, eq=False)
class Request:
    """Two sides of images, as in `Sides`, and the directions held fixed."""

    z: NDArray[np.float32]
    positive: NDArray[np.bool_]
    others: NDArray[np.float64]
    held: NDArray[np.float32]  # (K, D)
    scale: Scale | None = None  # the attribute's values, where it has some


class Study:
    """The running or finished estimates of two sides. Thread-safe to read."""

    def __init__(
        self, sides: Sides, held: NDArray[np.floating] | None = None, scale: Scale | None = None
    ) -> None:
        """Starts a job.

        Arguments:
            sides: The images.
            held: Directions held fixed where AUC and angle error are measured, shape (K, D).
            scale: The attribute's values, where it has some.

        Raises:
            OSError: If no process can be started.
        """
        others = np.zeros((0, sides.z.shape[1]), np.float32) if held is None else held.astype(np.float32)
        self._job = start(estimate, Request(sides.z, sides.positive, sides.others, others, scale))

    @property
    def running(self) -> bool:
        """Whether the job is running."""
        return self._job.running

    @property
    def share(self) -> float:
        """Fraction done, 0 to 1."""
        return self._job.share

    @property
    def what(self) -> str:
        """Current step, as text."""
        return self._job.what

    @property
    def error(self) -> str | None:
        """Why the job ended early; the estimates so far remain available."""
        return self._job.error

    @property
    def step(self) -> int:
        """Increases whenever there are new estimates."""
        return int(self._known["step"])

    def estimates(self) -> dict[str, Estimate]:
        """The estimates so far, by estimator."""
        return {name: _read(values) for name, values in self._known["estimates"].items()}

    @property
    def _known(self) -> dict[str, Any]:
        return self._job.result or self._job.partial or {"estimates": {}, "step": 0}

    def cancel(self) -> None:
        """Stops the job; the estimates so far remain available."""
        self._job.cancel()

    def wait(self, seconds: float | None = None) -> None:
        """Waits until the job has ended, at most `seconds`."""
        self._job.wait(seconds)


def methods_of(sides: Sides) -> list[str]:
    """The estimators that these sides allow: only the plain mean difference if a side has few images."""
    if min(sides.counts) < FEWEST:
        return ["mean"]
    return [name for name in METHODS if name != "balanced" or sides.others.shape[1]]


def estimates(
    sides: Sides,
    report: Callable[[float, str, dict[str, Estimate]], None],
    held: NDArray[np.floating] | None = None,
    scale: Scale | None = None,
) -> dict[str, Estimate]:
    """All estimators: first every vector, then the angle error and the AUC of each.

    Arguments:
        sides: The images.
        report: Called with the fraction done, the current step, and the estimates so far.
        held: Directions held fixed where AUC and angle error are measured, shape (K, D); the vectors
            themselves are not adjusted.
        scale: Values of a continuous attribute; rank correlations then replace AUCs.
    """
    names = methods_of(sides)
    estimated: dict[str, Estimate] = {}
    for place, name in enumerate(names):
        report(place * 0.15 / len(names), f"Estimating: {METHODS[name]}", estimated)
        try:
            vector = fit(name, sides).astype(np.float32)
            estimated[name] = Estimate(name, vector, warnings=tuple(warnings_of(name, sides)))
        except ValueError as error:
            estimated[name] = Estimate(name, problem=str(error))
    usable = [name for name in names if estimated[name].vector is not None]
    if min(sides.counts) < FEWEST or not usable:
        return estimated
    report(0.15, "Permuting the sides", estimated)
    p_value = sides_p_value(sides)
    for name in usable:
        estimated[name] = _with(estimated[name], sides, p_value=p_value)
    whole = 0.8 / len(usable)
    for place, name in enumerate(usable):
        start = 0.2 + place * whole

        def tell(share: float, start: float = start, name: str = name) -> None:
            report(start + whole * share, f"Angle error and AUC: {METHODS[name]}", estimated)

        tell(0.0)
        estimated[name] = _measured(estimated[name], sides, () if held is None else held, scale, tell)
    return estimated


def _measured(
    known: Estimate,
    sides: Sides,
    held: NDArray[np.floating] | tuple[()],
    scale: Scale | None,
    tell: Callable[[float], None],
) -> Estimate:
    """The estimate with its angle error and AUC or rank correlation, if there are enough images."""
    if min(sides.counts) < ANGLE_FROM:
        return _with(known, sides, unknown=unsupported("angle", min(sides.counts)))
    try:
        noisy = noise(known.method, sides, held, progress=lambda share: tell(0.8 * share))
        known = _with(known, sides, angle=noisy.angle)
        if min(sides.counts) < AUC_FROM:
            key = "auc" if scale is None else "rank_correlation"
            return _with(known, sides, unknown=unsupported(key, min(sides.counts)))
        if scale is not None:
            rank = cross_validated_rank(known.method, sides, scale, noisy.in_scores, held)
            return _with(known, sides, rank=rank)
        result = cross_validated_auc(
            known.method, sides, noisy.in_scores, held, progress=lambda share: tell(0.8 + 0.2 * share)
        )
    except ValueError as error:
        return _with(known, sides, unknown=str(error))
    return _with(known, sides, auc=result)


def _with(known: Estimate, sides: Sides, **news: Any) -> Estimate:
    """The estimate with new values and updated warnings."""
    values = vars(known) | news
    measured = (values[key] for key in ("auc", "angle", "p_value", "rank"))
    warnings = warnings_of(known.method, sides, *measured)
    return Estimate(**values | {"warnings": tuple(warnings)})


def estimate(request: Request, report: Report) -> dict[str, Any]:
    """Estimates a direction by every estimator.

    Arguments:
        request: The images.
        report: Called with the fraction done, and with the estimates whenever they change.

    Returns:
        `estimates`, by estimator, and `step`, which increases whenever there are new ones.
    """
    step = 0
    known: tuple[int, ...] = ()

    def tell(share: float, what: str, result: dict[str, Estimate]) -> None:
        nonlocal step, known
        now = tuple(id(each) for each in result.values())
        if now == known:
            report(share, what)
            return
        step, known = step + 1, now
        report(share, what, {"estimates": result, "step": step})

    result = estimates(Sides(request.z, request.positive, request.others), tell, request.held, request.scale)
    report(1.0, "Done")
    return {"estimates": result, "step": step + 1}


def _read(values: dict[str, Any]) -> Estimate:
    """An estimate from a message."""
    intervals = {
        key: None if values[key] is None else Interval(*values[key]) for key in ("auc", "angle", "rank")
    }
    return Estimate(**values | intervals | {"warnings": tuple(values["warnings"])})
