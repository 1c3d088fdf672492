"""The schedule of a run: the learning rate and the warm-up of the regulariser as functions of the progress.

With a number of epochs, the number of steps is known in advance. A time budget is divided into twenty equal parts; the
number of steps of each part is planned from the remaining time and the speed so far. The result depends only on these
numbers, which the card records, and `Run.steps` repeats them without a clock.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import accumulate

from models.training.run import Run

__all__ = ["PARTS", "Schedule", "phases", "rate", "warmup"]

PARTS = 20  # equal parts of a time budget
RISE = 0.05  # longest warm-up of the learning rate, as a share of a budget


@dataclass
class Schedule:
    """The steps of a run or of one of its phases."""

    parts: list[int]  # steps in each planned part of the schedule
    count: int  # number of parts
    first: int = 0  # first step

    @property
    def planned(self) -> int:
        """The step at which the planned parts end."""
        return self.first + sum(self.parts)

    @property
    def complete(self) -> bool:
        """Whether all parts are planned."""
        return len(self.parts) == self.count

    @property
    def total(self) -> int:
        """Total number of steps; a part that is not planned yet is assumed to be as long as the last one."""
        unplanned = self.count - len(self.parts)
        return sum(self.parts) + unplanned * (self.parts[-1] if self.parts else 0)

    def share(self, step: int) -> float:
        """Returns the share of the schedule that is done before a step, 0 to 1."""
        ends = [self.first, *accumulate(self.parts, initial=self.first)][1:]
        part = next((index for index, end in enumerate(ends[1:]) if step < end), len(self.parts))
        if part == len(self.parts):
            return part / self.count
        return (part + (step - ends[part]) / self.parts[part]) / self.count

    def plan(self, seconds_left: float, seconds_a_step: float) -> None:
        """Plans the next part of a time budget.

        Arguments:
            seconds_left: Remaining time of the budget.
            seconds_a_step: Measured time per step.
        """
        seconds = max(0.0, seconds_left) / (self.count - len(self.parts))
        self.parts.append(max(1, round(seconds / max(seconds_a_step, 1e-6))))


def phases(run: Run, images: int) -> list[Schedule]:
    """Returns the successive schedules of a run: that of the model, and that of a prior which is trained afterwards.

    Arguments:
        run: A run with a known batch size.
        images: Number of training images.
    """
    if run.minutes:
        return [Schedule([], PARTS)]
    if run.steps:
        return [Schedule(list(run.steps), len(run.steps))]
    steps = math.ceil(images / run.batch)
    model_steps = run.epochs * steps
    prior = [Schedule([run.prior_epochs * steps], 1, model_steps)] if run.prior_epochs else []
    return [Schedule([model_steps], 1), *prior]


def rate(run: Run, step: int, share: float) -> float:
    """Computes the learning rate: linear warm-up, then cosine decay to a hundredth of the peak.

    Arguments:
        run: Gives the peak and the steps of the warm-up, which is at most a twentieth of a time budget.
        step: Step of the schedule, from 0.
        share: Share of the schedule that is done.
    """
    rise = (step + 1) / max(1, run.rate_warmup)
    if run.minutes or run.steps:
        rise = max(rise, share / RISE)
    decay = 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * share))
    return run.rate * min(1.0, rise) * decay


def warmup(run: Run, share: float) -> float:
    """Computes the weight of the regulariser, 0 to 1, after a share of the schedule."""
    return min(1.0, share / run.kl_warmup) if run.kl_warmup else 1.0
