"""The command line of the zoo: `python -m models list | train | evaluate | encode`."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

__all__ = ["main"]

MESSAGE = 1000  # characters of an error
CHOICES = ("epochs", "batch", "rate", "kl_warmup", "seed", "limit", "save_every", "title", "description")


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; returns its exit status. Errors go to the standard error, in one line."""
    arguments = sys.argv[1:] if arguments is None else arguments
    options = parser().parse_args(arguments)
    options.line = shlex.join(["python", "-m", "models", *arguments])
    try:
        status: int = options.run(options)
    except (ValueError, OSError, RuntimeError) as error:
        print(f"python -m models: {' '.join(str(error).split())[:MESSAGE]}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped. A training goes on with `--resume`.", file=sys.stderr)
        return 130
    return status


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    root = argparse.ArgumentParser(prog="python -m models", description=__doc__)
    commands = root.add_subparsers(required=True, metavar="command")

    listing = commands.add_parser("list", help="list the checkpoints")
    listing.add_argument("--json", action="store_true", help="as JSON")
    listing.set_defaults(run=run_list)

    training = commands.add_parser("train", help="train a model")
    training.add_argument("model", nargs="?", help="which model, e.g. vae")
    training.add_argument("--data", help="which data set, e.g. faces")
    training.add_argument("--out", type=Path, help="checkpoint folder (runs/DATA-MODEL)")
    training.add_argument("--resume", type=Path, nargs="?", const=Path(), metavar="FOLDER",
                          help="go on with a training that was stopped")  # fmt: skip
    training.add_argument("--set", nargs="*", default=[], metavar="FIELD=VALUE",
                          help="fields of the model's configuration, e.g. latent=2")  # fmt: skip
    training.add_argument("--option", nargs="*", default=[], metavar="NAME=VALUE",
                          help="options of the data set, e.g. correlated=true")  # fmt: skip
    training.add_argument("--bf16", action="store_true", help="convolutions and products in bfloat16")
    training.add_argument("--device", help="cuda, mps or cpu (the best there is)")
    training.add_argument("--title", help="the checkpoint's name for people")
    training.add_argument("--description", help="what it is, in a sentence")
    for name, kind, about in (
        ("epochs", int, "passes over the images"),
        ("batch", int, "images a step"),
        ("rate", float, "learning rate"),
        ("kl-warmup", float, "share of the steps over which the regulariser comes in"),
        ("seed", int, "decides weights, order and noise"),
        ("limit", int, "train on the first images only"),
        ("save-every", int, "steps between two saved states"),
    ):
        training.add_argument(f"--{name}", type=kind, help=about)
    training.set_defaults(run=run_train)

    evaluation = commands.add_parser("evaluate", help="measure a checkpoint on its test images")
    evaluation.add_argument("name", help="name or folder of a checkpoint")
    evaluation.add_argument("--json", action="store_true", help="as JSON")
    evaluation.add_argument("--limit", type=int, help="use the first images only")
    evaluation.add_argument("--attributes", action="store_true",
                            help="read each attribute from reconstructions too (takes minutes)")  # fmt: skip
    evaluation.add_argument("--write", action="store_true", help="keep the figures in the card")
    evaluation.set_defaults(run=run_evaluate)

    encoding = commands.add_parser("encode", help="encode image files to a Parquet table")
    encoding.add_argument("name", help="name or folder of a checkpoint")
    encoding.add_argument("images", nargs="+", type=Path, help="image files or folders")
    encoding.add_argument("--out", type=Path, required=True, help="the Parquet file")
    encoding.set_defaults(run=run_encode)
    return root


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
    for e in entries:
        about = f"broken: {e.error}"
        if e.card:
            about = f"{e.card.model:8} {e.card.data['name']:14} {e.card.title}"
        print(f"{e.name:{width}}  {about}")
    if not entries:
        print("No checkpoint yet. Create one with `python -m models train vae --data digits`.")
    return 0


def run_train(options: argparse.Namespace) -> int:
    """Trains, or goes on with a training."""
    import torch

    from models.train import Run, read_run, train

    resume = options.resume is not None
    chosen = {name: getattr(options, name) for name in CHOICES if getattr(options, name) is not None}
    if resume and options.resume != Path():
        folder = options.resume
        for name in ("model", "data", "out", "set", "option", "bf16", *chosen):
            if getattr(options, name):
                raise ValueError(
                    f"`--resume {folder}` keeps to the values it was started with. Leave out `{name}`."
                )
        run, _ = read_run(folder)
    else:
        if not options.model or not options.data:
            raise ValueError("Say which model and data: `python -m models train vae --data digits`.")
        folder = options.out or Path("runs") / f"{options.data}-{options.model}"
        run = Run(model=options.model, data=options.data,
                  config=assignments(options.set), options=assignments(options.option))  # fmt: skip
        run = replace(run, bf16=options.bf16, **chosen)
    device = torch.device(options.device) if options.device else None
    card = train(run, folder, resume=resume, device=device, command=options.line)
    print(f"{folder} is trained: {card.training['steps']} steps. "
          f"Measure it: python -m models evaluate {shlex.quote(str(folder))}")  # fmt: skip
    return 0


def run_evaluate(options: argparse.Namespace) -> int:
    """Measures a checkpoint."""
    from models.evaluate import evaluate, table

    metrics = evaluate(options.name, limit=options.limit, attributes=options.attributes,
                       command=options.line, write=options.write)  # fmt: skip
    print(json.dumps(metrics, indent=1, ensure_ascii=False) if options.json else table(metrics))
    return 0


def run_encode(options: argparse.Namespace) -> int:
    """Encodes image files."""
    from models.encode import encode_files

    count = encode_files(options.name, options.images, options.out)
    print(f"{options.out} holds {count} encoded image{'' if count == 1 else 's'}.")
    return 0


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
