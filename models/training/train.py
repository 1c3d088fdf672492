"""The training loop, read top to bottom: data, model, steps, checkpoint.

A step's randomness (which images, which noise) is a function of the seed and the step's number alone, so a
run that was killed and resumed takes exactly the steps that an uninterrupted one takes, bit for bit on a CPU,
and several processes under `torchrun` take the steps that one would take, up to the order of their sums.
"""

from __future__ import annotations

import contextlib
import math
import os
import platform
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from models import checkpoint
from models.base import Autoencoder
from models.card import TRAINING, Card
from models.configuration import config_from_dict
from models.data import DATASETS, SEQUENCES, ImageData, SequenceData, load_data, load_sequences
from models.protocols import as_closed_form, as_trainable_prior
from models.system import settings
from models.system.files import make_folder
from models.training.distributed import Objective, processes
from models.training.log import CURVES, CurveWriter, check_tensorboard, thin_curves
from models.training.run import OPTIMIZERS, Run
from models.training.run_folder import clear, finish, working_folder
from models.training.state import RunState, read_run, started_by, sweep

__all__ = [
    "CURVES", "OPTIMIZERS", "Run", "TrainingError", "read_run", "thin_curves", "train",
]  # fmt: skip

LOG_EVERY = 20  # steps
MEASURED = 10_000  # training images on which the loss of a closed form is measured
ORDER, NOISE, START = range(3)  # the streams of randomness
COMPILER = "inductor"  # of torch.compile


