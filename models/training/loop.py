"""The steps of a run: what each does, what is measured and saved between them, and when they end.

A step's randomness (which images, which noise) is a function of the seed and the step's number alone, so a
run that was killed and resumed takes exactly the steps that an uninterrupted one takes, bit for bit on a CPU,
and several processes under `torchrun` take the steps that one would take, up to the order of their sums.
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
from models.training.watch import Observer, Watch, asked_in

__all__ = ["LOG_EVERY", "PATIENCE", "Places", "Training", "TrainingError"]

LOG_EVERY = 20  # steps
SAVE_SECONDS = 60.0  # of training after which a state is saved, however few steps they were
PREVIEW_SECONDS = 3.0  # between two previews, or a hundredth of the training's time if that is longer
MEASURED = 10_000  # training images on which the loss of a closed form is measured
PATIENCE = "patience"  # why a run ended


class TrainingError(RuntimeError):
    """A training that cannot go on, with the step, the term, and where the last good state lies."""


@dataclass(frozen=True)
class Places:
    """Where a run writes, and how it writes what it has learnt so far."""

    folder: Path  # of the checkpoint; files in it ask the run to end or pause
    work: Path  # what is written to until the run has ended
    command: str  # that started it
    write_snapshot: Callable[[], object]


class Training:
    """A run under way.

    Arguments:
        run: Its settings, with a batch that fits into the memory.
        model: With its first weights, on its device.
        examples: To train on.
        validation: To choose the weights by; None for none.
        team: The processes.
        pace: Seconds a step, as tried; 0 where none was tried.
        watch: What happens besides the steps.
    """

    def __init__(
        self,
        run: Run,
        model: Autoencoder,
        examples: Examples,
        validation: Examples | None,
        team: Processes,
        pace: float,
        watch: Watch,
    ) -> None:
        self.run, self.model, self.examples, self.team, self.watch = run, model, examples, team, watch
        self.state = RunState.start(run, model)
        self.phases = [] if model.closed_form else phases(run, len(examples))
        self.checked = sample_of(validation, run.seed) if validation else None
        pictured = 0 if model.spec.sequence else watch.previews
        self.pictured = sample_of(validation or examples, run.seed, pictured) if pictured else None
        self.objective = Objective(model)
        self.spread: torch.nn.Module = self.objective
        self.start = self.steps = 0  # taken before this process began, and until now
        self._pace = pace
        self._began = time.perf_counter()
        self._planned: tuple[int, float] | None = None  # the step and second when the last part was planned
        self._saved_at = self._shown_at = 0.0  # seconds

    @property
    def seconds(self) -> float:
        """That the training took so far, before it was resumed too."""
        return self.state.seconds + time.perf_counter() - self._began

    @property
    def total(self) -> int:
        """Steps in all, as far as they are planned."""
        return sum(phase.total for phase in self.phases)

    def restore(self, work: Path) -> int:
        """Goes on from the state that was saved last; the number of its steps, 0 where there is none."""
        self.start = self.steps = self.state.restore(work, self.run)
        if self.run.minutes:
            self.phases[0].parts[:] = self.state.parts
        self._saved_at = self._shown_at = self.seconds
        return self.steps

    def proceed(self, places: Places) -> str:
        """Takes all steps that are left.

        Returns:
            Why it ended: "" where all steps were taken, else "patience", "stop" or "pause".

        Raises:
            TrainingError: If a term of the loss or the gradient is not finite, or the memory does not suffice.
        """
        self.model.train()
        with contextlib.ExitStack() as opened:
            loader = opened.enter_context(Loader(self.examples, self.run, self.team))
            observer = None
            if self.team.first:
                about = (places.work, places.folder.name, self.watch, self.start, self.total)
                observer = opened.enter_context(Observer(*about))
            if observer and self.model.closed_form:
                self.fit(observer)
            snapshots = [due for due in self.watch.snapshots if due > self.state.seconds]
            for phase, step in self.upcoming():
                terms, figures = self.step(phase, step, loader, places.work)
                self.steps = step + 1
                last = phase is self.phases[-1] and phase.complete and self.steps == phase.planned
                ended = "" if last else self.asked(places.folder)
                validation = self.check(phase, last or ended == STOP)
                ended = ended or (PATIENCE if self.impatient and not last else "")
                if observer:
                    if validation or last or step % LOG_EVERY == 0 or ended == STOP:
                        observer.curves.add(step, step / loader.a_pass, terms, figures, validation)
                        observer.tell(self.steps, self.total, terms)
                    self.save(places, observer, snapshots, ended, last)
                    observer.advance(self.steps, self.total)
                if ended:
                    return ended
        return ""

    def fit(self, observer: Observer) -> None:
        """Fits a model that has a closed form, and logs its loss."""
        images = self.examples.read(np.arange(len(self.examples)))
        as_closed_form(self.model).fit(images)
        model, seed = self.model.eval(), self.run.seed
        held = measure(model, self.checked, seed) if self.checked is not None else None
        observer.curves.add(0, 1.0, measure(model, images[:MEASURED], seed), validation=held)

    def upcoming(self) -> Iterator[tuple[Schedule, int]]:
        """Each step that is left, with its phase; the parts of a budget are planned on the way."""
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
        """Plans the next part of a budget by the speed of the last one, or the best guess of it."""
        now = self.seconds
        pace = now / step if step else self._pace
        if self._planned:
            before, then = self._planned
            pace = (now - then) / (step - before)
        self._planned = (step, now)
        phase.plan(60 * self.run.minutes - self.team.most(now), self.team.most(pace))
        self.state.parts = tuple(phase.parts)

    def enter(self, index: int, new: bool) -> None:
        """Begins a phase, or goes on in it."""
        if self.run.prior_epochs:
            as_trainable_prior(self.model).set_trainable("prior" if index else "model")
        if index and new:
            self.state.best.forget()  # the loss means something else from here on
        self.spread = self.team.spread(self.objective)

    def step(
        self, phase: Schedule, step: int, loader: Loader, work: Path
    ) -> tuple[dict[str, float], dict[str, float]]:
        """Takes one step; loss and terms in nats per image, and figures of other units."""
        run, team, state = self.run, self.team, self.state
        batch, whole = loader.read(step)
        team.begin(whole)
        x = to_floats(batch, team.device)
        if run.augment:
            x = augment(x, run.augment, seeded(team.generator, run.seed, Stream.AUGMENT, step))
            x = x.contiguous(memory_format=torch.channels_last)
        weight = team.weight(len(x), whole)
        share = phase.share(step)
        generator = seeded(team.generator, run.seed, Stream.NOISE, step)
        come: Any = warmup(run, share)
        if run.compile:
            come = torch.tensor(come, device=team.device)  # for each new number it would compile anew
        try:
            with torch.autocast(team.device.type, torch.bfloat16, enabled=run.bf16):
                loss, parts, watched = self.spread(x, generator, come)
            for group in state.optimizer.param_groups:
                group["lr"] = rate(run, step - phase.first, share)
            state.optimizer.zero_grad(set_to_none=True)
            (weight * loss).backward()
        except RuntimeError as error:
            if not out_of_memory(error):
                raise
            raise TrainingError(
                f"The memory does not suffice at step {step}, with {run.batch} images a step. {last_state(work)} "
                f"Start anew with a smaller `--batch`."
            ) from error
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), run.clip)
        means = team.mean(weight * torch.stack([loss, *parts.values(), *watched.values()]).detach())
        terms = dict(zip(["loss", *parts, *watched], means, strict=True))
        check_finite(terms | {"gradient norm": norm.item()}, step, work)
        state.optimizer.step()
        state.average.update(step)
        return terms, {name: terms.pop(name) for name in watched}

    def check(self, phase: Schedule, last: bool) -> dict[str, float] | None:
        """Measures the validation loss where that is due, and keeps the weights if they are the best so far."""
        if self.checked is None or not (last or self.steps % self.run.check_every == 0):
            return None
        with evaluating(self.model, self.state.average):
            terms = measure(self.model, self.checked, self.run.seed)
            (loss,) = self.team.mean(torch.tensor([terms["loss"]], device=self.team.device))
            counts = warmup(self.run, phase.share(self.steps)) >= 1  # before, the loss may well rise
            self.state.best.update(loss, self.steps, self.model, counts=counts)
        return terms

    @property
    def impatient(self) -> bool:
        """Whether the validation loss has not become lower for so long that the run ends."""
        return 0 < self.run.patience <= self.state.best.waited

    def asked(self, folder: Path) -> str:
        """Whether the run is asked to end or pause; several processes ask at logged steps only, and agree."""
        if self.team.count > 1 and self.steps % LOG_EVERY:
            return ""
        words = ("", PAUSE, STOP)
        word = (self.watch.control() if self.watch.control else "") or asked_in(folder)
        if word not in words:
            raise ValueError(f"`control` must give one of {words}. Got {word!r}.")
        return words[int(self.team.most(words.index(word)))]

    def save(
        self, places: Places, observer: Observer, snapshots: list[float], ended: str, last: bool
    ) -> None:
        """Saves the state, a snapshot and a preview, each where it is due."""
        now = self.seconds
        due = bool(snapshots) and now >= snapshots[0]
        snapshots[:] = [each for each in snapshots if each > now]
        if last or ended in (STOP, PATIENCE):
            return  # the checkpoint follows
        long_ago = now - self._saved_at >= SAVE_SECONDS
        if ended == PAUSE or due or long_ago or self.steps % self.run.save_every == 0:
            observer.curves.flush()
            self.state.keep(places.work, self.run, self.steps, places.command, now)
            self._saved_at = now
        if places.work == places.folder and (due or ended == PAUSE):  # else it is the place of an older run
            with evaluating(self.model, self.state.average):
                places.write_snapshot()
            if self.watch.snapshot:
                self.watch.snapshot(places.folder, self.steps)
        if self.pictured is not None and now - self._shown_at >= max(PREVIEW_SECONDS, now / 100):
            observer.curves.flush()
            write_previews(places.work, self.preview(self.pictured))
            self._shown_at = now

    @torch.no_grad()
    def preview(self, images: Tensor) -> Previews:
        """Images (N, C, H, W), what the model makes of them now, and pictures from its prior."""
        with evaluating(self.model, self.state.average):
            x = to_floats(images, self.team.device)
            rebuilt = self.model.decode(self.model.encode(x).mean)
            samples = x[:0]
            if self.model.spec.prior and not self.model.spec.discrete:
                noise = seeded(torch.Generator(self.team.device), self.run.seed, Stream.PREVIEW)
                samples = self.model.sample(len(x), noise)
        return Previews(self.steps, self.seconds, *(to_pictures(each) for each in (x, rebuilt, samples)))

    def end(self) -> None:
        """Gives the model the weights that are saved: the best by validation, else the average, else the last."""
        self.state.average.apply()
        if self.state.best.weights:
            self.model.load_state_dict(self.state.best.weights)


def to_pictures(x: Tensor) -> NDArray[np.uint8]:
    """Images (N, C, H, W) in [0, 1] as uint8 (N, H, W, C)."""
    pictures: NDArray[np.uint8] = x.mul(255).round().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
    return pictures


def check_finite(terms: dict[str, float], step: int, work: Path) -> None:
    """Stops a run whose loss is lost, before the step spoils the weights."""
    for name, value in terms.items():
        if not math.isfinite(value):
            raise TrainingError(
                f"The term {name!r} is {value} at step {step}. {last_state(work)} "
                "Try a lower learning rate (`--rate`)."
            )


def last_state(work: Path) -> str:
    """Where the last good state is, in a sentence."""
    saved = work / TRAINING
    return f"The last good state is {saved}." if saved.is_file() else "No state was saved before it."
