"""Compares PSNR on test images with pythae's VAE: images of the user, equal minutes, equal latent dimensions.

    python -m benchmarks.own_images [--minutes 20] [--sets fruits emoji nouns] [--network mlp] [--no-peer] [--json]

Images are read like a user's own (`models.data.open_images`, proposed settings, validation images held out): the
photographs of fruits-360 and the pictures of noto-emoji at 64x64 pixels, those of nouns at 32x32. Ours and pythae's are
trained one after another on all cores; decoding the pictures does not count. Both keep the weights with the lowest
validation loss. PSNR is that of the decoded posterior mean, averaged over the test images.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.peer_venv import peer_python, run_peer
from benchmarks.report import Bar, bars_text, json_text, machine, number, table
from benchmarks.server import ROOT, cores
from models import load
from models.data import ImageData, load_data, open_images
from models.data.own.proposal import propose
from models.evaluation.reconstruction import reconstruct
from models.system import settings
from models.training.train import Run, train

__all__ = ["SETS", "main", "ours", "psnr"]

SCRIPT = ROOT / "benchmarks" / "peers" / "pythae_images.py"
SPLITS = ("train", "validation", "test")
FRUITS_BAR = 26.0  # dB
AHEAD = 1.0  # dB by which ours must exceed pythae's
PEER_BATCH = 64  # images per step, pythae's default
SPARE = 300  # s, extra time for the start and end of the peer


@dataclass(frozen=True)
class Case:
    """A set of images and the settings of its training."""

    path: str  # below LATENT_DATA_DIR
    size: int  # px
    labels: str = ""
    config: dict[str, Any] = field(default_factory=dict)  # of our VAE
    run: dict[str, Any] = field(default_factory=dict)  # further settings of our run


SMALL = {"network": "patch", "width": 64, "latent": 64}
SETS = {
    "fruits": Case(  # few images, so they are varied
        "fruits-360/fruits_4x656_100px.zip", 64, config=SMALL, run={"augment": ("flip", "shift")}
    ),
    "emoji": Case(
        "noto-emoji/noto_emoji_128px_png.zip", 64, "noto-emoji/labels.csv", config=SMALL | {"width": 96}
    ),
    "nouns": Case("nouns/nouns_20k_32x32.npz", 32, config=SMALL),
}
COMMON: dict[str, Any] = {"batch": 32, "rate": 4e-3, "bf16": True, "optimizer": "adamw-fused", "ema": 0.999}


def options_of(case: Case) -> dict[str, Any]:
    """Returns the options of the data set "own-images": the proposed settings, at the size of the case."""
    folder = settings.data_folder()
    if folder is None:
        raise ValueError("Set LATENT_DATA_DIR to the folder of the image data.")
    found = open_images(folder / case.path, folder / case.labels if case.labels else None)
    return propose(found).as_options() | {"size": case.size}


def psnr(model: Any, data: ImageData) -> float:
    """Computes the mean PSNR of the decoded posterior means, in dB."""
    errors = ((reconstruct(model, data.images) - data.images.astype(np.float32) / 255) ** 2).mean((1, 2, 3))
    return float(-10 * np.log10(np.maximum(errors, 1e-10)).mean())


def ours(case: Case, options: dict[str, Any], minutes: float) -> dict[str, Any]:
    """Trains our VAE for some minutes and measures its PSNR."""
    run = Run("vae", "own-images", case.config, options, minutes=minutes, **(COMMON | case.run))
    with tempfile.TemporaryDirectory() as folder:
        card = train(run, Path(folder) / "vae", device=torch.device("cpu"))
        model = load(Path(folder) / "vae")
    parameters = sum(each.numel() for each in model.parameters())
    test = load_data("own-images", "test", **options)
    return {
        "psnr": psnr(model, test),
        "steps": card.training["steps"],
        "seconds": card.training["seconds"],
        "parameters": parameters,
    }


def theirs(case: Case, options: dict[str, Any], minutes: float, network: str) -> dict[str, Any]:
    """Trains pythae's VAE for the same time and measures its PSNR."""
    python = peer_python("pythae", "bench-pythae", ".venv-pythae", "measure ours alone with --no-peer")
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / f"{split}.npy" for split in SPLITS]
        for split, file in zip(SPLITS, files, strict=True):
            np.save(file, load_data("own-images", split, **options).images)
        command = [python, SCRIPT, *files, "--network", network, "--latent", case.config["latent"]]
        command += ["--minutes", minutes, "--batch", PEER_BATCH, "--threads", cores()]
        return run_peer("pythae", command, 60 * minutes + SPARE)


def bars_of(results: dict[str, dict[str, dict[str, Any]]]) -> list[Bar]:
    """Returns the bars of the results, which are given by set and by author."""
    bars = []
    if "fruits" in results:
        bars.append(Bar("fruits, ours, PSNR in dB", results["fruits"]["ours"]["psnr"], FRUITS_BAR, "least"))
    for name in ("emoji", "nouns"):
        if "pythae" in results.get(name, {}):
            gap = results[name]["ours"]["psnr"] - results[name]["pythae"]["psnr"]
            bars.append(Bar(f"{name}, ours minus pythae's, in dB", gap, AHEAD, "least"))
    return bars


def main(arguments: list[str] | None = None) -> int:
    """Measures, prints the table, and compares the results with the bars."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.own_images", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--minutes", type=float, default=20.0, help="of each training (20)")
    parser.add_argument("--sets", nargs="+", choices=list(SETS), default=list(SETS), help="of images (all)")
    parser.add_argument(
        "--network",
        choices=("mlp", "celeba"),
        default="mlp",
        help="pythae's: its default, or the convolutions of its CelebA benchmark, for 64x64",
    )
    parser.add_argument("--no-peer", action="store_true", help="measure ours alone")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    if options.minutes <= 0:
        parser.error("--minutes must be positive")
    about = machine() | {"minutes": options.minutes, "pythae's network": options.network}
    torch.set_num_threads(cores())
    results: dict[str, dict[str, dict[str, Any]]] = {}
    try:
        for name in options.sets:
            case, data = SETS[name], options_of(SETS[name])
            results[name] = {"ours": ours(case, data, options.minutes)}
            if not options.no_peer:
                results[name]["pythae"] = theirs(case, data, options.minutes, options.network)
    except (ValueError, RuntimeError, OSError, subprocess.TimeoutExpired) as error:
        print(f"python -m benchmarks.own_images: {error}", file=sys.stderr)
        return 1
    bars = bars_of(results)
    if options.json:
        print(json_text(about | {"results": results, "bars": [bar.as_dict() for bar in bars]}))
        return 0
    print(", ".join(f"{name} {value}" for name, value in about.items()))
    rows = [
        [f"{name}, {whose}", number(each["psnr"], 2), f"{each['steps']:,}", f"{each['parameters']:,}"]
        for name, found in results.items()
        for whose, each in found.items()
    ]
    print(table(["images, VAE", "PSNR (dB)", "steps", "parameters"], rows), bars_text(bars), sep="\n\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
