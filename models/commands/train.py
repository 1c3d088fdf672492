"""`python -m models train`: trains a model on a data set or on a folder of images, or resumes a training."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from models.commands.arguments import parse_assignments
from models.system.progress import JsonProgress, add_option, say

if TYPE_CHECKING:
    from models.card import Card
    from models.training.run import Run

__all__ = ["add", "run"]

DECODER = (
    "decoder"  # model that learns from embeddings, as in models/train_decoder.py, which is slow to import
)
DECODER_MINUTES, DECODER_RATE = 2.0, 4e-3  # of its training, if not given

# Options without a value.
SWITCHES = {
    "overwrite": "replace the run that the folder holds; it is kept until the new one has finished",
    "bf16": "convolutions and matrix products in bfloat16",
    "compile": "compile the loss with torch.compile",
    "tensorboard": "write event files too",
}
# Options with one value: name -> type, help.
VALUES: dict[str, tuple[Callable[[str], Any], str]] = {
    "data": (str, "data set, e.g. faces; or a folder or file of your own images"),
    "size": (int, "pixels of the longer side of your own images"),
    "title": (str, "title of the checkpoint"),
    "description": (str, "description of the checkpoint, one sentence"),
    "device": (str, "cuda, mps or cpu (the fastest available)"),
    "optimizer": (str, "adamw (the default), adamw-fused (faster) or adamax"),
    "epochs": (int, "passes over the images"),
    "prior-epochs": (
        int,
        "further epochs that train only a prior over codes (0: it is trained with the model)",
    ),
    "minutes": (float, "how long to train, instead of epochs"),
    "batch": (int, "images per step (0: as many as fit into memory, at most 128)"),
    "rate": (float, "learning rate"),
    "kl-warmup": (float, "share of the steps over which the regulariser rises to full weight"),
    "rate-warmup": (int, "steps over which the learning rate rises to its peak"),
    "decay": (float, "weight decay"),
    "clip": (float, "largest gradient norm"),
    "ema": (float, "save an exponential moving average of the weights, with this decay per step, e.g. 0.999"),
    "seed": (int, "seed of the weights, the order of the images and the noise"),
    "limit": (int, "train on the first images only"),
    "save-every": (int, "steps between saved states"),
    "check-every": (int, "steps between measurements of the validation loss"),
    "patience": (int, "end the training after this many measurements without a lower validation loss"),
}
# Options that set a field of `Run`, if given.
FIELDS = (
    *(name.replace("-", "_") for name in VALUES if name not in ("data", "size", "device")),
    *("steps", "start", "augment", "validation"),
)
# Options that a resumed training takes from its saved state.
FIXED = (
    "model",
    "data",
    "embeddings",
    "images",
    "labels",
    "size",
    "out",
    "overwrite",
    "set",
    "option",
    "bf16",
    "compile",
    *FIELDS,
)


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command to a parser's subparsers."""
    parser = commands.add_parser("train", help="train a model")
    parser.add_argument("model", nargs="?", help="model, e.g. vae")
    for name, description in SWITCHES.items():
        parser.add_argument(f"--{name}", action="store_true", help=description)
    for name, (kind, description) in VALUES.items():
        parser.add_argument(f"--{name}", type=kind, help=description)
    for names, settings in other_options().items():
        parser.add_argument(*names, **settings)
    add_option(parser)
    parser.set_defaults(run=run)


