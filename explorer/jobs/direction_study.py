"""A job: the estimators of one direction side by side, with their vectors, held-out AUC and bootstrap angles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.jobs.runner import Report, start
from explorer.latent.directions.estimators import METHODS, Sides, fit
from explorer.latent.directions.mean_difference import FEWEST
from explorer.latent.directions.reliability import bootstrap_angles, held_out_auc, resamples, warnings_of

__all__ = ["Estimate", "Request", "Study", "estimate", "estimates", "methods_of"]


@dataclass(frozen=True, eq=False)
class Estimate:
    """One estimator's direction and how far it can be trusted, as far as that is known."""

    method: str
    vector: NDArray[np.float32] | None = None  # (D,)
    auc: float | None = None
    angle: tuple[float, float, float] | None = None  # median, and the ends of the middle 95 %, degrees
    repeats: int = 0  # behind the angle
    warnings: tuple[str, ...] = ()
    problem: str = ""  # why there is no direction


@dataclass(frozen=True, eq=False)
class Request:
    """Two sides of images, as `Sides` has them."""

    z: NDArray[np.float32]
    positive: NDArray[np.bool_]
    others: NDArray[np.float64]


class Study:
    """The running or finished estimates of two sides. Read from any thread."""

    def __init__(self, sides: Sides) -> None:
        """Starts a job.

        Raises:
            OSError: If no process can be started.
        """
        self._job = start(estimate, Request(sides.z, sides.positive, sides.others))

    @property
    def running(self) -> bool:
        """Whether it is still at work."""
        return self._job.running

    @property
    def share(self) -> float:
        """Done, 0 to 1."""
        return self._job.share

    @property
    def what(self) -> str:
        """What is being done."""
        return self._job.what

    @property
    def error(self) -> str | None:
        """Why it ended early; the estimates that it had by then remain."""
        return self._job.error

    @property
    def step(self) -> int:
        """Grows whenever there is more."""
        return int(self._known["step"])

    def estimates(self) -> dict[str, Estimate]:
        """What is known so far, by estimator."""
        return {name: _read(values) for name, values in self._known["estimates"].items()}

    @property
    def _known(self) -> dict[str, Any]:
        return self._job.result or self._job.partial or {"estimates": {}, "step": 0}

    def cancel(self) -> None:
        """Stops it; what is known by then stays."""
        self._job.cancel()

    def wait(self, seconds: float | None = None) -> None:
        """Waits until it has ended, at most `seconds`."""
        self._job.wait(seconds)


def methods_of(sides: Sides) -> list[str]:
    """The estimators that these sides allow: the plain mean difference alone where a side has few images."""
    if min(sides.counts) < FEWEST:
        return ["mean"]
    return [name for name in METHODS if name != "balanced" or sides.others.shape[1]]


def estimates(sides: Sides, report: Callable[[float, str, dict[str, Estimate]], None]) -> dict[str, Estimate]:
    """All estimators: first every vector, then every AUC, then every angle.

    Arguments:
        sides: The images.
        report: Called with the share done, what is being done, and what is known so far.
    """
    names = methods_of(sides)
    found: dict[str, Estimate] = {}
    whole = 0.25 * len(names)
    for place, name in enumerate(names):
        report(place * 0.15 / len(names), f"Estimating: {METHODS[name]}", found)
        try:
            vector = fit(name, sides).astype(np.float32)
            found[name] = Estimate(name, vector, warnings=tuple(warnings_of(name, sides)))
        except ValueError as error:
            found[name] = Estimate(name, problem=str(error))
    usable = [name for name in names if found[name].vector is not None]
    if min(sides.counts) < FEWEST:
        return found
    for place, name in enumerate(usable):
        report(0.15 + place * 0.1 / len(usable), f"Held-out images: {METHODS[name]}", found)
        found[name] = _with(found[name], sides, auc=held_out_auc(name, sides))
    whole = 0.75 / max(1, len(usable))
    for place, name in enumerate(usable):
        start = 0.25 + place * whole
        count = resamples(name, sides.z.shape[1])

        def tell(share: float, start: float = start, name: str = name, count: int = count) -> None:
            report(
                start + whole * share, f"Bootstrap: {METHODS[name]}, {round(share * count)} of {count}", found
            )

        tell(0.0)
        angles = bootstrap_angles(name, sides, found[name].vector, count, progress=tell)  # type: ignore[arg-type]
        low, middle, high = (float(v) for v in np.percentile(angles, [2.5, 50, 97.5]))
        found[name] = _with(found[name], sides, angle=(middle, low, high), repeats=count)
    return found


def _with(known: Estimate, sides: Sides, **news: Any) -> Estimate:
    """The estimate with what was found since, and with its warnings anew."""
    values = vars(known) | news
    angles = [values["angle"][0]] if values["angle"] else None
    return Estimate(**values | {"warnings": tuple(warnings_of(known.method, sides, values["auc"], angles))})


def estimate(request: Request, report: Report) -> dict[str, Any]:
    """Estimates a direction by every estimator.

    Arguments:
        request: The images.
        report: Called with the share done, and with what is known whenever that has changed.

    Returns:
        `estimates`, by estimator, and `step`, which grows whenever there is more.
    """
    step = 0
    known: tuple[int, ...] = ()

    def tell(share: float, what: str, found: dict[str, Estimate]) -> None:
        nonlocal step, known
        now = tuple(id(each) for each in found.values())
        if now == known:
            report(share, what)
            return
        step, known = step + 1, now
        report(share, what, {"estimates": found, "step": step})

    found = estimates(Sides(request.z, request.positive, request.others), tell)
    report(1.0, "Done")
    return {"estimates": found, "step": step + 1}


def _read(values: dict[str, Any]) -> Estimate:
    """An estimate from a message."""
    angle = None if values["angle"] is None else tuple(values["angle"])
    return Estimate(**values | {"angle": angle, "warnings": tuple(values["warnings"])})
