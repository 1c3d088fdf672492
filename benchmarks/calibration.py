"""Measures whether the statistics of the pages are calibrated, on simulated worlds with known truth.

    python -m benchmarks.calibration [--small] [--only angle auc ...] [--json]
    python -m benchmarks.calibration --fit svm

For every statistic: how often its 95 % interval contains the truth (bar: 93 to 97 %), how often it rejects a true null
hypothesis at 5 % (bar: 3 to 7 %; after FDR for multiple tests), and its bias. Rows of one statistic and
estimator are pooled for the bar. Every rate has a Monte Carlo error, its standard deviation; a bar is missed where a rate
lies outside by more than twice its error, or where the pooled rate does. `--small` simulates a few worlds only and leaves
out the bundled checkpoints. The exit status is 1 if a bar is missed.

`--fit` fits the two corrections of an estimator's angle interval (`OVERESTIMATE` and `FREEDOM` of
explorer/latent/directions/reliability.py) to simulations of seeds that the calibration does not use, and prints them.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any
from zlib import crc32

import numpy as np

from benchmarks import worlds
from benchmarks.report import json_text, number, table
from benchmarks.worlds import Trial, angle_noise, gauge_share
from explorer.latent.directions.estimators import METHODS
from explorer.latent.neighbours.metric import DRAWS, HELD_OUT_FROM

__all__ = ["COVERAGE", "FALSE_ALARMS", "Row", "World", "main", "missed", "pooled", "run"]

COVERAGE = (0.93, 0.97)
FALSE_ALARMS = (0.03, 0.07)
FIT_SEED = 1_000_003  # of the simulations that corrections are fitted to
WIDE_CELLS = ((1000, 30), (1000, 100), (700, 200))  # more than 640 dimensions
FIT_COUNT = 150  # simulations of a world
FIT_CELLS = (
    (2, 10),
    (2, 100),
    (10, 50),
    (30, 20),
    (30, 200),
    (100, 100),
    (200, 50),
)  # dimensions, images a side
SPLITS = 5  # of a checkpoint's held-out images
# Simulations of a world of directions, and of one of many numbers: about 25 minutes on one core in all.
COUNTS = {"mean": (400, 60), "balanced": (150, 20), "logistic": (80, 10), "svm": (80, 10), "lda": (100, 10)}


@dataclass(frozen=True)
class World:
    """What to simulate, and how often."""

    statistic: str  # key of the registry, with the estimator if there are several
    about: str
    simulate: Callable[[np.random.Generator], Trial]
    count: int
    each: int = 1  # independent outcomes that one simulation averages


@dataclass(frozen=True)
class Row:
    """The rates of one world, or of several."""

    statistic: str
    world: str
    simulations: int
    coverage: float
    false_alarms: float
    bias: float
    seconds: float = 0.0
    alarms_of: int = 0  # simulations behind the false alarms, if other than all

    def error(self, rate: float) -> float:
        """Monte Carlo error of a rate."""
        count = self.alarms_of or self.simulations
        return float(np.sqrt(max(rate * (1 - rate), 0.05 * 0.95) / count))

    @property
    def missed(self) -> bool:
        """Whether a rate lies outside its bar by more than twice its error; no rate is never outside."""
        pairs = ((self.coverage, COVERAGE), (self.false_alarms, FALSE_ALARMS))
        return any(
            rate < low - 2 * self.error(rate) or rate > high + 2 * self.error(rate)
            for rate, (low, high) in pairs
        )

    def as_dict(self) -> dict[str, Any]:
        """As JSON values."""
        errors = {
            "coverage_error": self.error(self.coverage),
            "false_alarms_error": self.error(self.false_alarms),
        }
        return vars(self) | errors | {"missed": self.missed}


def _world(statistic: str, count: int, name: str, **about: Any) -> World:
    simulate = getattr(worlds, name)
    told = ", ".join(f"{key} {value}" for key, value in about.items() if key != "method")
    return World(statistic, told, lambda rng: simulate(rng, **about), count)


def _directions(small: bool) -> Iterator[World]:
    """Angle error and AUC of every estimator, D from 2 to 1000, 20 to 2000 images, effects 0 to 3."""
    if small:
        for method in ("mean", "lda"):
            for effect in (0, 1):
                yield _world(
                    f"angle, {method}", 50, "angle", method=method, size=20, images=50, effect=effect
                )
        yield _world("auc, mean", 50, "direction_auc", method="mean", size=20, images=50, effect=0)
        yield _world("auc, mean", 30, "direction_auc", method="mean", size=20, images=50, effect=2)
        yield _world("rank_correlation", 60, "direction_rank", method="mean", size=20, images=200, effect=1)
        return
    for size, images in ((2, 200), (30, 200), (30, 1000), (200, 300)):
        for slope in (0.0, 0.5, 2.0):
            for method, count in (("mean", 400), ("lda", 100)):
                name = f"rank_correlation, {method}"
                yield _world(
                    name, count, "direction_rank", method=method, size=size, images=images, effect=slope
                )
    cells = [(2, 10), (2, 100), (30, 20), (30, 200), (200, 50), (200, 500), (1000, 100), (1000, 1000)]
    for method in METHODS:
        quick = method in ("mean", "balanced")
        for size, images in cells if quick else [*cells[:-1], (30, 1000)]:
            count = COUNTS[method][size * images > 20_000]
            for effect in (0, 1, 3):
                about = {"method": method, "size": size, "images": images, "effect": effect}
                yield _world(f"angle, {method}", count, "angle", **about)
                if images >= 50:
                    yield _world(f"auc, {method}", count, "direction_auc", **about)


def _outliers(small: bool) -> Iterator[World]:
    times = 150 if small else 4000
    for images in (100,) if small else (50, 300, 1000):
        for effect, spread in ((0, 1), (1, 1), (2, 2)):
            yield _world("auroc", times, "outlier_auroc", images=images, effect=effect, spread=spread)
        for effect in (0, 2, 3):
            yield _world("fpr95", times, "outlier_fpr95", images=images, effect=effect)
        for share in (0.02, 0.05, 0.2):
            yield _world("false_alarms", times, "expected_alarms", images=images, share=share)
        yield _world("percentile", times, "upload_percentile", images=images)


def _others(small: bool) -> Iterator[World]:
    times = 30 if small else 1000
    for size, images in ((20, 20),) if small else ((2, 10), (30, 100), (1000, 50)):
        yield _world("sides", 3 * times, "sides_differ", size=size, images=images)
    for images in (50,) if small else (20, 50, 200):
        yield _world("difference", times, "group_difference", images=images)
    for size, images in ((10, 200),) if small else ((10, 200), (100, 400), (190, 400)):
        for signal in (0.0, 1.0):
            count = times if size < 100 else times // 5
            yield _world("linear_reach", count, "reach", images=images, size=size, signal=signal)
    for images in (100,) if small else (50, 200):
        for length in (1.0, 2.0):
            yield _world("success", times, "success", images=images, length=length)
            yield _world("dependency", times, "dependency", images=images, length=length)
        yield _world("drift", times, "drift", images=images)
    yield _world("effective_dimensions", times, "dimensions", images=100, size=50)
    yield _world("cka", times, "unrelated_cka", images=60, size=100)
    gauge = _world("gauge", 5 if small else 40, "gauge", images=1200, size=10)
    yield replace(gauge, each=300)


def worlds_of(small: bool) -> list[World]:
    """All simulated worlds."""
    return [*_directions(small), *_outliers(small), *_others(small)]


def run(world: World, seed: int) -> Row:
    """Simulates a world."""
    began, name = time.perf_counter(), f"{world.statistic} {world.about}".encode()
    trials = []
    for number_ in range(world.count):
        try:
            trials.append(world.simulate(np.random.default_rng([seed, crc32(name), number_])))
        except ValueError:
            continue  # sides without a direction, which the page reports
    found = np.array(trials or [Trial()], np.float64)

    def mean(column: int) -> float:
        values = found[:, column][np.isfinite(found[:, column])]
        return float(values.mean()) if len(values) else float("nan")

    seconds = time.perf_counter() - began
    return Row(world.statistic, world.about, world.each * len(found), mean(0), mean(1), mean(2), seconds)


def pooled(rows: Sequence[Row]) -> list[Row]:
    """One row for each statistic: its worlds weighted by their simulations."""
    found = []
    for statistic in dict.fromkeys(row.statistic for row in rows):
        those = [row for row in rows if row.statistic == statistic]
        rates = []
        for name in ("coverage", "false_alarms", "bias"):
            known = [
                (getattr(row, name), row.simulations) for row in those if np.isfinite(getattr(row, name))
            ]
            values, weights = zip(*known, strict=True) if known else ((np.nan,), (1,))
            rates.append(float(np.average(values, weights=weights)))
        coverage, alarms_rate, bias = rates
        total = sum(row.simulations for row in those)
        alarms = sum(row.simulations for row in those if np.isfinite(row.false_alarms))
        seconds = sum(row.seconds for row in those)
        found.append(Row(statistic, "all", total, coverage, alarms_rate, bias, seconds, alarms))
    return found


def fit(method: str, count: int, cells: Sequence[tuple[int, int]] = FIT_CELLS) -> tuple[float, float, float]:
    """Fits the corrections of the angle interval of an estimator to simulations.

    The overestimate is the ratio of the true sin^2 to the jackknife's, each averaged over a world, in the geometric mean
    over the worlds; the degrees of freedom are the most that cover the truth in 95 % of all simulations.

    Returns:
        Overestimate, freedom, and the share of the simulations covered with them.
    """
    ratios, found = [], []
    for size, images in cells:
        for effect in (0, 1, 3):
            name = crc32(f"{method} {size} {images} {effect}".encode())
            rngs = [np.random.default_rng([FIT_SEED, name, number_]) for number_ in range(count)]
            pairs = []
            for rng in rngs:
                try:
                    pairs.append(angle_noise(rng, method=method, size=size, images=images, effect=effect))
                except ValueError:
                    continue  # sides that give no direction
            true = np.sin(np.radians([angle for angle, _ in pairs])) ** 2
            ratios.append(true.mean() / np.mean([min(1.0, noise.share) for _, noise in pairs]))
            found += pairs
    overestimate = round(float(np.exp(np.log(ratios).mean())), 2)
    for freedom in np.arange(1.0, 0.2, -0.05):
        intervals = [(angle, noise.angle(overestimate, float(freedom))) for angle, noise in found]
        covered = np.mean([each.low - 1e-9 <= angle <= each.high + 1e-9 for angle, each in intervals])
        if covered >= 0.95:
            break
    return overestimate, round(float(freedom), 2), float(covered)


def missed(rows: Sequence[Row]) -> list[Row]:
    """The rows that miss a bar."""
    return [row for row in rows if row.missed]


def checkpoints(seed: int = 0) -> list[Row]:
    """The gauge on every bundled checkpoint with a posterior: draws of held-out images above the 95th percentile."""
    from explorer.atlas.storage import load_atlas
    from models import checkpoint  # torch comes with it

    rows = []
    for entry in checkpoint.scan():
        if entry.error or entry.card is None:
            continue
        atlas = load_atlas(entry)
        held = np.asarray(atlas.split) == "test"
        if atlas.std is None or held.sum() < HELD_OUT_FROM:
            continue
        began = time.perf_counter()
        shares = [
            gauge_share(np.random.default_rng([seed, n]), atlas.mean, atlas.std, held) for n in range(SPLITS)
        ]
        fresh = int(held.sum()) // 2
        reference = min(DRAWS, int(held.sum()) - fresh)
        count = round(SPLITS / (1 / fresh + 1 / reference))  # both sides of the comparison are drawn
        seconds = time.perf_counter() - began
        rows.append(Row("gauge", entry.name, count, np.nan, float(np.mean(shares)), np.nan, seconds))
    return rows


def rows_text(rows: Sequence[Row]) -> str:
    """A table of rates in percent, each with its Monte Carlo error."""

    def rate(row: Row, value: float) -> str:
        return f"{100 * value:.1f} ± {100 * row.error(value):.1f}" if np.isfinite(value) else "–"

    heads = ["statistic", "world", "simulations", "coverage, %", "false alarms, %", "bias", "bar"]
    lines = [
        [
            row.statistic,
            row.world,
            str(row.simulations),
            rate(row, row.coverage),
            rate(row, row.false_alarms),
            number(row.bias, 3),
            "no" if row.missed else "yes",
        ]
        for row in rows
    ]
    return table(heads, lines)


def main(arguments: list[str] | None = None) -> int:
    """Simulates, prints the tables, and compares the rates with the bars."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.calibration", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--small", action="store_true", help="a few worlds, without the checkpoints")
    parser.add_argument(
        "--only", nargs="+", default=[], metavar="STATISTIC", help="e.g. angle gauge 'auc, svm' (all)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the simulations (0)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--fit", choices=list(METHODS), help="fit the corrections of an estimator's angle")
    options = parser.parse_args(arguments)
    if options.fit:
        for cells, name in ((FIT_CELLS, options.fit), (WIDE_CELLS, f"{options.fit}, wide")):
            overestimate, freedom, covered = fit(options.fit, FIT_COUNT, cells)
            print(f"{name}: overestimate {overestimate}, freedom {freedom}, {100 * covered:.1f} % covered")
        return 0
    only = options.only
    wanted = [
        world
        for world in worlds_of(options.small)
        if not only or world.statistic in only or world.statistic.split(",")[0] in only
    ]
    if not wanted:
        parser.error(f"--only names no statistic. Got {', '.join(only)[:80]}.")
    rows = []
    for world in wanted:
        rows.append(run(world, options.seed))
        if not options.small:
            print(
                rows_text(rows[-1:]).splitlines()[-1],
                f"{rows[-1].seconds:.0f} s",
                file=sys.stderr,
                flush=True,
            )
    models = (
        [] if options.small or (options.only and "gauge" not in options.only) else checkpoints(options.seed)
    )
    whole = pooled(rows)
    failed = missed([*rows, *models, *whole])
    if options.json:
        print(
            json_text(
                {
                    "rows": [r.as_dict() for r in (*rows, *models)],
                    "pooled": [r.as_dict() for r in whole],
                    "missed": len(failed),
                }
            )
        )
    else:
        print(rows_text([*rows, *models]), rows_text(whole), sep="\n\n")
        print(f"\n{len(failed)} bars missed." if failed else "\nEvery bar is met.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