def other_options() -> dict[tuple[str, ...], dict[str, Any]]:
    """Returns the arguments of `add_argument` for the options that need more than a type."""
    return {
        ("--embeddings",): {
            "type": Path,
            "metavar": "FILE",
            "help": "vectors from which the model `decoder` learns to draw: .npy, .npz, .parquet or projector_config.pbtxt",
        },
        ("--images",): {"type": Path, "metavar": "PATH", "help": "pictures of the embeddings"},
        ("--labels",): {"metavar": "TABLE", "help": "labels of your own images: .csv, .jsonl or .parquet"},
        ("--out",): {"type": Path, "help": "folder of the checkpoint (runs/DATA-MODEL)"},
        ("--resume",): {
            "type": Path,
            "nargs": "?",
            "const": Path(),
            "metavar": "FOLDER",
            "help": "continue a training that was interrupted",
        },
        ("--from",): {
            "dest": "start",
            "metavar": "CHECKPOINT",
            "help": "start from the weights of a checkpoint of the same architecture: its name or folder",
        },
        ("--set",): {
            "nargs": "*",
            "default": [],
            "metavar": "FIELD=VALUE",
            "help": "fields of the model's configuration, e.g. latent=2",
        },
        ("--option",): {
            "nargs": "*",
            "default": [],
            "metavar": "NAME=VALUE",
            "help": "options of the data set, e.g. correlated=true",
        },
        ("--augment",): {
            "nargs": "+",
            "metavar": "CHANGE",
            "help": "change the images at random in each epoch: flip, shift, colour",
        },
        ("--validation",): {
            "nargs": "?",
            "type": float,
            "const": 0.1,
            "metavar": "SHARE",
            "help": "choose the weights by the validation split; own images without one hold out a share (0.1)",
        },
        ("--steps",): {
            "nargs": "+",
            "type": int,
            "metavar": "N",
            "help": "steps in each of the equal parts of the schedule, instead of epochs",
        },
        ("--snapshots",): {
            "nargs": "+",
            "type": float,
            "default": [],
            "metavar": "SECONDS",
            "help": "write a checkpoint of the unfinished training after these times",
        },
        ("--previews",): {
            "type": int,
            "default": 0,
            "metavar": "N",
            "help": "write N reconstructions and samples to the folder every few seconds",
        },
    }


def run(options: argparse.Namespace) -> int:
    """Trains a model, or resumes a training."""
    from models.system import settings
    from models.train_decoder import train_decoder
    from models.training.distributed import destroy_process_group
    from models.training.train import train

    resume = options.resume is not None
    started = resume and options.resume != Path()
    configuration, folder = saved_run(options) if started else new_run(options)
    device = settings.device(options.device, "`--device`") if options.device else None
    card = (train_decoder if configuration.model == DECODER else train)(
        configuration,
        folder,
        resume=resume,
        overwrite=options.overwrite,
        device=device,
        command=options.line,
        tensorboard=options.tensorboard,
        progress=json_steps(JsonProgress()) if options.progress == "json" else None,
        snapshots=options.snapshots,
        previews=options.previews,
    )
    destroy_process_group()
    if int(os.environ.get("RANK", "0")) == 0:  # only the first process of `torchrun` prints
        print_result(folder, card, as_json=options.progress == "json")
    return 0


def json_steps(writer: JsonProgress) -> Callable[[int, int], None]:
    """Returns a callback of `train` that writes the steps as JSON lines."""

    def progress(step: int, steps: int) -> None:
        writer(step / steps, "Training", done=step, total=steps)

    return progress


def saved_run(options: argparse.Namespace) -> tuple[Run, Path]:
    """Returns the run that `--resume FOLDER` continues, and its folder.

    Raises:
        ValueError: If the folder has no saved state, or another option would change the run.
    """
    from models.training.run_folder import working_folder
    from models.training.state import read_run

    folder = options.resume
    for name in FIXED:
        if getattr(options, name):
            raise ValueError(
                f"`--resume {folder}` continues with the settings it was started with. Leave out `{name}`."
            )
    saved, _ = read_run(working_folder(folder, resume=True, overwrite=False))
    return saved, folder


def new_run(options: argparse.Namespace) -> tuple[Run, Path]:
    """Returns the run that the options describe, and the folder of its checkpoint.

    Raises:
        ValueError: If an option is missing, contradicts another or has an invalid value.
    """
    from models.training.run import Run

    decoder = options.model == DECODER
    if not options.model or not (options.data or decoder):
        raise ValueError("Name a model and its data: `python -m models train vae --data digits`.")
    if options.epochs is not None and (options.minutes or options.steps):
        other = "minutes" if options.minutes else "steps"
        raise ValueError(f"`--epochs` and `--{other}` both set the length of the training. Leave out one.")
    data = choose_embeddings(options) if decoder else choose_data(options)
    described = Run(
        model=options.model,
        data=data.key,
        config=parse_assignments(options.set),
        options=data.options,
        title=data.title,
    )
    if decoder:
        minutes = 0.0 if options.epochs or options.steps else DECODER_MINUTES
        described = replace(described, rate=DECODER_RATE, optimizer="adamw-fused", ema=0.999, minutes=minutes)
    given = {name: value for name in FIELDS if (value := getattr(options, name)) is not None}
    described = replace(described, bf16=options.bf16, compile=options.compile, **given)
    return described, options.out or default_folder(data.name, options.model)


