"""Training, read top to bottom: data, model, steps (`loop.py`), checkpoint."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from models import checkpoint
from models.base import Autoencoder
from models.card import Card
from models.protocols import as_trainable_prior
from models.system import settings
from models.system.files import make_folder
from models.training.build import build, init_from
from models.training.distributed import Processes, processes
from models.training.examples import Examples, load_examples
from models.training.log import CURVES, check_tensorboard, thin_curves
from models.training.loop import Places, Training, TrainingError
from models.training.run import OPTIMIZERS, Run
from models.training.run_folder import PAUSE, clear, finish, forget_requests, working_folder
from models.training.state import read_run, started_by, sweep, with_saved_batch
from models.training.trial import BATCH, keeping_threads, try_steps
from models.training.watch import Watch

__all__ = [
    "CURVES", "OPTIMIZERS", "Run", "TrainingError", "read_run", "thin_curves", "train",
]  # fmt: skip

COMPILER = "inductor"  # of torch.compile
ELSEWHERE = {
    "model",
    "data",
    "config",
    "options",
    "title",
    "description",
    "steps",
}  # in the card, or under another name
OPTIONAL = {"start", "minutes", "validation", "patience", "augment"}  # told where they are set


@keeping_threads()
def train(
    run: Run,
    folder: Path,
    *,
    resume: bool = False,
    overwrite: bool = False,
    device: torch.device | None = None,
    command: str = "",
    tensorboard: bool = False,
    report: Callable[[int, int, dict[str, float]], None] | None = None,
    progress: Callable[[int, int], None] | None = None,
    snapshot: Callable[[Path, int], None] | None = None,
    snapshots: Sequence[float] = (),
    previews: int = 0,
    control: Callable[[], str] | None = None,
) -> Card:
    """Trains a model and leaves a checkpoint.

    Under `torchrun` all its processes call this alike; the first of them writes. A file `stop` in the folder ends the
    run with what it has learnt, a file `pause` ends it for now.

    Arguments:
        run: What to train on what, and how.
        folder: The checkpoint's folder; its last part is the checkpoint's name.
        resume: Go on from the folder's saved state, if there is one.
        overwrite: Replace the run that the folder holds; it stays until the new one has ended.
        device: Where to train; LATENT_DEVICE or the fastest there is where None.
        command: The command that started it, for the card.
        tensorboard: Write TensorBoard's event files too.
        report: Called with (step, steps, terms) at every logged step.
        progress: Called with (step, steps) after every step; a bar is shown where None.
        snapshot: Called with (folder, step) each time the folder has become a checkpoint of what was learnt so far, whose
            card says `"finished": false`; not where an older run is being replaced.
        snapshots: Seconds of training after which that happens, rising.
        previews: Pictures in `previews.safetensors` (`models/training/previews.py`), which is replaced every few seconds;
            0 for none.
        control: Asked after every step whether to go on (""), to end here ("stop") or for now ("pause").

    Returns:
        The card of the finished checkpoint; after a pause that of the unfinished one.

    Raises:
        ValueError: If the run asks for what does not exist, or the folder holds a run that would be lost.
        TrainingError: If a term of the loss or the gradient is not finite, or the memory does not suffice.
    """
    team = processes(device or settings.device())
    work = working_folder(folder, resume=resume, overwrite=overwrite)
    run = with_saved_batch(run, work) if resume else run
    if tensorboard:
        check_tensorboard()
    watch = Watch(report, progress, snapshot, tuple(snapshots), previews, control, tensorboard)
    with team.one_by_one():
        examples, validation = load_examples(run)
    model = build(run, examples.image_shape)
    facts: dict[str, Any] = {
        "title": run.title,
        "model_name": run.model,
        "data": {"name": run.data, "options": run.options},
        "description": run.description,
        "command": (resume and started_by(work)) or command or f"python -m models train {run.model} …",
    }
    check(run, folder, model, validation, facts)
    taken = init_from(run, model)
    model = model.to(team.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    run, pace = tried(run, model, examples, team)
    check_batches(len(examples), run.batch, team.count)
    training = Training(run, model, examples, validation, team, pace, watch)
    if run.compile:
        check_compiler(team.device)
        training.objective.compile(backend=COMPILER)
    team.agree(training.restore(work) if resume else 0, f"The step that {folder} is resumed from")
    if team.first:
        prepare_folder(work, folder, resume=resume)

    def write(finished: bool, ended: str = "") -> Card:
        outcome = {**told(training), **taken, **({"ended": ended} if ended else {})}
        about = facts | {
            "versions": versions(),
            "training": outcome | ({} if finished else {"finished": False}),
        }
        if not team.first or ended == PAUSE:
            return checkpoint.describe(folder, model, **about)
        return checkpoint.write(folder, model, into=work, **about)

    ended = training.proceed(Places(folder, work, facts["command"], lambda: write(False)))
    if ended == PAUSE:
        forget_requests(folder)
        return write(False, ended)
    training.end()
    model.eval()
    card = write(True, ended)
    if team.first:
        finish(work, folder)
    team.wait()
    return card


def check(
    run: Run, folder: Path, model: Autoencoder, validation: Examples | None, facts: dict[str, Any]
) -> None:
    """Raises where the end of the run would show that it cannot be done, before anything is."""
    if run.prior_epochs:
        as_trainable_prior(model).set_trainable("model")
    if run.patience and validation is None:
        raise ValueError(
            f"`patience` needs validation images, and {run.data!r} has none. Hold some out with `--validation 0.1`."
        )
    checkpoint.describe(folder, model, **facts)


def tried(run: Run, model: Autoencoder, examples: Examples, team: Processes) -> tuple[Run, float]:
    """The run with a batch that fits, and seconds a step, where one of them is not known; else 0 seconds."""
    if model.closed_form or (run.batch and not run.minutes and team.device.type == "cpu"):
        return replace(run, batch=run.batch or BATCH), 0.0
    return try_steps(run, model, examples, team)


def prepare_folder(work: Path, folder: Path, *, resume: bool) -> None:
    """Makes the folder, without what an earlier run left half-written or to resume."""
    if not resume:
        clear(work, folder)
    forget_requests(folder)
    make_folder(work)
    sweep(work, state=not resume)


def check_batches(images: int, batch: int, count: int) -> None:
    """Raises where a batch, the last of an epoch above all, has no image for one of the processes."""
    for size in {min(batch, images), (images - 1) % batch + 1}:
        if size < count:
            raise ValueError(
                f"`batch` must leave each of the {count} processes an image of every batch. With {images} images "
                f"and batches of {batch} one has {size}. Choose another `--batch`, or fewer processes."
            )


def check_compiler(device: torch.device) -> None:
    """Raises where `torch.compile` has no compiler for the CPU."""
    compiler = os.environ.get("CXX") or ("clang++" if sys.platform == "darwin" else "g++")
    if device.type == "cpu" and not shutil.which(compiler):
        raise ValueError(
            f"`--compile` needs a C++ compiler. {compiler} was not found. Install it, name another one in the "
            f"environment variable CXX, or leave `--compile` out."
        )


def told(training: Training) -> dict[str, Any]:
    """What a card's `training` says of the run: what decided the result and stands nowhere else in the card."""
    run, model, team = training.run, training.model, training.team
    best = training.state.best
    facts: dict[str, Any] = {"seed": run.seed, "limit": run.limit}
    if not model.closed_form:
        silent = ELSEWHERE if training.checked is not None else ELSEWHERE | {"check_every"}
        facts = {k: v for k, v in asdict(run).items() if k not in silent and (k not in OPTIONAL or v)}
    if run.minutes or run.steps:
        facts["schedule"] = list(training.phases[0].parts)
    if best.weights:
        facts |= {"best_step": best.step, "validation_loss": best.loss}
    return facts | {
        "steps": training.steps,
        "images": len(training.examples),
        "seconds": round(training.seconds, 1),
        "device": team.device.type,
        "threads": torch.get_num_threads(),
        "processes": team.count,
    }


def versions() -> dict[str, str]:
    """Versions of what decides the numbers."""
    return {"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__}
