"""Tests of the schedule: with epochs, with a prior phase, and with a time budget."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from models.training.run import Run
from models.training.schedule import PARTS, Schedule, phases, rate, warmup


def test_the_schedules_rise_and_decay() -> None:
    run = Run("vae", "digits", rate=1e-3, rate_warmup=10, kl_warmup=0.25)
    schedule = Schedule([1000], 1)
    rates = [rate(run, step, schedule.share(step)) for step in range(1000)]
    assert rates[0] == pytest.approx(1e-4, rel=1e-3) and max(rates) == pytest.approx(1e-3, rel=1e-3)
    assert rates[-1] == pytest.approx(1e-5, rel=1e-2) and np.argmax(rates) == 9
    assert [warmup(run, share) for share in (0, 0.125, 0.25, 0.999)] == [0.0, 0.5, 1.0, 1.0]
    assert warmup(Run("vae", "digits", kl_warmup=0.0), 0) == 1.0


def test_a_prior_that_is_trained_last_has_a_schedule_of_its_own() -> None:
    first, prior = phases(Run("vq-vae", "digits", epochs=3, prior_epochs=2, batch=50), 120)
    assert (first.planned, prior.first, prior.planned) == (9, 9, 15)
    assert first.share(8) == pytest.approx(8 / 9) and prior.share(9) == 0 and prior.share(12) == 0.5


def test_a_budget_is_planned_from_the_remaining_time_and_the_speed() -> None:
    (schedule,) = phases(Run("vae", "digits", minutes=1), 120)
    now, shares, pace = 0.0, [], 0.1
    while not schedule.complete:
        schedule.plan(60 - now, pace)
        shares += [
            schedule.share(step) for step in range(schedule.planned - schedule.parts[-1], schedule.planned)
        ]
        pace = 0.1 if len(schedule.parts) < 10 else 0.4  # another program slows the machine
        now += pace * schedule.parts[-1]
    assert len(schedule.parts) == PARTS and now == pytest.approx(60, rel=0.05)
    assert schedule.parts[0] == 30 and schedule.parts[-1] < 10
    assert (
        shares[0] == 0 and all(a < b for a, b in pairwise(shares)) and schedule.share(schedule.planned) == 1
    )
    repeated = phases(Run("vae", "digits", steps=tuple(schedule.parts)), 120)[0]
    assert [repeated.share(step) for step in range(schedule.planned)] == shares


def test_an_exhausted_budget_ends_with_a_low_rate() -> None:
    schedule = Schedule([], PARTS)
    while not schedule.complete:
        schedule.plan(-5.0, 2.0)
    assert schedule.parts == [1] * PARTS


def test_a_short_budget_has_a_short_warm_up() -> None:
    run = Run("vae", "digits", minutes=1, rate=1e-3, rate_warmup=200)
    assert rate(run, 3, 0.04) == pytest.approx(0.8e-3, rel=0.01)
    assert rate(run, 10, 0.05) == pytest.approx(1e-3, rel=0.01)