def default_folder(data: str, model: str) -> Path:
    """Returns the folder of a checkpoint if `--out` is not given."""
    return Path("runs") / f"{data}-{model}"


class DataChoice(NamedTuple):
    """The data set of a training."""

    name: str  # part of the name of the run's folder
    key: str  # of `models.data.DATASETS` or `SEQUENCES`
    options: dict[str, Any]
    title: str = ""  # title of the checkpoint if `--title` is not given


def choose_embeddings(options: argparse.Namespace) -> DataChoice:
    """Returns the pictures of the embeddings that a decoder is trained on; prepares them in the checkpoint's folder.

    Raises:
        ValueError: If embeddings or pictures are missing, or do not belong together.
    """
    from models.data import OWN
    from models.data.own.command import folder_name, title_of
    from models.train_decoder import prepare_decoder

    if options.data or options.option:
        raise ValueError(
            "A decoder is trained on `--embeddings` and `--images`. Leave out `--data` and `--option`."
        )
    if options.embeddings is None:
        raise ValueError(
            "Name the embeddings and their pictures: `python -m models train decoder --embeddings E.npy --images PATH`."
        )
    name = folder_name(str(options.embeddings))
    items = prepare_decoder(
        options.embeddings,
        options.out or default_folder(name, DECODER),
        images=options.images,
        labels=Path(options.labels) if options.labels else None,
        size=options.size,
        report=JsonProgress() if options.progress == "json" else None,
    )
    for note in items.notes:
        print(note, file=sys.stderr)
    return DataChoice(name, OWN, items.preparation.as_options(), title_of(str(options.embeddings)))


def choose_data(options: argparse.Namespace) -> DataChoice:
    """Returns the data set that `--data` names; prepares the images if it is a path.

    Raises:
        ValueError: If it is neither a data set nor a path, or an option of one is given with the other.
    """
    from models.data import DATASETS, OWN, SEQUENCES

    for name in ("embeddings", "images"):
        if getattr(options, name) is not None:
            raise ValueError(f"`--{name}` belongs to the model `{DECODER}`. Leave it out.")
    assigned = parse_assignments(options.option)
    if options.data in DATASETS | SEQUENCES:
        for name in ("labels", "size"):
            if getattr(options, name) is not None:
                raise ValueError(
                    f"`--{name}` belongs to images of your own. {options.data!r} is a data set; leave it out."
                )
        return DataChoice(options.data, options.data, assigned)
    from models.data.own.command import folder_name, is_path, options_from_path, title_of

    if not is_path(options.data):
        raise ValueError(
            f"Unknown data set {options.data[:200]!r}, and there is no such folder or file. Choose one of: "
            f"{', '.join(name for name in DATASETS | SEQUENCES if name != OWN)}; or name a folder of images."
        )
    size = {} if options.size is None else {"size": options.size}
    writer = JsonProgress() if options.progress == "json" else None
    prepared = options_from_path(options.data, options.labels, size | assigned, writer)
    return DataChoice(folder_name(options.data), OWN, prepared, title_of(options.data))


def print_result(folder: Path, card: Card, *, as_json: bool) -> None:
    """Prints how many steps were trained and which command comes next."""
    steps, finished = card.training["steps"], card.training.get("finished", True)
    quoted = shlex.quote(str(folder))
    if as_json:
        say(result={"folder": str(folder), "steps": steps} | ({} if finished else {"finished": False}))
    elif finished:
        print(f"Trained {folder} for {steps} steps. Measure it: python -m models evaluate {quoted}")
    else:
        print(f"Paused {folder} after {steps} steps. Resume it: python -m models train --resume {quoted}")
