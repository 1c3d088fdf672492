"""Measures the leakage of edits along attribute directions, by estimator, with an attribute classifier on decoded pictures.

    python -m benchmarks.directions [--model faces-vae sprites-vae] [--images 200] [--methods mean balanced logistic]
                                    [--no-correlated] [--json]

Directions are fitted on the training images of each checkpoint's atlas. One half of the test images serves to choose
each direction's strength (the smallest that flips 95 % of the targets) and the estimator (the one with the least
dependency among those with 90 % success); the other half gives the results. Success and dependency are defined in
`explorer/latent/directions/leakage.py`; the attribute classifier is that of `models/evaluation/classifier_cache.py`.

On faces, directions are fitted again to a sample whose factors are correlated as they are among people, encoded with
the same model; edits are still measured on the independent test faces. The bar: a balanced direction, or one with the
others held fixed, halves the leakage into attributes that correlate with the target in that sample.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.report import Bar, bars_text, json_text, machine, number, table
from explorer.jobs.leakage import Bench, fitted, held_out, open_bench
from explorer.latent.directions.estimators import METHODS
from explorer.latent.directions.leakage import Leak, Trial, find_strength, targets
from models.data import Attribute, load_data
from models.evaluation.reconstruction import posterior_means

__all__ = ["MODELS", "chosen", "correlated_with", "main", "partners_leak"]

MODELS = ("faces-vae", "sprites-vae")
FITS = ("mean", "balanced", "logistic")
SUCCESS, DEPENDENCY, ATTRIBUTES, HALVED = 0.9, 0.2, 8, 0.5
SAMPLE = 4_000  # correlated faces to fit directions on
CORRELATED = 0.1  # |r| above which two attributes count as correlated
HELD = ", others held"  # suffix of an estimator with correlated attributes projected out

Found = dict[str, Leak]  # estimator -> leakage of its edit on the test images


def measured(
    trials: tuple[Trial, Trial], vectors: Mapping[str, NDArray[np.float32]]
) -> tuple[Found, dict[str, Leak]]:
    """Leakage of each estimator's direction on the test images, and on those its strength was chosen on."""
    tuned, judged = trials
    found, before = {}, {}
    for name, vector in vectors.items():
        strength, _ = find_strength(tuned, vector)
        before[name] = tuned.leak(vector, strength)
        found[name] = judged.leak(vector, strength)
    return found, before


def chosen(before: Mapping[str, Leak]) -> str:
    """The estimator with the least dependency among those that flip enough images, otherwise the one that flips most."""
    good = {name: leak.dependency.value for name, leak in before.items() if leak.success.value >= SUCCESS}
    if good:
        return min(good, key=good.__getitem__)
    return max(before, key=lambda name: before[name].success.value)


def independent(bench: Bench, methods: Sequence[str], images: int, seed: int) -> list[dict[str, Any]]:
    """One row per direction of the atlas: the metrics of each estimator, and which was chosen."""
    use = np.asarray(bench.atlas.split) == "train"
    rows = []
    for slug, target in targets(bench.attributes).items():
        halves = held_out(bench.atlas, bench.attributes, slug, images, seed)
        trials = bench.trial(halves[0], target), bench.trial(halves[1], target)
        vectors = {
            method: fitted(bench.atlas.mean, bench.attributes, slug, method, use=use) for method in methods
        }
        found, before = measured(trials, vectors)
        rows.append({"direction": slug, "best": chosen(before), "estimators": as_json(found)})
        progress(bench, slug)
    return rows


def correlated_with(attributes: Mapping[str, Attribute], name: str) -> list[str]:
    """Attributes, as one column each, that correlate with another in a sample."""
    values = {key: np.asarray(each.values, np.float64) for key, each in attributes.items()}
    return [
        key
        for key in values
        if key != name and abs(np.corrcoef(values[key], values[name])[0, 1]) >= CORRELATED
    ]


def partners_leak(leak: Leak, partners: Sequence[str]) -> float:
    """Mean movement of some attributes relative to the target's, in standard deviations."""
    return statistics.fmean(leak.movements[name] for name in partners) / leak.movements[leak.target]


def correlated(bench: Bench, images: int, seed: int) -> list[dict[str, Any]]:
    """One row per attribute that correlates with others in the sample: the leakage of each estimator."""
    data = load_data("faces", "train", limit=SAMPLE, correlated=True)
    z = posterior_means(bench.model, data.images)
    rows = []
    for slug, target in targets(bench.attributes).items():
        partners = correlated_with(data.attributes, slug)
        if not partners:
            continue
        halves = held_out(bench.atlas, bench.attributes, slug, images, seed)
        trials = bench.trial(halves[0], target), bench.trial(halves[1], target)
        vectors = {method: fitted(z, data.attributes, slug, method) for method in ("mean", "balanced")}
        for method in ("mean", "balanced"):
            vectors[method + HELD] = fitted(z, data.attributes, slug, method, partners)
        found, before = measured(trials, vectors)
        better = chosen({name: leak for name, leak in before.items() if name != "mean"})
        rows.append(
            {
                "direction": slug,
                "correlated": partners,
                "best": better,
                "estimators": as_json(found),
                "leak": {name: partners_leak(leak, partners) for name, leak in found.items()},
            }
        )
        progress(bench, f"{slug}, correlated sample")
    return rows


