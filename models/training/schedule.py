"""How far a run has come at each step: the learning rate and the warm-up of the regulariser follow that share.

Where epochs decide, the number of steps is known from the start. A budget of time is divided into twenty equal
parts: before each, its number of steps is planned from the time that is left and the speed so far. Within a part only
steps count, so the result depends on the steps of the parts alone. They are kept in the card, and `Run.steps` repeats
them without a clock.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import accumulate

from models.training.run import Run

__all__ = ["PARTS", "Schedule", "phases", "rate", "warmup"]

PARTS = 20  # of a budget of time
RISE = 0.05  # of a budget, the longest rise of the learning rate


@dataclass
class Schedule:
    """The steps of a run or of one of its phases."""

    parts: list[int]  # steps of each equal part of the schedule that is planned
    count: int  # parts in all
    first: int = 0  # the step it begins with

    @property
    def planned(self) -> int:
        """The step that the planned parts end with."""
        return self.first + sum(self.parts)

    @property
    def complete(self) -> bool:
        """Whether all parts are planned."""
        return len(self.parts) == self.count

    @property
    def total(self) -> int:
        """Steps in all; parts that are not planned count as many as the last one."""
        left = self.count - len(self.parts)
        return sum(self.parts) + left * (self.parts[-1] if self.parts else 0)

    def share(self, step: int) -> float:
        """How much of the schedule is done before a step, 0 to 1."""
        ends = [self.first, *accumulate(self.parts, initial=self.first)][1:]
        place = next((index for index, end in enumerate(ends[1:]) if step < end), len(self.parts))
        if place == len(self.parts):
            return place / self.count
        return (place + (step - ends[place]) / self.parts[place]) / self.count

    def plan(self, seconds_left: float, seconds_a_step: float) -> None:
        """Plans the next part of a budget.

        Arguments:
            seconds_left: Of the budget.
            seconds_a_step: As measured.
        """
        seconds = max(0.0, seconds_left) / (self.count - len(self.parts))
        self.parts.append(max(1, round(seconds / max(seconds_a_step, 1e-6))))


def phases(run: Run, images: int) -> list[Schedule]:
    """The schedules of a run one after another: its own, and that of a prior which is trained afterwards.

    Arguments:
        run: What is trained, its batch known.
        images: To train on.
    """
    if run.minutes:
        return [Schedule([], PARTS)]
    if run.steps:
        return [Schedule(list(run.steps), len(run.steps))]
    steps = math.ceil(images / run.batch)
    turn = run.epochs * steps
    prior = [Schedule([run.prior_epochs * steps], 1, turn)] if run.prior_epochs else []
    return [Schedule([turn], 1), *prior]


def rate(run: Run, step: int, share: float) -> float:
    """Learning rate: a linear rise, then a cosine down to a hundredth of the peak.

    Arguments:
        run: Its peak and the steps of its rise, which is at most a twentieth of a budget.
        step: Counted from the beginning of the schedule.
        share: Of the schedule that is done.
    """
    rise = (step + 1) / max(1, run.rate_warmup)
    if run.minutes or run.steps:
        rise = max(rise, share / RISE)
    fall = 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * share))
    return run.rate * min(1.0, rise) * fall


def warmup(run: Run, share: float) -> float:
    """Weight of the regulariser, 0 to 1, after a share of the schedule."""
    return min(1.0, share / run.kl_warmup) if run.kl_warmup else 1.0
