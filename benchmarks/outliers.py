"""Measures how well each outlier score finds images of another kind, as AUROC and FPR@95 with their intervals.

    python -m benchmarks.outliers [--images 500] [--seed 0] [--only fashion-vae ...] [--write]
    python -m benchmarks.outliers --only held-out [--data mnist fashion-mnist faces ...] [--write]

Inliers are test images of the data set that a model was trained on. Far outliers are test images of another: garments
and digits, both ways, with bundled checkpoints. Near outliers are one class held out from a small VAE that is trained
here (seeded, in a minute or two): `HELD` names the class of each data set. The images are drawn at
random. 0.5 is chance; below it a score ranks the wrong way. Distances to neighbours use the latents of training
images. The bar is on likelihood regret where the likelihood itself fails. `--write` saves the results for the Outliers page.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import logit

from benchmarks.report import Bar, bars_text, json_text, machine, number, table
from explorer.catalogue.outlier_scores import HELD_OUT, RESULTS, SCORES, usable
from explorer.jobs.outlier_scores import measure
from explorer.latent.intervals import Interval, Z
from explorer.latent.neighbours.exact import Neighbours
from explorer.latent.statistics.outliers import auroc_interval, fpr95, outlyingness
from models import load
from models.data import ImageData, load_data
from models.data.tensors import to_tensor
from models.latents import encode
from models.system.files import replace_file
from models.vae import VAE, VAEConfig

__all__ = ["CASES", "HELD", "Case", "areas", "held_out", "main"]

REGRET = 0.95  # the bar: AUROC on garments -> digits
FAILS = 0.5  # the bar of the likelihood, which fails on this pair
REFERENCE = 2000  # training images that serve as neighbours
NEIGHBOUR = 10
STEPS, BATCH, RATE = (
    3000,
    128,
    1e-3,
)  # of the small VAE's training; half as many, of half as many images, in colour
# Data set -> the attribute and the value that the small VAE is not trained on.
HELD = {
    "mnist": ("digit", "9"),
    "fashion-mnist": ("garment", "sandal"),
    "faces": ("hat", "hat"),
    "lpc-sprites": ("direction", "left"),
    "fruits-360": ("fruit", "raspberry"),
}


@dataclass(frozen=True)
class Case:
    """A model, its training data, and the outliers to find."""

    model: str
    usual: str  # data set
    odd: str


CASES = (
    Case("fashion-vae", "fashion-mnist", "mnist"),
    Case("fashion-vae-bernoulli", "fashion-mnist", "mnist"),
    Case("mnist-vae", "mnist", "fashion-mnist"),
    Case("mnist-vae-20d", "mnist", "fashion-mnist"),
    Case("mnist-glow", "mnist", "fashion-mnist"),
    Case("mnist-real-nvp", "mnist", "fashion-mnist"),
)


def areas(
    model: Any, usual: NDArray[np.uint8], odd: NDArray[np.uint8], reference: NDArray[np.uint8]
) -> dict[str, tuple[Interval, Interval]]:
    """The AUROC and the FPR@95 of every score that the model supports.

    Arguments:
        model: In evaluation mode.
        usual: Images like the training data, uint8 (N, H, W, C).
        odd: Outliers, (M, H, W, C).
        reference: Images that serve as neighbours.
    """
    known = [score.key for score in usable(model.spec)]
    near = Neighbours(encode(model, reference)["mean"])
    found: list[dict[str, NDArray[Any]]] = []
    for images in (usual, odd):
        rows = encode(model, images)
        values: dict[str, NDArray[Any]] = {key: rows[key] for key in ("kl", "error") if key in known}
        values["neighbour_distance"] = near.nearest(rows["mean"], NEIGHBOUR)[1][:, -1]
        for key in known:
            if SCORES[key].costly:
                values[key] = measure(model, images, range(len(images)), key)
        found.append(values)
    one, other = found
    turned = {key: [outlyingness(each[key], SCORES[key].tail) for each in (one, other)] for key in known}
    return {key: (auroc_interval(*pair), fpr95(pair[0], pair[1])) for key, pair in turned.items()}


def held_out(name: str, seed: int = 0) -> tuple[VAE, NDArray[np.uint8]]:
    """A small VAE of a data set without the class that `HELD` names, and its training images."""
    data = load_data(name, "train")
    images = data.images[~_of_class(data)]
    torch.manual_seed(seed)
    channels = data.image_shape[0]
    config = VAEConfig(data.image_shape, latent=10, likelihood="bernoulli", network="mlp", width=300, depth=1)
    model = VAE(config).train()
    optimiser = torch.optim.Adam(model.parameters(), RATE)
    order, noise = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    steps, batch = (STEPS, BATCH) if channels == 1 else (STEPS // 2, BATCH // 2)
    for _ in range(steps):
        x = to_tensor(images[order.integers(len(images), size=batch)])
        optimiser.zero_grad()
        model.loss(x, generator=noise).total.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    return model.eval(), images


def _of_class(data: ImageData) -> NDArray[np.bool_]:
    """Which images are of the class that `HELD` names."""
    name, label = HELD[data.name]
    attribute = data.attributes[name]
    return np.asarray(attribute.values == attribute.labels.index(label))


def _some(images: NDArray[np.uint8], count: int, seed: int) -> NDArray[np.uint8]:
    """Images drawn at random without replacement."""
    return images[np.random.default_rng(seed).permutation(len(images))[:count]]


def run(only: Sequence[str], count: int, held: Sequence[str], seed: int) -> list[dict[str, Any]]:
    """The metrics of all cases, as JSON values."""
    done = []
    for case in CASES:
        if case.model in only:
            model = load(case.model).eval()
            usual, odd = (_some(load_data(n, "test").images, count, seed) for n in (case.usual, case.odd))
            reference = load_data(case.usual, "train", limit=REFERENCE).images
            found = _case(case.model, case.usual, case.odd, model, usual, odd, reference)
            done.append(found | {"command": _command(case.model, count, seed)})
    for name in held if HELD_OUT in only else ():
        vae, seen = held_out(name, seed)
        test = load_data(name, "test")
        which, label = _of_class(test), HELD[name][1]
        usual, odd = _some(test.images[~which], count, seed), _some(test.images[which], count, seed)
        command = _command(HELD_OUT, count, seed, f" --data {name}")
        found = _case(
            HELD_OUT, f"{name} without {label}", f"{label} of {name}", vae, usual, odd, seen[:REFERENCE]
        )
        done.append(found | {"near": True, "command": command})
    return done


def _command(case: str, count: int, seed: int, more: str = "") -> str:
    """The command that measures one case alone."""
    return f"python -m benchmarks.outliers --only {case} --images {count} --seed {seed}{more}"


def _case(
    name: str, seen: str, odd: str, model: Any, usual: NDArray[Any], strange: NDArray[Any], near: NDArray[Any]
) -> dict[str, Any]:
    began = time.perf_counter()
    count = min(len(usual), len(strange))
    scores = {}
    for key, (area, price) in areas(model, usual, strange, near).items():
        error = (
            (logit(area.high) - logit(area.low)) / (2 * Z) * area.value * (1 - area.value)
            if area.high < 1
            else 0.0
        )
        scores[key] = {
            "auroc": round(area.value, 4),
            "error": round(float(error), 4),
            "fpr95": [round(value, 4) for value in price],
        }
    seconds = round(time.perf_counter() - began, 1)
    print(f"{name}: {seen} → {odd}, {seconds} s", file=sys.stderr, flush=True)
    return {"model": name, "seen": seen, "odd": odd, "images": count, "seconds": seconds, "scores": scores}


def bars_of(cases: Sequence[dict[str, Any]]) -> list[Bar]:
    """The bars: likelihood regret on garments -> digits, and the likelihood that fails there."""
    bars = []
    for case in cases:
        if case["seen"] == "fashion-mnist":
            bars.append(Bar(f"regret on {case['model']}", case["scores"]["regret"]["auroc"], REGRET, "least"))
        if case["model"] == "fashion-vae-bernoulli":
            bars.append(Bar("its ELBO, which fails", case["scores"]["elbo"]["auroc"], FAILS, "most"))
    return bars


def write(cases: Sequence[dict[str, Any]]) -> None:
    """Saves metrics for the page, and keeps those of other cases, each with the command that measured it."""
    held = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {"cases": []}
    kept = [{"command": held.get("command", "")} | case for case in held["cases"]]
    names = [(case["model"], case["seen"]) for case in cases]
    every = [*(case for case in kept if (case["model"], case["seen"]) not in names), *cases]
    order = [*(case.model for case in CASES), HELD_OUT]
    every.sort(key=lambda case: order.index(case["model"]))
    text = json.dumps({"cases": every}, indent=1, ensure_ascii=False) + "\n"
    replace_file(RESULTS, lambda path: path.write_text(text, encoding="utf-8"))


def main(arguments: list[str] | None = None) -> int:
    """Measures, prints the table, and compares the results with the bars."""
    names = [*(case.model for case in CASES), HELD_OUT]
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.outliers", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--images", type=int, default=500, help="of each kind (500)")
    parser.add_argument("--only", nargs="+", choices=names, default=names, help="these cases (all)")
    parser.add_argument("--seed", type=int, default=0, help="of the images and the training (0)")
    parser.add_argument(
        "--data", nargs="+", choices=list(HELD), default=["mnist"], help="of the held-out class (mnist)"
    )
    parser.add_argument("--write", action="store_true", help="save the results for the Outliers page")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    if options.images < NEIGHBOUR:
        parser.error(f"--images must be at least {NEIGHBOUR}")
    about = machine()
    torch.set_num_threads(about["cores"])
    try:
        cases = run(options.only, options.images, options.data, options.seed)
    except (ValueError, OSError) as error:
        print(f"python -m benchmarks.outliers: {error}", file=sys.stderr)
        return 1
    if options.write:
        write(cases)
    bars = bars_of(cases)
    if options.json:
        print(json_text(about | {"cases": cases, "bars": [bar.as_dict() for bar in bars]}))
    else:
        print(", ".join(f"{name} {value}" for name, value in about.items()))
        heads = ["AUROC", *(f"{case['model']}: {case['seen']} → {case['odd']}" for case in cases)]
        rows = [
            [score.title, *(number(case["scores"].get(key, {}).get("auroc", np.nan), 3) for case in cases)]
            for key, score in SCORES.items()
        ]
        print(table(heads, rows), bars_text(bars), sep="\n\n")
    return 0 if all(bar.met for bar in bars) else 1


if __name__ == "__main__":
    sys.exit(main())
