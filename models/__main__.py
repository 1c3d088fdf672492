"""The command line of the zoo: `python -m models list | train | pack | evaluate | encode`."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from models.system.progress import JsonProgress, add_option, say

__all__ = ["add_commands", "main", "run"]

MESSAGE = 1000  # characters of an error
TOLD_AT_MOST = 20  # files that cannot be used, listed
FITS = ("crop", "pad", "stretch")
# Endings of `encode --out` that name a file; those that cannot be written are refused.
TABLES = (".parquet", ".csv", ".tsv", ".json", ".jsonl", ".npz", ".npy", ".txt", ".xlsx")
CHOICES = ("epochs", "prior_epochs", "minutes", "steps", "batch", "rate", "kl_warmup", "seed", "limit", "save_every",
           "title", "description", "optimizer", "rate_warmup", "decay", "clip", "ema", "start", "validation", "check_every",
           "patience", "augment")  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; returns its exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    root = argparse.ArgumentParser(prog="python -m models", description=__doc__)
    add_commands(root.add_subparsers(required=True, metavar="command"))
    return run(root, arguments)


def run(parser: argparse.ArgumentParser, arguments: list[str]) -> int:
    """Runs the command of a line; errors go to standard error, in one line.

    Arguments:
        parser: Has `add_commands` in it; its `prog` begins the message of an error.
        arguments: The line.

    Returns:
        The exit status.
    """
    options = parser.parse_args(arguments)
    options.line = shlex.join([*launcher(), "-m", "models", *without_progress(arguments)])
    try:
        status: int = options.run(options)
    except (ValueError, OSError, RuntimeError) as error:
        if getattr(options, "progress", "bar") == "json":
            JsonProgress().error(error)
        print(f"{parser.prog}: {' '.join(str(error).split())[:MESSAGE]}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped. Resume a training with `train --resume`.", file=sys.stderr)
        return 130
    return status


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the commands and their options to a parser's subparsers."""
    listing = commands.add_parser("list", help="list the checkpoints")
    listing.add_argument("--json", action="store_true", help="as JSON")
    listing.set_defaults(run=run_list)

    training = commands.add_parser("train", help="train a model")
    training.add_argument("model", nargs="?", help="which model, e.g. vae")
    training.add_argument("--data", help="which data set, e.g. faces; or a folder or file of your own images")
    training.add_argument(
        "--labels", metavar="TABLE", help="labels of your own images, .csv, .jsonl or .parquet"
    )
    training.add_argument("--size", type=int, help="pixels of the longer side of your own images")
    training.add_argument("--out", type=Path, help="checkpoint folder (runs/DATA-MODEL)")
    training.add_argument("--resume", type=Path, nargs="?", const=Path(), metavar="FOLDER",
                          help="go on with a training that was stopped")  # fmt: skip
    training.add_argument("--overwrite", action="store_true",
                          help="replace the run that the folder holds; it stays until the new one has ended")  # fmt: skip
    training.add_argument("--set", nargs="*", default=[], metavar="FIELD=VALUE",
                          help="fields of the model's configuration, e.g. latent=2")  # fmt: skip
    training.add_argument("--option", nargs="*", default=[], metavar="NAME=VALUE",
                          help="options of the data set, e.g. correlated=true")  # fmt: skip
    training.add_argument("--bf16", action="store_true", help="convolutions and products in bfloat16")
    training.add_argument("--compile", action="store_true", help="compile the loss with torch.compile")
    training.add_argument("--optimizer", help="adamw (the default), adamw-fused (faster) or adamax")
    training.add_argument("--tensorboard", action="store_true", help="write event files too")
    training.add_argument("--device", help="cuda, mps or cpu (the best there is)")
    training.add_argument("--from", dest="start", metavar="CHECKPOINT",
                          help="begin with the weights of a checkpoint of the same layout: its name or folder")  # fmt: skip
    training.add_argument("--title", help="the checkpoint's name for people")
    training.add_argument("--description", help="what it is, in a sentence")
    training.add_argument("--augment", nargs="+", metavar="CHANGE",
                          help="change the images at random at each pass: flip, shift, colour")  # fmt: skip
    training.add_argument("--steps", nargs="+", type=int, metavar="N",
                          help="steps of each equal part of the schedule, in place of epochs")  # fmt: skip
    training.add_argument("--snapshots", nargs="+", type=float, default=[], metavar="SECONDS",
                          help="when to leave what is learnt so far as a checkpoint")  # fmt: skip
    training.add_argument("--previews", type=int, default=0, metavar="N",
                          help="leave N reconstructions and samples in the folder every few seconds")  # fmt: skip
    for name, kind, about in (
        ("epochs", int, "passes over the images"),
        ("prior-epochs", int, "further passes in which only a prior over codes learns (0: beside the model)"),
        ("minutes", float, "how long to train, in place of epochs"),
        ("batch", int, "images a step (0: as many as the memory holds, at most 128)"),
        ("rate", float, "learning rate"),
        ("kl-warmup", float, "share of the steps over which the regulariser comes in"),
        ("rate-warmup", int, "steps to the learning rate's height"),
        ("decay", float, "weight decay"),
        ("clip", float, "largest gradient norm"),
        ("ema", float, "save a running mean of the weights that keeps this much at a step, e.g. 0.999"),
        ("seed", int, "decides weights, order and noise"),
        ("limit", int, "train on the first images only"),
        ("save-every", int, "steps between two saved states"),
        (
            "validation",
            float,
            "share of the training images held out to choose the weights, where the data has none",
        ),
        ("check-every", int, "steps between two measurements of the validation loss"),
        ("patience", int, "measurements without a lower validation loss that end the training"),
    ):
        training.add_argument(f"--{name}", type=kind, help=about)
    add_option(training)
    training.set_defaults(run=run_train)

    packing = commands.add_parser("pack", help="make a checkpoint small: weights in 16 bits, thinner curves")
    packing.add_argument("folders", nargs="+", type=Path, metavar="folder", help="a checkpoint's folder")
    packing.add_argument("--most", type=int, default=300, help="lines of the curves to keep at most (300)")
    packing.set_defaults(run=run_pack)

    evaluation = commands.add_parser("evaluate", help="measure checkpoints on their test images")
    evaluation.add_argument("name", nargs="?", help="name or folder of a checkpoint")
    evaluation.add_argument("--all", action="store_true",
                            help="every bundled checkpoint, with what its bars ask for (takes hours)")  # fmt: skip
    evaluation.add_argument("--json", action="store_true", help="as JSON")
    evaluation.add_argument("--limit", type=int, help="use the first images only")
    evaluation.add_argument("--samples", type=int, metavar="L",
                            help="log p(x) by importance sampling and by naive Monte Carlo, L draws an image")  # fmt: skip
    evaluation.add_argument("--probe", action="store_true", help="error of a linear probe for each class")
    evaluation.add_argument("--disentanglement", action="store_true",
                            help="MIG, DCI, SAP, FactorVAE and beta-VAE score, where factors are known")  # fmt: skip
    evaluation.add_argument("--attributes", action="store_true",
                            help="read each attribute from reconstructions too (takes minutes)")  # fmt: skip
    evaluation.add_argument("--seeds", nargs="+", default=[], metavar="RUN",
                            help="names or folders of runs that differ by their seed alone")  # fmt: skip
    evaluation.add_argument("--write", action="store_true", help="store the metrics in the card")
    evaluation.add_argument("--report", nargs="?", type=Path, const=Path("RESULTS.md"), metavar="FILE",
                            help="write RESULTS.md from the cards; measured metrics are stored in them")  # fmt: skip
    evaluation.set_defaults(run=run_evaluate)

    encoding = commands.add_parser(
        "encode", help="encode images to a table, or as a collection beside a checkpoint's own"
    )
    encoding.add_argument("name", help="name or folder of a checkpoint")
    encoding.add_argument(
        "images", nargs="+", type=Path, metavar="PATH",
        help="image files, and folders of them; hidden files are left out. A collection takes one folder, zip, Parquet "
        "file, WebDataset tar or array",
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


def launcher() -> list[str]:
    """What started this process, as the command of a card names it."""
    count, here = (int(os.environ.get(name, "1")) for name in ("WORLD_SIZE", "LOCAL_WORLD_SIZE"))
    if count == 1:
        return ["python"]
    machines = ["--nnodes", str(count // here)] if count > here else []
    return ["torchrun", *machines, "--nproc-per-node", str(here)]


def without_progress(arguments: list[str]) -> list[str]:
    """A line without `--progress`, which has no influence on the outcome: the card's command leaves it out."""
    kept = []
    rest = iter(arguments)
    for argument in rest:
        if argument == "--progress":
            next(rest, None)
        elif not argument.startswith("--progress="):
            kept.append(argument)
    return kept


def run_list(options: argparse.Namespace) -> int:
    """Prints name, model, data and latent of each checkpoint, or why it cannot be used."""
    from models.checkpoint import scan

    entries = scan()
    if options.json:
        rows = [
            {"name": e.name, "path": str(e.path), "version": e.version, "error": e.error}
            | ({"title": e.card.title, "model": e.card.model, "data": e.card.data, "config": e.card.config,
                "metrics": e.card.metrics} if e.card else {})
            for e in entries
        ]  # fmt: skip
        print(json.dumps(rows, indent=1, ensure_ascii=False))
        return 0
    width = max([len(e.name) for e in entries], default=4)
    models = max([len(e.card.model) for e in entries if e.card], default=4)
    for e in entries:
        about = f"broken: {e.error}"
        if e.card:
            about = f"{e.card.model:{models}}  {e.card.data['name']:14} {e.card.title}"
        print(f"{e.name:{width}}  {about}")
    if not entries:
        print("No checkpoint yet. Create one with `python -m models train vae --data digits`.")
    return 0


def run_train(options: argparse.Namespace) -> int:
    """Trains a model, or resumes a training."""
    from models.system import settings
    from models.training.distributed import part
    from models.training.run_folder import working_folder
    from models.training.train import Run, read_run, train

    resume = options.resume is not None
    chosen = {name: getattr(options, name) for name in CHOICES if getattr(options, name) is not None}
    if resume and options.resume != Path():
        folder = options.resume
        for name in (
            "model",
            "data",
            "labels",
            "size",
            "out",
            "overwrite",
            "set",
            "option",
            "bf16",
            "compile",
            *chosen,
        ):
            if getattr(options, name):
                raise ValueError(
                    f"`--resume {folder}` keeps to the values it was started with. Leave out `{name}`."
                )
        work = working_folder(folder, resume=True, overwrite=False)
        run, _ = read_run(work)
    else:
        if not options.model or not options.data:
            raise ValueError("Say which model and data: `python -m models train vae --data digits`.")
        if options.epochs is not None and (options.minutes or options.steps):
            raise ValueError(
                "`--epochs` says how long to train, and so does the other option. Leave out one of them."
            )
        data = data_set(options)
        folder = options.out or Path("runs") / f"{data.name}-{options.model}"
        run = Run(model=options.model, data=data.key, config=assignments(options.set), options=data.options,
                  title=data.title)  # fmt: skip
        run = replace(run, bf16=options.bf16, compile=options.compile, **chosen)
    device = settings.device(options.device, "`--device`") if options.device else None
    writer = JsonProgress() if options.progress == "json" else None

    def progress(step: int, steps: int) -> None:
        if writer:
            writer(step / steps, "Training", done=step, total=steps)

    card = train(run, folder, resume=resume, overwrite=options.overwrite, device=device, command=options.line,
                 tensorboard=options.tensorboard, progress=progress if writer else None,
                 snapshots=options.snapshots, previews=options.previews)  # fmt: skip
    part()
    if int(os.environ.get("RANK", "0")) == 0:  # under `torchrun` one of them speaks
        steps, finished = card.training["steps"], card.training.get("finished", True)
        if writer:
            say(result={"folder": str(folder), "steps": steps} | ({} if finished else {"finished": False}))
        elif finished:
            print(f"{folder} is trained: {steps} steps. "
                  f"Measure it: python -m models evaluate {shlex.quote(str(folder))}")  # fmt: skip
        else:
            print(f"{folder} is paused after {steps} steps. "
                  f"Go on: python -m models train --resume {shlex.quote(str(folder))}")  # fmt: skip
    return 0


class DataChoice(NamedTuple):
    """The data set of a training."""

    name: str  # in the name of the run's folder
    key: str  # of `models.data.DATASETS` or `SEQUENCES`
    options: dict[str, Any]
    title: str = ""  # of the checkpoint, unless another one is given


def data_set(options: argparse.Namespace) -> DataChoice:
    """The data set that a line names; images of one's own, named by their path, are prepared.

    Raises:
        ValueError: If it is neither a data set nor a path, or options of one are given to the other.
    """
    from models.data import DATASETS, OWN, SEQUENCES

    given = assignments(options.option)
    if options.data in DATASETS | SEQUENCES:
        for name in ("labels", "size"):
            if getattr(options, name) is not None:
                raise ValueError(
                    f"`--{name}` belongs to images of your own. {options.data!r} is a data set; leave it out."
                )
        return DataChoice(options.data, options.data, given)
    from models.data.own.command import folder_name, is_path, options_from_path, title_of

    if not is_path(options.data):
        raise ValueError(
            f"Unknown data set {options.data[:200]!r}, and there is no such folder or file. Choose one of: "
            f"{', '.join(name for name in DATASETS | SEQUENCES if name != OWN)}; or name a folder of images."
        )
    size = {} if options.size is None else {"size": options.size}
    writer = JsonProgress() if options.progress == "json" else None
    own = options_from_path(options.data, options.labels, size | given, writer)
    return DataChoice(folder_name(options.data), OWN, own, title_of(options.data))


def run_pack(options: argparse.Namespace) -> int:
    """Makes checkpoints small, as the bundled ones are."""
    from models import checkpoint
    from models.card import WEIGHTS
    from models.training.log import thin_curves

    for folder in options.folders:
        lines = thin_curves(folder, options.most)
        checkpoint.pack(folder)
        size = (folder / WEIGHTS).stat().st_size / 1e6
        print(f"{folder} has {size:.1f} MB of weights and keeps {lines} lines of its curves. Now measure and encode "
              f"it: python -m models evaluate {folder} --write && python -m explorer.atlas {folder}")  # fmt: skip
    return 0


def run_evaluate(options: argparse.Namespace) -> int:
    """Measures a checkpoint, or all; writes the report."""
    from models.data.locations import check_output
    from models.evaluation.evaluate import Wanted, evaluate
    from models.evaluation.metric import table
    from models.evaluation.report import bundled, evaluate_all, write_report

    if bool(options.name) + options.all > 1 or not (options.name or options.all or options.report):
        raise ValueError(
            "Say which checkpoint: `python -m models evaluate NAME`, or `--all` for the bundled ones."
        )
    if options.report:
        check_output(options.report, "--report")
    wanted = Wanted(options.samples, options.probe, options.disentanglement, options.attributes)
    write = options.write or options.report is not None
    measured = {}
    if options.name:
        measured[options.name] = evaluate(options.name, wanted, seeds=options.seeds, limit=options.limit,
                                          command=options.line, write=write)  # fmt: skip
    elif options.all:
        if options.seeds:
            raise ValueError("`--seeds` belongs to one checkpoint. Name it, or leave out `--all`.")
        for name, metrics in evaluate_all(wanted, limit=options.limit, write=write):
            measured[name] = metrics
            if not options.json:
                print(f"{name}\n{table(metrics)}\n", flush=True)
    if options.json:
        found = measured[options.name] if options.name else measured
        print(json.dumps(found, indent=1, ensure_ascii=False))
    elif options.name:
        print(table(measured[options.name]))
    if options.report:
        write_report(options.report, bundled())
        print(f"{options.report} is written.", file=sys.stderr)
    return 0


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

    if len(options.images) != 1:
        raise ValueError(f"A collection takes one folder or file. Got {len(options.images)}.")
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
            options.images[0],
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
        print(f"{options.name} does not fit these images. Train a model on them: python -m models train vae --data "
              f"{shlex.quote(str(options.images[0]))}", file=sys.stderr)  # fmt: skip
    return made.folder


def assignments(pairs: list[str]) -> dict[str, Any]:
    """Turns ["latent=2", "network=mlp"] into {"latent": 2, "network": "mlp"}."""
    values: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            raise ValueError(f"Options are written NAME=VALUE. Got {pair!r}.")
        try:
            values[name] = json.loads(text)
        except json.JSONDecodeError:
            values[name] = text
    return values


if __name__ == "__main__":
    raise SystemExit(main())
