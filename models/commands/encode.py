"""`python -m models encode`: encodes images to a table, or as a collection beside the images of a checkpoint."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

from models.system.progress import JsonProgress, add_option, say

__all__ = ["TABLES", "add", "encode_as_collection", "run"]

REFUSED_SHOWN = 20  # files that cannot be used, listed
FITS = ("crop", "pad", "stretch")
# Endings of `--out` that name a file; those of formats that cannot be written are refused.
TABLES = (".parquet", ".csv", ".tsv", ".json", ".jsonl", ".npz", ".npy", ".txt", ".xlsx")
IMAGES = "folders, zips, Parquet files, WebDataset tars, arrays, image files; hidden files are ignored"
OUT = "table to write, .parquet or .csv; or folder of a collection"
LABELS = "for a collection: table of labels that names the files"
FIT = (
    "for a collection: how pictures are fitted to the model's aspect ratio (by default chosen for the images)"
)
RAY = "for a collection: encode on a Ray cluster, auto or HOST:PORT; without an address, on the cores of this machine"


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command to a parser's subparsers."""
    parser = commands.add_parser("encode", help="encode images to a table, or as a collection")
    parser.add_argument("name", help="name or folder of a checkpoint")
    parser.add_argument("images", nargs="+", type=Path, metavar="PATH", help=IMAGES)
    parser.add_argument("--out", type=Path, metavar="FILE|DIR", help=OUT)
    parser.add_argument("--labels", type=Path, metavar="CSV", help=LABELS)
    parser.add_argument("--fit", choices=FITS, default="", help=FIT)
    parser.add_argument("--ray", nargs="?", const="", metavar="ADDRESS", help=RAY)
    add_option(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Encodes images; the exit status is 1 if some files of a table could not be read, which are listed."""
    from models.data.locations import printable
    from models.encode import encode_files

    if options.out is None:
        raise ValueError(
            "Name the output: `--out table.parquet`, `--out table.csv` or `--out FOLDER` for a collection."
        )
    if options.out.suffix.lower() not in TABLES:
        folder = encode_as_collection(options, options.out)
        if options.progress != "json":
            print(f"Build its atlas: python -m explorer.atlas {shlex.quote(str(folder))}")
        return 0
    if options.labels or options.fit or options.ray is not None:
        raise ValueError(
            "`--labels`, `--fit` and `--ray` belong to a collection. Leave them out, or name a folder by `--out`."
        )
    count, problems = encode_files(options.name, options.images, options.out)
    for problem in problems:
        print(problem, file=sys.stderr)
    unreadable = f"; {len(problems)} could not be read" if problems else ""
    print(f"{printable(options.out)} holds {count} encoded image{'' if count == 1 else 's'}{unreadable}.")
    return 1 if problems else 0


def encode_as_collection(options: argparse.Namespace, out: Path) -> Path:
    """Encodes images as a collection and prints the result.

    Arguments:
        options: Options of the command.
        out: Folder to write.

    Returns:
        The folder of the collection.
    """
    from models.collection import encode_collection

    workers = None
    if options.ray is not None:
        from models.ray_workers import on_ray

        workers = on_ray(options.ray)
    with ProgressDisplay(as_json=options.progress == "json") as report:
        collection = encode_collection(
            options.name,
            options.images,
            out,
            labels=options.labels,
            fit=options.fit,
            command=options.line,
            workers=workers,
            report=report,
        )
    refused = collection.refused
    for line in [*collection.notes, *(f"{each.name}: {each.reason}" for each in refused[:REFUSED_SHOWN])]:
        print(line, file=sys.stderr)
    if len(refused) > REFUSED_SHOWN:
        print(f"… and {len(refused) - REFUSED_SHOWN:,} more files that cannot be used.", file=sys.stderr)
    folder, psnr = collection.folder, collection.psnr
    if options.progress == "json":
        result = {"folder": str(folder), "images": collection.images, "refused": len(refused)}
        say(result=result | {"psnr": round(psnr, 2)})
    else:
        print(
            f"{folder} holds {collection.images:,} images, encoded by {options.name}. Their reconstructions have a "
            f"PSNR of {psnr:.1f} dB."
        )
    if not collection.fits:
        print(
            f"{options.name} does not fit these images. Train a model on them: python -m models train vae --data "
            f"{shlex.quote(str(options.images[0]))}",
            file=sys.stderr,
        )
    return folder


class ProgressDisplay:
    """Shows progress as a bar or as JSON lines; a context manager whose value is the callback.

    Arguments:
        as_json: Write JSON lines instead of a bar.
    """

    def __init__(self, *, as_json: bool) -> None:
        from tqdm import tqdm

        self._writer = JsonProgress() if as_json else None
        self._bar = tqdm(
            total=100, desc="encode", bar_format="{desc} {bar} {n:.0f} % {postfix}", disable=as_json
        )

    def __enter__(self) -> ProgressDisplay:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def __call__(self, share: float, what: str) -> None:
        """Reports the share done, 0 to 1, and the current task."""
        if self._writer:
            self._writer(share, what)
        self._bar.set_postfix_str(what, refresh=False)
        self._bar.update(100 * share - self._bar.n)