def as_json(found: Found) -> dict[str, Any]:
    """Success, dependency and strength of each estimator."""
    return {
        name: {
            "success": leak.success.value,
            "dependency": leak.dependency.value,
            "dependency_interval": list(leak.dependency[1:]),
            "worst": leak.worst[1],
            "strength": leak.strength,
        }
        for name, leak in found.items()
    }


def progress(bench: Bench, what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {bench.entry.name}: {what}", file=sys.stderr, flush=True)


def bars_of(name: str, rows: Sequence[Mapping[str, Any]]) -> list[Bar]:
    """Number of attributes, or labels of one, that meet both bars with the chosen estimator."""
    best = [row["estimators"][row["best"]] for row in rows]
    good = [one for one in best if one["success"] >= SUCCESS and one["dependency"] <= DEPENDENCY]
    what = f"{name}: directions of {len(rows)} with success >= {SUCCESS:.0%} and dependency <= {DEPENDENCY}"
    return [Bar(what, len(good), ATTRIBUTES, "least")]


def correlated_bars(name: str, rows: Sequence[Mapping[str, Any]]) -> list[Bar]:
    """Leakage of the chosen directions relative to the mean difference."""
    plain = statistics.fmean(row["leak"]["mean"] for row in rows)
    better = statistics.fmean(row["leak"][row["best"]] for row in rows)
    all_plain = statistics.fmean(row["estimators"]["mean"]["dependency"] for row in rows)
    all_better = statistics.fmean(row["estimators"][row["best"]]["dependency"] for row in rows)
    return [
        Bar(
            f"{name}, correlated sample: leak into correlated attributes, share of the mean difference's",
            better / plain,
            HALVED,
            "most",
        ),
        Bar(
            f"{name}, correlated sample: dependency (all other attributes), share of the mean difference's",
            all_better / all_plain,
            HALVED,
            "most",
        ),
    ]


def rows_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """Success and dependency of each estimator, followed by the leakage if a sample was correlated."""
    names = list(rows[0]["estimators"])
    lines = []
    for row in rows:
        cells = [row["direction"]]
        for name in names:
            one = row["estimators"][name]
            leak = f", {number(row['leak'][name], 3)}" if "leak" in row else ""
            cells.append(f"{number(100 * one['success'], 0)} %, {number(one['dependency'], 3)}{leak}")
        lines.append([*cells, row["best"]])
    return table(["direction", *names, "chosen"], lines)


def main(arguments: list[str] | None = None) -> int:
    """Measures, prints the tables, and compares the results with the bars."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.directions", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--model", nargs="+", default=MODELS, help=f"checkpoints ({' '.join(MODELS)})")
    parser.add_argument(
        "--images", type=int, default=200, help="test images a direction, half of them judged (200)"
    )
    parser.add_argument(
        "--methods", nargs="+", default=FITS, choices=list(METHODS), help=f"estimators ({' '.join(FITS)})"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the choice of images (0)")
    parser.add_argument("--no-correlated", action="store_true", help="leave the correlated faces out")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    if not 40 <= options.images <= 4_000:
        parser.error(f"--images must lie in 40..4000. Got {options.images}.")
    about = machine() | {"images": options.images, "seed": options.seed}
    torch.set_num_threads(1)
    results: dict[str, Any] = {}
    bars: list[Bar] = []
    try:
        for name in options.model:
            bench = open_bench(name)
            rows = independent(bench, options.methods, options.images, options.seed)
            results[name] = rows
            bars += bars_of(name, rows)
            if bench.entry.card and bench.entry.card.data["name"] == "faces" and not options.no_correlated:
                rows = results[f"{name}, correlated sample"] = correlated(bench, options.images, options.seed)
                bars += correlated_bars(name, rows)
    except (ValueError, OSError, RuntimeError) as error:
        print(f"python -m benchmarks.directions: {error}", file=sys.stderr)
        return 1
    if options.json:
        print(json_text(about | {"results": results, "bars": [bar.as_dict() for bar in bars]}))
        return 0
    print(", ".join(f"{name} {value}" for name, value in about.items()))
    for name, rows in results.items():
        metrics = "success, dependency" + (", leak into correlated attributes" if "leak" in rows[0] else "")
        print(f"\n{name}: {metrics}\n\n{rows_text(rows)}")
    print(f"\n{bars_text(bars)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
