"""`python -m models import`: imports a model that was trained elsewhere, or embeddings, as a checkpoint."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from models.system.progress import JsonProgress, add_option, say

if TYPE_CHECKING:
    from models.import_embeddings import ImportedEmbeddings
    from models.import_model import Imported

__all__ = ["add", "run"]

SHOWN = 4  # candidates that are printed
ATLAS_COUNT = 20_000  # items that an atlas of own images has by default, as in explorer/atlas/build.py
FILES = (
    "a folder with vae_encoder/model.onnx and vae_decoder/model.onnx, or with an encoder and a decoder as .onnx files; "
    "or a decoder as an .onnx file; or a folder of diffusers, or of pythae with its default networks; or embeddings: .npy, "
    ".npz, .parquet, or TensorBoard's projector_config.pbtxt"
)
IMAGES = (
    "pictures like those that the model was trained on; its value range is measured on 64 of them; of embeddings, the "
    "pictures of the items"
)
RANGES = ("unit", "signed", "imagenet")  # as in models/foreign/value_range.py, which is slow to import
CHANNELS = ("rgb", "bgr")


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command to a parser's subparsers."""
    parser = commands.add_parser("import", help="import a model that was trained elsewhere, or embeddings")
    parser.add_argument("path", type=Path, metavar="PATH", help=FILES)
    parser.add_argument("--images", type=Path, metavar="PATH", help=IMAGES)
    parser.add_argument(
        "--labels", type=Path, metavar="TABLE", help="labels of embeddings: .csv, .jsonl or .parquet"
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder of the checkpoint")
    parser.add_argument(
        "--size", type=int, help="rows and columns of a picture, if the files leave them open (64)"
    )
    parser.add_argument(
        "--range",
        choices=RANGES,
        default="",
        help="values of the pixels: [0, 1], [-1, 1] or ImageNet's (measured)",
    )
    parser.add_argument("--channels", choices=CHANNELS, default="", help="order of the channels (measured)")
    parser.add_argument("--title", default="", help="title of the checkpoint")
    parser.add_argument(
        "--sheet",
        type=Path,
        metavar="PNG",
        help="draw pictures, and their reconstructions under the best candidates, a row each",
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON, with every candidate")
    add_option(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Imports a model or embeddings, and prints what was measured or read."""
    from models.embeddings.reading import is_embeddings

    if options.out is None:
        raise ValueError("Name the folder of the checkpoint: `--out DIR`.")
    if options.size is not None and options.size < 1:
        raise ValueError(f"`--size` must be a number of pixels. Got {options.size}.")
    report = JsonProgress() if options.progress == "json" else None
    found: Imported | ImportedEmbeddings
    if is_embeddings(options.path):
        found, lines = embeddings(options, report)
    else:
        found, lines = model(options, report)
    for warning in found.warnings:
        print(f"Warning: {warning}", file=sys.stderr)
    if options.progress == "json":
        say(result=found.as_json())
    elif options.json:
        print(json.dumps(found.as_json(), indent=1, ensure_ascii=False))
    else:
        print("\n".join(lines))
    return 0


def model(options: argparse.Namespace, report: JsonProgress | None) -> tuple[Imported, list[str]]:
    """Imports a model; returns the result, and lines to print."""
    from models.import_model import import_model

    if options.labels is not None:
        raise ValueError("`--labels` are those of embeddings. Leave it out for a model.")
    found = import_model(
        options.path,
        options.out,
        images=options.images,
        size=options.size,
        value_range=options.range,
        channels=options.channels,
        title=options.title,
        sheet=options.sheet,
        command=options.line,
        report=report,
    )
    channels, height, width = found.config.image_shape
    latent = "×".join(map(str, found.config.latent_shape))
    lines = [
        f"{found.folder}: pictures of {width}×{height} pixels and {channels} channels, latents of {latent}.",
        *(
            f"{each.psnr:6.2f} dB  pixels {each.input_range} to {each.output_range}, {each.channels}, "
            f"latents × {each.scaling:g}"
            for each in found.candidates[:SHOWN]
        ),
        f"Build its atlas: python -m explorer.atlas {shlex.quote(str(found.folder))}",
    ]
    return found, lines


def embeddings(
    options: argparse.Namespace, report: JsonProgress | None
) -> tuple[ImportedEmbeddings, list[str]]:
    """Imports embeddings; returns the result, and lines to print."""
    from models.import_embeddings import import_embeddings

    for name in ("range", "channels", "sheet"):
        if getattr(options, name):
            raise ValueError(
                f"`--{name}` belongs to a model. {options.path.name} holds embeddings; leave it out."
            )
    found = import_embeddings(
        options.path,
        options.out,
        images=options.images,
        labels=options.labels,
        size=options.size,
        title=options.title,
        command=options.line,
        report=report,
    )
    config = found.config
    channels, height, width = config.image_shape
    pictures = (
        f"pictures of {width}×{height} pixels and {channels} channels" if config.pictured else "no pictures"
    )
    count = f" --count {config.items}" if config.items > ATLAS_COUNT else ""
    lines = [
        f"{found.folder}: {config.items:,} vectors of {config.latent:,} dimensions, {pictures}.",
        *([f"Labels: {', '.join(found.labels)[:1000]}."] if found.labels else []),
        *found.notes,
        f"Build its atlas: python -m explorer.atlas {shlex.quote(str(found.folder))}{count}",
    ]
    return found, lines