class TrainingError(RuntimeError):
    """A training that cannot go on, with the step, the term, and where the last good state lies."""


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
) -> Card:
    """Trains a model and leaves a checkpoint.

    Under `torchrun` all its processes call this alike; the first of them writes.

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

    Returns:
        The card of the finished checkpoint.

    Raises:
        ValueError: If the run asks for what does not exist, or the folder holds a run that would be lost.
        TrainingError: If a term of the loss or the gradient is not finite.
    """
    team = processes(device or settings.device())
    work = working_folder(folder, resume=resume, overwrite=overwrite)
    if tensorboard:
        check_tensorboard()
    with team.one_by_one():
        data = load(run)
    images = examples(data)
    model = build(run, data)
    taken = take_over(run, model)
    model = model.to(team.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    about: dict[str, Any] = {
        "title": run.title,
        "model_name": run.model,
        "data": {"name": run.data, "options": run.options},
        "description": run.description,
        "command": (resume and started_by(work)) or command or f"python -m models train {run.model} …",
    }
    if run.prior_epochs:
        as_trainable_prior(model).set_trainable("model")
    checkpoint.describe(folder, model, **about)  # what could not be written at the end stops here
    per_epoch = math.ceil(len(images) / run.batch)
    turn = 0 if model.closed_form else run.epochs * per_epoch  # from here on the prior alone learns
    steps = turn + run.prior_epochs * per_epoch
    check_batches(len(images), run.batch, team.count)
    objective = Objective(model)
    if run.compile:
        check_compiler(team.device)
        objective.compile(backend=COMPILER)
    state = RunState.start(run, model)
    start = state.restore(work, run) if resume else 0
    team.agree(start, f"The step that {folder} is resumed from")
    if team.first:
        if not resume:
            clear(work, folder)
        make_folder(work)
        sweep(work, state=not resume)
    order = torch.empty(0, dtype=torch.long)
    model.train()
    spread: torch.nn.Module = objective
    began = time.perf_counter()

    with contextlib.ExitStack() as opened:
        curves = bar = None
        if team.first:
            curves = opened.enter_context(CurveWriter(work, start, tensorboard=tensorboard))
            bar = opened.enter_context(
                tqdm(
                    total=steps,
                    initial=start,
                    unit="step",
                    desc=folder.name,
                    mininterval=0.5,
                    disable=progress is not None,
                )
            )
        if curves and model.closed_form and isinstance(images, Tensor):
            as_closed_form(model).fit(images)
            curves.add(0, 1.0, measure(model.eval(), images[:MEASURED], run))
        for step in range(start, steps):
            if step in (start, turn):
                if run.prior_epochs:
                    as_trainable_prior(model).set_trainable("model" if step < turn else "prior")
                spread = team.spread(objective)
            at, length = (step, turn) if step < turn else (step - turn, steps - turn)
            epoch, place = divmod(step, per_epoch)
            if place == 0 or step == start:
                shuffle = seeded(torch.Generator(), run.seed, ORDER, epoch)
                order = torch.randperm(len(images), generator=shuffle)
            chosen = order[place * run.batch : (place + 1) * run.batch]
            x = prepare(images[team.share(chosen)], team.device)
            weight = team.weight(len(x), len(chosen))
            generator = seeded(team.generator, run.seed, NOISE, step)
            come: Any = warmup(run, at, length)
            if run.compile:
                come = torch.tensor(come, device=team.device)  # for each new number it would compile anew
            with torch.autocast(team.device.type, torch.bfloat16, enabled=run.bf16):
                loss, parts, watched = spread(x, generator, come)
            for group in state.optimizer.param_groups:
                group["lr"] = rate(run, at, length)
            state.optimizer.zero_grad(set_to_none=True)
            (weight * loss).backward()
            norm = torch.nn.utils.clip_grad_norm_(model.parameters(), run.clip)
            means = team.mean(weight * torch.stack([loss, *parts.values(), *watched.values()]).detach())
            terms = dict(zip(["loss", *parts, *watched], means, strict=True))
            check_finite(terms | {"gradient norm": norm.item()}, step, work)
            figures = {name: terms.pop(name) for name in watched}
            state.optimizer.step()
            state.average.update(step)
            if not curves or not bar:
                continue  # only the first process writes
            if step % LOG_EVERY == 0 or step == steps - 1:
                curves.add(step, step / per_epoch, terms, figures)
                shown = {k: f"{v:.1f}" for k, v in terms.items()} | {"unit": "nats/image"}
                bar.set_postfix(shown, refresh=False)
                if report:
                    report(step + 1, steps, terms)
            if (step + 1) % run.save_every == 0 and step + 1 < steps:
                curves.flush()
                state.keep(work, run, step + 1, about["command"])
            bar.update()
            if progress:
                progress(step + 1, steps)

    state.average.apply()
    about["training"] = (
        told(run, model)
        | taken
        | {
            "steps": steps,
            "images": len(images),
            "seconds": round(time.perf_counter() - began, 1) if start == 0 else None,
            "device": team.device.type,
            "threads": torch.get_num_threads(),
            "processes": team.count,
        }
    )
    about["versions"] = versions()
    if team.first:
        card = checkpoint.write(folder, model.eval(), into=work, **about)
        finish(work, folder)
    else:
        card = checkpoint.describe(folder, model, **about)
    team.wait()
    return card


def load(run: Run) -> ImageData | SequenceData:
    """The training split of a run's data set."""
    options: dict[str, Any] = {"limit": run.limit or None, **run.options}
    return (load_sequences if run.data in SEQUENCES else load_data)(run.data, "train", **options)


class Sequences:
    """Sequences by index, as a tensor gives images, but made when they are asked for."""

    def __init__(self, data: SequenceData) -> None:
        self.data = data

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, rows: Tensor) -> Tensor:
        """The sequences at positions (B,), uint8 (B, T, C, H, W)."""
        return torch.from_numpy(np.ascontiguousarray(self.data.frames(rows.numpy()).transpose(0, 1, 4, 2, 3)))


def examples(data: ImageData | SequenceData) -> Tensor | Sequences:
    """What a batch is chosen from by index: uint8, images (N, C, H, W), or sequences (N, T, C, H, W) made anew."""
    if isinstance(data, SequenceData):
        return Sequences(data)
    return torch.from_numpy(np.ascontiguousarray(data.images.transpose(0, 3, 1, 2)))


def build(run: Run, data: ImageData | SequenceData) -> Autoencoder:
    """The untrained model of a run, its weights drawn from the run's seed."""
    from models.families import MODELS

    if run.model not in MODELS:
        raise ValueError(f"Unknown model {run.model!r}. Choose one of: {', '.join(MODELS)}.")
    cls = MODELS[run.model]
    config = config_from_dict(cls.Config, {**run.config, "image_shape": data.image_shape})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream(run.seed, START, 0))
        model = cls(config)
    check_kind(run, model)
    return model


