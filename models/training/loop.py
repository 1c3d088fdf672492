"""The training loop: the steps, and what is measured and saved between them.

The randomness of a step (its images and its noise) depends only on the seed and the number of the step. Therefore a
resumed run takes exactly the same steps as an uninterrupted one, bitwise on a CPU, and several processes under
`torchrun` take the same steps as a single one, up to the order of summation.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.base import Autoencoder
from models.card import TRAINING
from models.protocols import as_closed_form, as_trainable_prior
from models.training.augment import augment
from models.training.distributed import Objective, Processes
from models.training.examples import Examples, Loader, to_floats
from models.training.previews import Previews, write_previews
from models.training.randomness import Stream, seeded
from models.training.run import Run
from models.training.run_folder import PAUSE, STOP
from models.training.schedule import Schedule, phases, rate, warmup
from models.training.state import RunState
from models.training.trial import out_of_memory
from models.training.validation import evaluating, measure, sample_of
from models.training.watch import Observer, Watch, file_request

__all__ = ["LOG_EVERY", "PATIENCE", "Output", "Training", "TrainingError"]

LOG_EVERY = 20  # steps
SAVE_SECONDS = 60.0  # training time after which a state is saved, whatever the number of steps
PREVIEW_SECONDS = 3.0  # time between previews, or a hundredth of the training time if that is longer
MEASURED = 10_000  # training images on which the loss of a closed-form model is measured
PATIENCE = "patience"  # reason why a run ended


class TrainingError(RuntimeError):
    """Training cannot continue; the message names the step, the term and the last saved state."""


@dataclass(frozen=True)
class Output:
    """The folders that a run writes to, and a function that writes a snapshot."""

    folder: Path  # of the checkpoint; files in it request a stop or a pause
    work: Path  # folder to write to until the run is finished
    command: str  # the command that started the run
    write_snapshot: Callable[[], object]


class Training:
    """The training of a run.

    Arguments:
        run: Settings, with a batch that fits into memory.
        model: Model with its initial weights, on its device.
        examples: Training examples.
        validation: Examples to choose the weights by; None for none.
        processes: The processes of the training.
        step_seconds: Measured time per step; 0 if unknown.
        watch: Callbacks and outputs besides the steps.
    """

    def __init__(
        self,
        run: Run,
        model: Autoencoder,
        examples: Examples,
        validation: Examples | None,
        processes: Processes,
        step_seconds: float,
        watch: Watch,
    ) -> None:
        self.run, self.model, self.examples, self.watch = run, model, examples, watch
        self.processes = processes
        self.state = RunState.start(run, model)
        self.phases = [] if model.closed_form else phases(run, len(examples))
        self.checked = sample_of(validation, run.seed) if validation else None
        previews = 0 if model.spec.sequence else watch.previews
        self.previewed = sample_of(validation or examples, run.seed, previews) if previews else None
        self.objective = Objective(model)
        self.distributed: torch.nn.Module = self.objective
        self.start = self.steps = 0  # steps before this process started, and until now
        self._step_seconds = step_seconds
        self._began = time.perf_counter()
        self._planned: tuple[int, float] | None = (
            None  # step and training time when the last part was planned
        )
        self._saved_at = self._previewed_at = 0.0  # training time, seconds

    @property
    def seconds(self) -> float:
        """Training time so far, including that before the run was resumed."""
        return self.state.seconds + time.perf_counter() - self._began

    @property
    def total(self) -> int:
        """Total number of steps, as far as they are planned."""
        return sum(phase.total for phase in self.phases)

    def restore(self, work: Path) -> int:
        """Restores the last saved state; returns its number of steps, 0 if there is none."""
        self.start = self.steps = self.state.restore(work, self.run)
        if self.run.minutes:
            self.phases[0].parts[:] = self.state.parts
        self._saved_at = self._previewed_at = self.seconds
        return self.steps

    def take_steps(self, output: Output) -> str:
        """Takes all remaining steps.

        Returns:
            Why the training ended: "" if all steps were taken, else "patience", "stop" or "pause".

        Raises:
            TrainingError: If a term of the loss or the gradient is not finite, or memory runs out.
        """
        self.model.train()
        with contextlib.ExitStack() as opened:
            loader = opened.enter_context(Loader(self.examples, self.run, self.processes))
            observer = None
            if self.processes.first:
                name = output.folder.name
                observer = Observer(output.work, name, self.watch, self.start, self.total)
                opened.enter_context(observer)
            if observer and self.model.closed_form:
                self.fit(observer)
            snapshots = [due for due in self.watch.snapshots if due > self.state.seconds]
            for phase, step in self.remaining_steps():
                terms, metrics = self.step(phase, step, loader, output.work)
                self.steps = step + 1
                last = phase is self.phases[-1] and phase.complete and self.steps == phase.planned
                ended = "" if last else self.requested_end(output.folder)
                validation = self.validate(phase, last or ended == STOP)
                ended = ended or (PATIENCE if self.out_of_patience and not last else "")
                if observer:
                    if validation or last or step % LOG_EVERY == 0 or ended == STOP:
                        epoch = step / loader.steps_per_epoch
                        observer.curves.add(step, epoch, terms, metrics, validation)
                        observer.report(self.steps, self.total, terms)
                    self.save(output, observer, snapshots, ended, last)
                    observer.advance(self.steps, self.total)
                if ended:
                    return ended
        return ""

    def fit(self, observer: Observer) -> None:
        """Fits a closed-form model, and logs its loss."""
        images = self.examples.read(np.arange(len(self.examples)))
        as_closed_form(self.model).fit(images)
        model, seed = self.model.eval(), self.run.seed
        validation = measure(model, self.checked, seed) if self.checked is not None else None
        observer.curves.add(0, 1.0, measure(model, images[:MEASURED], seed), validation=validation)

    def remaining_steps(self) -> Iterator[tuple[Schedule, int]]:
        """Yields each remaining step with its phase; plans the parts of a time budget when they start."""
        step = self.start
        for index, phase in enumerate(self.phases):
            entered = False
            while not (phase.complete and step >= phase.planned):
                if step >= phase.planned:
                    self.plan(phase, step)
                if not entered:
                    self.enter(index, new=step == phase.first)
                    entered = True
                yield phase, step
                step += 1

    def plan(self, phase: Schedule, step: int) -> None:
        """Plans the next part of a time budget by the speed of the last one, or by an estimate of it."""
        now = self.seconds
        step_seconds = now / step if step else self._step_seconds
        if self._planned:
            last_step, then = self._planned
            step_seconds = (now - then) / (step - last_step)
        self._planned = (step, now)
        seconds_left = 60 * self.run.minutes - self.processes.largest(now)
        phase.plan(seconds_left, self.processes.largest(step_seconds))
        self.state.parts = tuple(phase.parts)

    def enter(self, index: int, new: bool) -> None:
        """Starts or resumes a phase."""
        if self.run.prior_epochs:
            as_trainable_prior(self.model).set_trainable("prior" if index else "model")
        if index and new:
            self.state.best.reset()  # the losses of two phases cannot be compared
        self.distributed = self.processes.distribute(self.objective)

    def step(
        self, phase: Schedule, step: int, loader: Loader, work: Path
    ) -> tuple[dict[str, float], dict[str, float]]:
        """Takes one step; returns loss and terms in nats per image, and metrics in other units."""
        run, processes, state = self.run, self.processes, self.state
        batch, whole = loader.read(step)
        processes.begin_step(whole)
        x = to_floats(batch, processes.device)
        if run.augment:
            x = augment(x, run.augment, seeded(processes.generator, run.seed, Stream.AUGMENT, step))
            x = x.contiguous(memory_format=torch.channels_last)
        weight = processes.weight(len(x), whole)
        share = phase.share(step)
        generator = seeded(processes.generator, run.seed, Stream.NOISE, step)
        scale: Any = warmup(run, share)
        if run.compile:
            scale = torch.tensor(scale, device=processes.device)  # a float would be compiled as a constant
        try:
            with torch.autocast(processes.device.type, torch.bfloat16, enabled=run.bf16):
                loss, parts, metrics = self.distributed(x, generator, scale)
            for group in state.optimizer.param_groups:
                group["lr"] = rate(run, step - phase.first, share)
            state.optimizer.zero_grad(set_to_none=True)
            (weight * loss).backward()
        except RuntimeError as error:
            if not out_of_memory(error):
                raise
            raise TrainingError(
                f"Out of memory at step {step}, with {run.batch} images per step. {last_state(work)} "
                f"Start again with a smaller `--batch`."
            ) from error
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), run.clip)
        means = processes.mean(weight * torch.stack([loss, *parts.values(), *metrics.values()]).detach())
        terms = dict(zip(["loss", *parts, *metrics], means, strict=True))
        check_finite(terms | {"gradient norm": norm.item()}, step, work)
        state.optimizer.step()
        state.average.update(step)
        return terms, {name: terms.pop(name) for name in metrics}

    def validate(self, phase: Schedule, last: bool) -> dict[str, float] | None:
        """Measures the validation loss if it is due, and stores the weights if they are the best so far."""
        if self.checked is None or not (last or self.steps % self.run.check_every == 0):
            return None
        with evaluating(self.model, self.state.average):
            terms = measure(self.model, self.checked, self.run.seed)
            (loss,) = self.processes.mean(torch.tensor([terms["loss"]], device=self.processes.device))
            counts = warmup(self.run, phase.share(self.steps)) >= 1  # during the warm-up, the loss may rise
            self.state.best.update(loss, self.steps, self.model, counts=counts)
        return terms

    @property
    def out_of_patience(self) -> bool:
        """Whether the run ends because the validation loss has not improved for `patience` measurements."""
        return 0 < self.run.patience <= self.state.best.waited

    def requested_end(self, folder: Path) -> str:
        """Returns the request to stop or pause, if any; several processes check at logged steps only, together."""
        if self.processes.count > 1 and self.steps % LOG_EVERY:
            return ""
        requests = ("", PAUSE, STOP)
        request = (self.watch.control() if self.watch.control else "") or file_request(folder)
        if request not in requests:
            raise ValueError(f"`control` must return one of {requests}. Got {request!r}.")
        return requests[int(self.processes.largest(requests.index(request)))]

    def save(
        self, output: Output, observer: Observer, snapshots: list[float], ended: str, last: bool
    ) -> None:
        """Saves the state, a snapshot and a preview, each if it is due."""
        now = self.seconds
        due = bool(snapshots) and now >= snapshots[0]
        snapshots[:] = [each for each in snapshots if each > now]
        if last or ended in (STOP, PATIENCE):
            return  # the checkpoint is written next
        outdated = now - self._saved_at >= SAVE_SECONDS
        if ended == PAUSE or due or outdated or self.steps % self.run.save_every == 0:
            observer.curves.flush()
            self.state.save(output.work, self.run, self.steps, output.command, now)
            self._saved_at = now
        if output.work == output.folder and (due or ended == PAUSE):  # else the folder holds an older run
            with evaluating(self.model, self.state.average):
                output.write_snapshot()
            if self.watch.snapshot:
                self.watch.snapshot(output.folder, self.steps)
        if self.previewed is not None and now - self._previewed_at >= max(PREVIEW_SECONDS, now / 100):
            observer.curves.flush()
            write_previews(output.work, self.preview(self.previewed))
            self._previewed_at = now

    @torch.no_grad()
    def preview(self, images: Tensor) -> Previews:
        """Renders images (N, C, H, W), their reconstructions and samples from the prior."""
        with evaluating(self.model, self.state.average):
            x = to_floats(images, self.processes.device)
            reconstructed = self.model.decode(self.model.encode(x).mean)
            samples = x[:0]
            if self.model.spec.prior and not self.model.spec.discrete:
                noise = seeded(torch.Generator(self.processes.device), self.run.seed, Stream.PREVIEW)
                samples = self.model.sample(len(x), noise)
        return Previews(self.steps, self.seconds, *map(to_pictures, (x, reconstructed, samples)))

    def set_final_weights(self) -> None:
        """Sets the weights to save: the best by validation loss, else the average, else the last."""
        self.state.average.apply()
        if self.state.best.weights:
            self.model.load_state_dict(self.state.best.weights)


def to_pictures(x: Tensor) -> NDArray[np.uint8]:
    """Converts images (N, C, H, W) in [0, 1] to uint8 (N, H, W, C)."""
    return np.asarray(x.mul(255).round().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy())


def check_finite(terms: dict[str, float], step: int, work: Path) -> None:
    """Raises TrainingError if a term is not finite, before the step changes the weights."""
    for name, value in terms.items():
        if not math.isfinite(value):
            raise TrainingError(
                f"The term {name!r} is {value} at step {step}. {last_state(work)} "
                "Try a lower learning rate (`--rate`)."
            )


def last_state(work: Path) -> str:
    """Says where the last saved state is, in a sentence."""
    saved = work / TRAINING
    return f"The last saved state is {saved}." if saved.is_file() else "No state was saved before."
