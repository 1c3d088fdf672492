"""The estimators of one direction side by side, in a process of its own: vectors, held-out AUC, angles of a bootstrap.

`python -m explorer.jobs.direction_study FOLDER` reads what `ask` wrote there and prints JSON lines for
`explorer.jobs.runner.Job`: how far it is, and after each step all that is known so far, by estimator.
"""

from __future__ import annotations

import argparse
import base64
import json
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.jobs.commands import Job
from explorer.latent.directions.estimators import METHODS, Sides, fit
from explorer.latent.directions.mean_difference import FEWEST
from explorer.latent.directions.reliability import bootstrap_angles, held_out_auc, resamples, warnings_of
from models.system.files import StorageError

__all__ = ["Estimate", "Study", "estimates", "main", "methods_of"]

EVERY = 0.3  # s between two reports of the share


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


class Study:
    """The running or finished estimates of two sides. Read from any thread."""

    def __init__(self, sides: Sides) -> None:
        """Starts a process.

        Raises:
            StorageError: If what it needs cannot be written.
        """
        self._found: dict[str, Estimate] = {}
        try:
            self._folder = Path(tempfile.mkdtemp(prefix="latent-directions-"))
            np.save(self._folder / "z.npy", sides.z, allow_pickle=False)
            np.save(self._folder / "positive.npy", sides.positive, allow_pickle=False)
            np.save(self._folder / "others.npy", sides.others, allow_pickle=False)
        except OSError as error:
            raise StorageError(
                f"The estimators cannot run, for no temporary file can be written: {error}. Free some space, or set "
                "TMPDIR to a folder that can be written."
            ) from error
        self._job = Job("explorer.jobs.direction_study", str(self._folder))
        threading.Thread(target=self._tidy, daemon=True).start()

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
        """Why it ended before its end; what it had found by then stands."""
        done = self._job.result is not None and self._job.result.get("done")
        return None if self.running or done else self._job.error or "Cancelled."

    @property
    def step(self) -> int:
        """Grows with each piece of news."""
        return int(self._job.result["step"]) if self._job.result else 0

    def estimates(self) -> dict[str, Estimate]:
        """What is known so far, by estimator."""
        result = self._job.result
        return (
            {}
            if result is None
            else {name: _read(name, given) for name, given in result["estimates"].items()}
        )

    def cancel(self) -> None:
        """Stops it; what is known by then stays."""
        self._job.cancel()

    def wait(self, seconds: float | None = None) -> None:
        """Waits until it has ended, at most `seconds`."""
        self._job.wait(seconds)

    def _tidy(self) -> None:
        self._job.wait()
        shutil.rmtree(self._folder, ignore_errors=True)


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


def main(arguments: list[str] | None = None) -> int:
    """Prints the estimates as they come."""
    parser = argparse.ArgumentParser(prog="python -m explorer.jobs.direction_study", description=__doc__)
    parser.add_argument("folder", type=Path, help="with z.npy, positive.npy and others.npy")
    folder = parser.parse_args(arguments).folder
    try:
        z, positive, others = (
            np.load(folder / f"{name}.npy", allow_pickle=False) for name in ("z", "positive", "others")
        )
        told = _Teller()
        found = estimates(Sides(z, positive, others), told)
        _say({"share": 1.0, "what": "Done"})
        _say({"estimates": _written(found), "step": told.step + 1, "done": True})
    except (ValueError, OSError) as error:
        _say({"error": str(error)})
        return 1
    return 0


class _Teller:
    """Prints the share a few times a second, and what is known whenever it has changed."""

    def __init__(self) -> None:
        self.step = 0
        self._known: tuple[int, ...] = ()
        self._told = -1.0

    def __call__(self, share: float, what: str, found: dict[str, Estimate]) -> None:
        known = tuple(id(estimate) for estimate in found.values())
        now = time.monotonic()
        if known != self._known and found:
            self.step, self._known = self.step + 1, known
            _say({"estimates": _written(found), "step": self.step})
        if now - self._told >= EVERY:
            self._told = now
            _say({"share": share, "what": what})


def _written(found: dict[str, Estimate]) -> dict[str, Any]:
    """Estimates as JSON values."""
    return {
        name: vars(estimate)
        | {
            "vector": None
            if estimate.vector is None
            else base64.b64encode(estimate.vector.tobytes()).decode("ascii")
        }
        for name, estimate in found.items()
    }


def _read(name: str, given: dict[str, Any]) -> Estimate:
    """An estimate of JSON values."""
    vector = None if given["vector"] is None else np.frombuffer(base64.b64decode(given["vector"]), np.float32)
    angle = None if given["angle"] is None else tuple(given["angle"])
    return Estimate(
        **given | {"method": name, "vector": vector, "angle": angle, "warnings": tuple(given["warnings"])}
    )


def _say(values: dict[str, Any]) -> None:
    print(json.dumps(values), flush=True)


if __name__ == "__main__":
    sys.exit(main())
