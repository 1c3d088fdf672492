"""The command line of the models: `python -m models list | train | pack | evaluate | encode`."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

from models.commands import evaluate, pack, train
from models.commands import list as list_command
from models.commands.arguments import recorded_command
from models.system.progress import JsonProgress, add_option, say

__all__ = ["add_commands", "main", "run"]

MESSAGE = 1000  # characters of an error
TOLD_AT_MOST = 20  # files that cannot be used, listed
FITS = ("crop", "pad", "stretch")
# Endings of `encode --out` that name a file; those that cannot be written are refused.
TABLES = (".parquet", ".csv", ".tsv", ".json", ".jsonl", ".npz", ".npy", ".txt", ".xlsx")


def main(arguments: list[str] | None = None) -> int:
    """Runs one command and returns its exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    root = argparse.ArgumentParser(prog="python -m models", description=__doc__)
    add_commands(root.add_subparsers(required=True, metavar="command"))
    return run(root, arguments)


def run(parser: argparse.ArgumentParser, arguments: list[str]) -> int:
    """Parses a command line and runs its command; an error is written to standard error, as one line.

    Arguments:
        parser: A parser with the commands of `add_commands`; error messages start with its `prog`.
        arguments: The command line, without the program.

    Returns:
        The exit status.
    """
    options = parser.parse_args(arguments)
    options.line = recorded_command(arguments)
    try:
        status: int = options.run(options)
    except (ValueError, OSError, RuntimeError) as error:
        if getattr(options, "progress", "bar") == "json":
            JsonProgress().error(error)
        print(f"{parser.prog}: {' '.join(str(error).split())[:MESSAGE]}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted. Resume a training with `train --resume`.", file=sys.stderr)
        return 130
    return status


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the commands and their options to a parser's subparsers."""
    for command in (list_command, train, pack, evaluate):
        command.add(commands)

    encoding = commands.add_parser(
        "encode", help="encode images to a table, or as a collection beside a checkpoint's own"
    )
    encoding.add_argument("name", help="name or folder of a checkpoint")
    encoding.add_argument(
        "images", nargs="+", type=Path, metavar="PATH",
        help="folders, zips, Parquet files, WebDataset tars, arrays, image files; hidden files are left out",
    )  # fmt: skip
    encoding.add_argument("--out", type=Path, metavar="FILE|DIR",
                          help="the table to write, .parquet or .csv; or the folder of a collection")  # fmt: skip
    encoding.add_argument(
        "--labels", type=Path, metavar="CSV", help="of a collection: a table that names the files"
    )
    encoding.add_argument("--fit", choices=FITS, default="",
                          help="of a collection: how pictures of another aspect become the model's (what suits them)")  # fmt: skip
    encoding.add_argument(
        "--ray",
        nargs="?",
        const="",
        metavar="ADDRESS",
        help="of a collection: encode on a Ray cluster, auto or HOST:PORT; without an address, on the cores of this "
        "machine",
    )
    add_option(encoding)
    encoding.set_defaults(run=run_encode)


def run_encode(options: argparse.Namespace) -> int:
    """Encodes images; the status is 1 where some files of a table could not be read, which are listed."""
    from models.data.locations import printable
    from models.encode import encode_files

    if options.out is None:
        raise ValueError(
            "Say where to: `--out table.parquet`, `--out table.csv` or `--out FOLDER` for a collection."
        )
    if options.out.suffix.lower() not in TABLES:
        folder = encode_as_collection(options, options.out)
        if options.progress != "json":
            print(f"Make its map: python -m explorer.atlas {shlex.quote(str(folder))}")
        return 0
    if options.labels or options.fit or options.ray is not None:
        raise ValueError(
            "`--labels`, `--fit` and `--ray` belong to a collection. Leave them out, or name a folder by `--out`."
        )
    count, problems = encode_files(options.name, options.images, options.out)
    for problem in problems:
        print(problem, file=sys.stderr)
    left_out = f"; {len(problems)} could not be read" if problems else ""
    print(f"{printable(options.out)} holds {count} encoded image{'' if count == 1 else 's'}{left_out}.")
    return 1 if problems else 0


def encode_as_collection(options: argparse.Namespace, out: Path) -> Path:
    """Encodes images as a collection and says what became of them.

    Arguments:
        options: Of the command `encode`.
        out: The folder to write.
    """
    from tqdm import tqdm

    from models.collection import encode_collection

    workers = None
    if options.ray is not None:
        from models.ray_workers import on_ray

        workers = on_ray(options.ray)
    as_json = options.progress == "json"
    writer = JsonProgress()
    with tqdm(
        total=100, desc="encode", bar_format="{desc} {bar} {n:.0f} % {postfix}", disable=as_json
    ) as bar:

        def report(share: float, what: str) -> None:
            if as_json:
                writer(share, what)
            bar.set_postfix_str(what, refresh=False)
            bar.update(100 * share - bar.n)

        made = encode_collection(
            options.name,
            options.images,
            out,
            labels=options.labels,
            fit=options.fit,
            command=options.line,
            workers=workers,
            report=report,
        )
    for line in [*made.notes, *(f"{each.name}: {each.reason}" for each in made.refused[:TOLD_AT_MOST])]:
        print(line, file=sys.stderr)
    if len(made.refused) > TOLD_AT_MOST:
        print(f"… and {len(made.refused) - TOLD_AT_MOST:,} more files that cannot be used.", file=sys.stderr)
    if as_json:
        say(result={"folder": str(made.folder), "images": made.images, "refused": len(made.refused),
                    "psnr": round(made.psnr, 2)})  # fmt: skip
    else:
        print(f"{made.folder} holds {made.images:,} images, encoded by {options.name}. Its reconstructions of them have "
              f"a PSNR of {made.psnr:.1f} dB.")  # fmt: skip
    if not made.fits:
        print(
            f"{options.name} does not fit these images. Train a model on them: python -m models train vae --data "
            f"{shlex.quote(str(options.images[0]))}",
            file=sys.stderr,
        )
    return made.folder


if __name__ == "__main__":
    raise SystemExit(main())