def take_over(run: Run, model: Autoencoder) -> dict[str, str]:
    """Gives a model the weights that its run starts with.

    Returns:
        What the card tells of them; nothing where the weights are drawn from the seed.

    Raises:
        ValueError: If there is no such checkpoint, or its weights are laid out in another way.
    """
    if not run.start:
        return {}
    entry = checkpoint.read(run.start)
    weights = checkpoint.load(entry.path).state_dict()
    theirs, ours = ({name: t.shape for name, t in held.items()} for held in (weights, model.state_dict()))
    odd = sorted(name for name in theirs | ours if theirs.get(name) != ours.get(name))
    if odd:
        raise ValueError(
            f"`start` must be a checkpoint whose weights fit the model. {run.start!r} differs in {odd[0]!r}. "
            "Use the `--set` of its card, or begin without `--from`."
        )
    model.load_state_dict(weights)
    return {"start_weights": entry.version}


def check_kind(run: Run, model: Autoencoder) -> None:
    """Raises where a model of images is given sequences, or the other way round."""
    if model.spec.sequence and run.data not in SEQUENCES:
        raise ValueError(
            f"The model {run.model!r} learns from sequences, and {run.data!r} has images. "
            f"Choose one of: {', '.join(SEQUENCES)}."
        )
    if run.data in SEQUENCES and not model.spec.sequence:
        raise ValueError(
            f"The model {run.model!r} learns from images, and {run.data!r} has sequences. "
            f"Choose one of: {', '.join(DATASETS)}."
        )


def prepare(examples: Tensor, device: torch.device) -> Tensor:
    """Images (B, C, H, W) or sequences (B, T, C, H, W) as a model takes them: uint8 to floats in [0, 1]."""
    x = examples.to(device).float().div_(255)
    return x.contiguous(memory_format=torch.channels_last) if x.ndim == 4 else x


@torch.no_grad()
def measure(model: Autoencoder, images: Tensor, run: Run) -> dict[str, float]:
    """The loss and its terms, in nats per image, of a model that took no steps."""
    device = next(model.parameters()).device
    generator = seeded(torch.Generator(device), run.seed, NOISE, 0)
    sums: dict[str, float] = {}
    for start in range(0, len(images), run.batch):
        part = prepare(images[start : start + run.batch], device)
        loss = model.loss(part, generator=generator)
        for name, value in {"loss": loss.total, **loss.terms}.items():
            sums[name] = sums.get(name, 0.0) + value.item() * len(part)
    return {name: value / len(images) for name, value in sums.items()}


def rate(run: Run, step: int, steps: int) -> float:
    """Learning rate of a step: a linear rise, then a cosine down to a hundredth."""
    rise = min(1.0, (step + 1) / max(1, run.rate_warmup))
    fall = 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * step / steps))
    return run.rate * rise * fall


def warmup(run: Run, step: int, steps: int) -> float:
    """How far the regulariser has come in, 0 to 1."""
    return min(1.0, step / (run.kl_warmup * steps)) if run.kl_warmup else 1.0


def stream(seed: int, kind: int, index: int) -> int:
    """A 63-bit seed for one place of one stream of randomness."""
    return int(np.random.SeedSequence([seed, kind, index]).generate_state(1, np.uint64)[0] >> 1)


def seeded(generator: torch.Generator, seed: int, kind: int, index: int) -> torch.Generator:
    return generator.manual_seed(stream(seed, kind, index))


def check_finite(terms: dict[str, float], step: int, folder: Path) -> None:
    """Stops a run whose loss is lost, before the step spoils the weights."""
    for name, value in terms.items():
        if not math.isfinite(value):
            saved = folder / TRAINING
            state = f"The last good state is {saved}." if saved.is_file() else "No state was saved before it."
            raise TrainingError(
                f"The term {name!r} is {value} at step {step}. {state} Try a lower learning rate (`--rate`)."
            )


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


def told(run: Run, model: Autoencoder) -> dict[str, Any]:
    """What a card's `training` tells of the run: what decided the result and stands nowhere else in the card."""
    elsewhere = {"model", "data", "config", "options", "title", "description"}
    if not run.start:
        elsewhere.add("start")
    if model.closed_form:
        return {"seed": run.seed, "limit": run.limit}
    return {k: v for k, v in asdict(run).items() if k not in elsewhere}


def versions() -> dict[str, str]:
    """Versions of what decides the numbers."""
    return {"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__}
