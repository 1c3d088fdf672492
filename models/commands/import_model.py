"""`python -m models import`: imports a model that was trained elsewhere, as ONNX files, as a checkpoint."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from pathlib import Path

from models.system.progress import JsonProgress, add_option, say

__all__ = ["add", "run"]

SHOWN = 4  # candidates that are printed
FILES = (
    "a folder with vae_encoder/model.onnx and vae_decoder/model.onnx, or with an encoder and a decoder as .onnx files; "
    "or a decoder as an .onnx file; or a folder of diffusers, or of pythae with its default networks"
)
IMAGES = "pictures like those that the model was trained on; its value range is measured on 64 of them"
RANGES = ("unit", "signed", "imagenet")  # as in models/foreign/value_range.py, which is slow to import
CHANNELS = ("rgb", "bgr")


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command to a parser's subparsers."""
    parser = commands.add_parser("import", help="import a model that was trained elsewhere, as ONNX files")
    parser.add_argument("path", type=Path, metavar="PATH", help=FILES)
    parser.add_argument("--images", type=Path, metavar="PATH", help=IMAGES)
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
    """Imports a model and prints what was measured."""
    from models.import_model import import_model

    if options.out is None:
        raise ValueError("Name the folder of the checkpoint: `--out DIR`.")
    if options.size is not None and options.size < 1:
        raise ValueError(f"`--size` must be a number of pixels. Got {options.size}.")
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
        report=JsonProgress() if options.progress == "json" else None,
    )
    for warning in found.warnings:
        print(f"Warning: {warning}", file=sys.stderr)
    if options.progress == "json":
        say(result=found.as_json())
        return 0
    if options.json:
        print(json.dumps(found.as_json(), indent=1, ensure_ascii=False))
        return 0
    channels, height, width = found.config.image_shape
    latent = "×".join(map(str, found.config.latent_shape))
    print(
        f"{found.folder}: pictures of {width}×{height} pixels and {channels} channels, latents of {latent}."
    )
    for each in found.candidates[:SHOWN]:
        print(
            f"{each.psnr:6.2f} dB  pixels {each.input_range} to {each.output_range}, {each.channels}, "
            f"latents × {each.scaling:g}"
        )
    print(f"Build its atlas: python -m explorer.atlas {shlex.quote(str(found.folder))}")
    return 0
