"""Measures what edits along attribute directions drag along, an estimator beside the other, judged on decoded pictures.

    python -m benchmarks.directions [--model faces-vae sprites-vae] [--images 200] [--methods mean balanced logistic]
                                    [--no-correlated] [--json]

Directions are fitted on the training images of each checkpoint's atlas. Half of the test images serve to find each
direction's strength (the smallest that flips 95 % of the targets) and to choose the estimator (of those with 90 %
success the one with the least dependency); the other half gives the figures. Success and dependency are those of
`explorer/latent/directions/leakage.py`, the judge is that of `models/evaluation/classifier_cache.py`.

On faces, directions are fitted once more to a sample whose factors are correlated as they are among people, encoded
with the same model, and edits are judged on the independent test faces as before. The leak into what is correlated with
the target in that sample is what a balanced direction, or one with the others held fixed, is to halve.
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
from models.evaluation.reconstruction import codes

__all__ = ["MODELS", "chosen", "correlated_with", "main", "partners_leak"]

MODELS = ("faces-vae", "sprites-vae")
FITS = ("mean", "balanced", "logistic")
SUCCESS, DEPENDENCY, ATTRIBUTES, HALVED = 0.9, 0.2, 8, 0.5
SAMPLE = 4_000  # correlated faces that directions are fitted to
CORRELATED = 0.1  # |r| from which on an attribute is correlated with another
HELD = ", others held"  # behind the estimator's name: what is correlated with the target is projected out

Found = dict[str, Leak]  # estimator -> how its edit fared on the judged images


def measured(
    trials: tuple[Trial, Trial], vectors: Mapping[str, NDArray[np.float32]]
) -> tuple[Found, dict[str, Leak]]:
    """How each estimator's direction fares on the judged images, and on those its strength was found on."""
    tuned, judged = trials
    found, before = {}, {}
    for name, vector in vectors.items():
        strength, _ = find_strength(tuned, vector)
        before[name] = tuned.leak(vector, strength)
        found[name] = judged.leak(vector, strength)
    return found, before


def chosen(before: Mapping[str, Leak]) -> str:
    """The estimator with the least dependency of those that flip enough, else the one that flips most."""
    good = {name: leak.dependency for name, leak in before.items() if leak.success >= SUCCESS}
    if good:
        return min(good, key=good.__getitem__)
    return max(before, key=lambda name: before[name].success)


def independent(bench: Bench, methods: Sequence[str], images: int, seed: int) -> list[dict[str, Any]]:
    """A row a direction of the atlas: the figures of each estimator, and which was chosen."""
    use = np.asarray(bench.atlas.split) == "train"
    rows = []
    for slug, target in targets(bench.attributes).items():
        halves = held_out(bench.atlas, bench.attributes, slug, images, seed)
        trials = bench.trial(halves[0], target), bench.trial(halves[1], target)
        vectors = {
            method: fitted(bench.atlas.mean, bench.attributes, slug, method, use=use) for method in methods
        }
        found, before = measured(trials, vectors)
        rows.append({"direction": slug, "best": chosen(before), "estimators": told(found)})
        progress(bench, slug)
    return rows


def correlated_with(attributes: Mapping[str, Attribute], name: str) -> list[str]:
    """Attributes, each a number an image, that are correlated with another in a sample."""
    values = {key: np.asarray(each.values, np.float64) for key, each in attributes.items()}
    return [
        key
        for key in values
        if key != name and abs(np.corrcoef(values[key], values[name])[0, 1]) >= CORRELATED
    ]


def partners_leak(leak: Leak, partners: Sequence[str]) -> float:
    """Mean movement of some attributes over the target's, in standard deviations."""
    return statistics.fmean(leak.movements[name] for name in partners) / leak.movements[leak.target]


def correlated(bench: Bench, images: int, seed: int) -> list[dict[str, Any]]:
    """A row an attribute that is correlated with others in the sample: the leak of each estimator."""
    data = load_data("faces", "train", limit=SAMPLE, correlated=True)
    z = codes(bench.model, data.images)
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
        rows.append({
            "direction": slug, "correlated": partners, "best": better, "estimators": told(found),
            "leak": {name: partners_leak(leak, partners) for name, leak in found.items()},
        })  # fmt: skip
        progress(bench, f"{slug}, correlated sample")
    return rows


def told(found: Found) -> dict[str, Any]:
    """Success, dependency and strength of each estimator."""
    return {
        name: {"success": leak.success, "dependency": leak.dependency, "strength": leak.strength}
        for name, leak in found.items()
    }


def progress(bench: Bench, what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {bench.entry.name}: {what}", file=sys.stderr, flush=True)


def bars_of(name: str, rows: Sequence[Mapping[str, Any]]) -> list[Bar]:
    """How many attributes, or labels of one, meet both bars with the chosen estimator."""
    best = [row["estimators"][row["best"]] for row in rows]
    good = [one for one in best if one["success"] >= SUCCESS and one["dependency"] <= DEPENDENCY]
    what = f"{name}: directions of {len(rows)} with success >= {SUCCESS:.0%} and dependency <= {DEPENDENCY}"
    return [Bar(what, len(good), ATTRIBUTES, "least")]


def correlated_bars(name: str, rows: Sequence[Mapping[str, Any]]) -> list[Bar]:
    """The leak of the chosen directions over that of the mean difference."""
    plain = statistics.fmean(row["leak"]["mean"] for row in rows)
    better = statistics.fmean(row["leak"][row["best"]] for row in rows)
    all_plain = statistics.fmean(row["estimators"]["mean"]["dependency"] for row in rows)
    all_better = statistics.fmean(row["estimators"][row["best"]]["dependency"] for row in rows)
    return [
        Bar(f"{name}, correlated sample: leak into what is correlated, share of the mean difference's",
            better / plain, HALVED, "most"),
        Bar(f"{name}, correlated sample: dependency (all other attributes), share of the mean difference's",
            all_better / all_plain, HALVED, "most"),
    ]  # fmt: skip


def rows_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """Success and dependency of each estimator, and behind them the leak where a sample was correlated."""
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
    """Measures, prints the tables and how far the bars are met."""
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
        figures = "success, dependency" + (", leak into what is correlated" if "leak" in rows[0] else "")
        print(f"\n{name}: {figures}\n\n{rows_text(rows)}")
    print(f"\n{bars_text(bars)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
