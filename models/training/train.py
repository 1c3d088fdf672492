"""Trains a model, top to bottom: data, model, steps (`loop.py`), checkpoint."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
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
from models.training.distributed import Processes, connect_processes
from models.training.examples import Examples, load_examples
from models.training.log import CURVES, check_tensorboard, thin_curves
from models.training.loop import Output, Training, TrainingError
from models.training.run import OPTIMIZERS, Run
from models.training.run_folder import PAUSE, clear, delete_requests, exclusive, finish, working_folder
from models.training.state import read_run, started_by, sweep, with_saved_batch
from models.training.trial import BATCH, restore_threads, try_steps
from models.training.watch import Watch

__all__ = ["CURVES", "OPTIMIZERS", "Run", "TrainingError", "read_run", "thin_curves", "train"]

BACKEND = "inductor"  # of torch.compile
# Fields of a run that the card records in another field.
ELSEWHERE = {"model", "data", "config", "options", "title", "description", "steps"}
OPTIONAL = {"start", "minutes", "validation", "patience", "augment"}  # fields recorded only if they are set


Parts = tuple[Examples, Examples | None, Autoencoder]


def load_and_build(run: Run) -> Parts:
    """Returns the training and validation examples of a run, and its untrained model."""
    examples, validation = load_examples(run)
    return examples, validation, build(run, examples.image_shape)


@restore_threads()
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
    load: Callable[[Run], Parts] = load_and_build,
) -> Card:
    """Trains a model and writes a checkpoint.

    Under `torchrun`, every process calls this with the same arguments, and the first one writes. A file `stop` in the
    folder finishes the run early, a file `pause` interrupts it.

    Arguments:
        run: Model, data and settings of the training.
        folder: The checkpoint's folder; its last part is the checkpoint's name.
        resume: Resume from the saved state in the folder, if there is one.
        overwrite: Replace the run that the folder holds; it is kept until the new one is finished.
        device: Device to train on; LATENT_DEVICE or the fastest available if None.
        command: The command that started the training, for the card.
        tensorboard: Write TensorBoard's event files too.
        report: Called with (step, steps, terms) at every logged step.
        progress: Called with (step, steps) after every step; a progress bar is shown if None.
        snapshot: Called with (folder, step) after each snapshot, a checkpoint whose card says `"finished": false`. There
            are none while an older run is being replaced.
        snapshots: Training times in seconds at which snapshots are written, ascending.
        previews: Pictures in `previews.safetensors` (`models/training/previews.py`), which is replaced every few seconds;
            0 for none.
        control: Called after every step; returns "" to continue, "stop" to finish or "pause" to interrupt.
        load: Returns examples and model of the run, if they are not those of a family and a data set.

    Returns:
        The card of the finished checkpoint; after a pause, that of the unfinished one.

    Raises:
        ValueError: If the run is invalid, the folder holds a run that would be lost, or another training writes to it.
        TrainingError: If a term of the loss or the gradient is not finite, or memory runs out.
    """
    processes = connect_processes(device or settings.device())
    with exclusive(folder) if processes.first else nullcontext():
        work = working_folder(folder, resume=resume, overwrite=overwrite)
        run = with_saved_batch(run, work) if resume else run
        if tensorboard:
            check_tensorboard()
        watch = Watch(report, progress, snapshot, tuple(snapshots), previews, control, tensorboard)
        with processes.local_first():
            examples, validation, model = load(run)
        facts: dict[str, Any] = {
            "title": run.title,
            "model_name": run.model,
            "data": {"name": run.data, "options": run.options},
            "description": run.description,
            "command": (resume and started_by(work)) or command or f"python -m models train {run.model} …",
        }
        check(run, folder, model, validation, facts)
        initialised_from = init_from(run, model)
        model = model.to(processes.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        run, step_seconds = choose_batch(run, model, examples, processes)
        check_batches(len(examples), run.batch, processes.count)
        training = Training(run, model, examples, validation, processes, step_seconds, watch)
        if run.compile:
            check_compiler(processes.device)
            training.objective.compile(backend=BACKEND)
        processes.check_equal(
            training.restore(work) if resume else 0, f"The step from which {folder} is resumed"
        )
        if processes.first:
            prepare_folder(work, folder, resume=resume)

        def write(finished: bool, ended: str = "") -> Card:
            record = {**training_record(training), **initialised_from, **({"ended": ended} if ended else {})}
            record |= {} if finished else {"finished": False}
            fields = facts | {"versions": versions(), "training": record}
            if not processes.first or ended == PAUSE:
                return checkpoint.describe(folder, model, **fields)
            return checkpoint.write(folder, model, into=work, **fields)

        ended = training.take_steps(Output(folder, work, facts["command"], lambda: write(False)))
        if ended == PAUSE:
            delete_requests(folder)
            return write(False, ended)
        training.set_final_weights()
        model.eval()
        card = write(True, ended)
        if processes.first:
            finish(work, folder)
        processes.wait()
        return card


def check(
    run: Run, folder: Path, model: Autoencoder, validation: Examples | None, facts: dict[str, Any]
) -> None:
    """Raises ValueError before the first step if the run cannot be finished."""
    if run.prior_epochs:
        as_trainable_prior(model).set_trainable("model")
    if run.patience and validation is None:
        raise ValueError(
            f"`patience` needs validation images, and these {run.data!r} have none. Hold some out: `--validation 0.1`."
        )
    checkpoint.describe(folder, model, **facts)


def choose_batch(run: Run, model: Autoencoder, examples: Examples, processes: Processes) -> tuple[Run, float]:
    """Returns the run with a batch that fits into memory, and the time per step in seconds, 0 if it is not needed."""
    if model.closed_form or (run.batch and not run.minutes and processes.device.type == "cpu"):
        return replace(run, batch=run.batch or BATCH), 0.0
    return try_steps(run, model, examples, processes)


def prepare_folder(work: Path, folder: Path, *, resume: bool) -> None:
    """Creates the folder and deletes what an earlier run left in it."""
    if not resume:
        clear(work, folder)
    delete_requests(folder)
    make_folder(work)
    sweep(work, state=not resume)


def check_batches(images: int, batch: int, count: int) -> None:
    """Raises ValueError if a batch, such as the last of an epoch, has fewer images than there are processes."""
    for size in {min(batch, images), (images - 1) % batch + 1}:
        if size < count:
            raise ValueError(
                f"`batch` must give each of the {count} processes an image of every batch. With {images} images "
                f"and batches of {batch}, one batch has {size}. Choose another `--batch`, or fewer processes."
            )


def check_compiler(device: torch.device) -> None:
    """Raises ValueError if `torch.compile` has no compiler for the CPU."""
    compiler = os.environ.get("CXX") or ("clang++" if sys.platform == "darwin" else "g++")
    if device.type == "cpu" and not shutil.which(compiler):
        raise ValueError(
            f"`--compile` needs a C++ compiler. {compiler} was not found. Install it, name another one in the "
            f"environment variable CXX, or leave out `--compile`."
        )


def training_record(training: Training) -> dict[str, Any]:
    """Returns `training` of the card: the settings and facts that affect the result and are not in other fields."""
    run, model, processes = training.run, training.model, training.processes
    best = training.state.best
    record: dict[str, Any] = {"seed": run.seed, "limit": run.limit}
    if not model.closed_form:
        omitted = ELSEWHERE if training.checked is not None else ELSEWHERE | {"check_every"}
        record = {k: v for k, v in asdict(run).items() if k not in omitted and (k not in OPTIONAL or v)}
    if run.minutes or run.steps:
        record["schedule"] = list(training.phases[0].parts)
    if best.weights:
        record |= {"best_step": best.step, "validation_loss": best.loss}
    return record | {
        "steps": training.steps,
        "images": len(training.examples),
        "seconds": round(training.seconds, 1),
        "device": processes.device.type,
        "threads": torch.get_num_threads(),
        "processes": processes.count,
    }


def versions() -> dict[str, str]:
    """Returns the versions of Python and the libraries that affect the result."""
    return {"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__}
