"""Tests of what is foreseen of oscillators: who knows the state meets the truth, who does not is as far off as he must."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from models.data import SequenceData, load_sequences
from models.data.oscillator import positions, spot_positions, spots
from models.evaluation.evaluate import evaluate
from models.evaluation.oscillator import CONTEXT, JUMPS, fitted, oscillation
from models.training.train import Run, train

COUNT = 150


def oscillators(**options: Any) -> SequenceData:
    return load_sequences("oscillator", "test", limit=COUNT, **options)


@cache
def path() -> Tensor:
    return torch.from_numpy(positions(oscillators()))


class Knowing:
    """Stands for a model that knows the true path.

    Arguments:
        off: Pixels that it draws the bead too far to the right.
        spread: Standard deviation of what a draw adds to that.
        late: Frames that it lags behind.
    """

    def __init__(self, off: float = 0.0, spread: float = 0.0, late: int = 0) -> None:
        self.off, self.spread, self.late = off, spread, late

    def belief(self, frames: Tensor) -> Tensor:
        assert frames.shape == (COUNT, CONTEXT, 1, 16, 16)
        return torch.full((COUNT, CONTEXT, 2), float(CONTEXT - 1))

    def filter(self, belief: Tensor, generator: torch.Generator, means: bool) -> tuple[Tensor, None]:
        return belief * torch.tensor([1.0, 0.0]), None

    def jump(self, z: Tensor, length: int, generator: torch.Generator, means: bool) -> tuple[Tensor, None]:
        noise = 0.0 if means else self.spread * torch.randn(COUNT, generator=generator)
        return torch.stack([z[:, 0] + length, z[:, 1] + noise], dim=1), None

    def decode(self, z: Tensor) -> Tensor:
        places = path()[torch.arange(COUNT), z[:, 0].long() - self.late] + self.off + z[:, 1]
        return torch.from_numpy(spots(places[:, None].numpy())[:, 0]).permute(0, 3, 1, 2) / 255


def metrics(model: Any, **options: Any) -> dict[str, float]:
    period = options.get("period", 20.0)
    return {name: one["value"] for name, one in oscillation(model, oscillators(**options), period).items()}


def test_who_knows_the_path_errs_by_what_he_adds() -> None:
    found = metrics(Knowing())
    assert found["expected_position_error"] == pytest.approx(0, abs=0.03) == found["drawn_position_error"]
    found = metrics(Knowing(off=0.75, spread=0.8))
    assert found["expected_position_error"] == pytest.approx(0.75, abs=0.02)
    assert found["drawn_position_error"] == pytest.approx(np.hypot(0.75, 0.8), abs=0.05)


def test_who_lags_behind_is_caught() -> None:
    true = path().numpy()
    ahead, behind = true[:, CONTEXT : CONTEXT + JUMPS], true[:, CONTEXT - 1 : CONTEXT + JUMPS - 1]
    found = metrics(Knowing(late=1))
    assert found["expected_position_error"] == pytest.approx(
        np.sqrt(((ahead - behind) ** 2).mean()), abs=0.03
    )


def test_the_references_are_what_the_frames_allow() -> None:
    found = metrics(Knowing())
    # Two weights of 20 frames over one whole period: a variance of 2 / 20 of the noise's.
    assert found["fitted_position_error"] == pytest.approx(0.8 * np.sqrt(2 / 20), rel=0.12)
    ahead = path().numpy()[:, CONTEXT : CONTEXT + JUMPS]
    last = spot_positions(oscillators().frames(np.arange(COUNT))[:, CONTEXT - 1])
    moved = np.sqrt(((ahead - last[:, None]) ** 2).mean())
    assert found["unmoved_position_error"] == pytest.approx(moved)


def test_a_fit_goes_on_exactly_where_nothing_is_noisy() -> None:
    for period in (7.0, 20.0):
        true = positions(oscillators(noise=0.0, period=period), period)
        np.testing.assert_allclose(
            fitted(true[:, :CONTEXT], period), true[:, CONTEXT : CONTEXT + JUMPS], atol=1e-6
        )


def test_every_metric_names_its_protocol() -> None:
    for name, one in oscillation(Knowing(), oscillators(), 20.0).items():
        assert (
            "20 frames seen, one jump of 1 to 10 frames, oscillator test, 150 sequences, seed 0"
            in one["protocol"]
        )
        assert one["unit"] == "px" and name.endswith("_position_error")


def test_sequences_must_be_long_enough() -> None:
    with pytest.raises(ValueError, match=r"`data` must have 30 frames or more\. Got 29"):
        oscillation(Knowing(), oscillators(frames=29), 20.0)


def test_a_checkpoint_of_oscillators_is_measured_by_its_own_period(tmp_path: Path) -> None:
    config = {"latent": 4, "network": "mlp", "width": 6, "belief": 5, "features": 5, "hidden": 4, "jump": 7}
    options = {"period": 13.0, "noise": 0.5}
    run = Run("td-vae", "oscillator", config, options, epochs=1, limit=64)
    train(run, tmp_path / "td", device=torch.device("cpu"))
    measured = evaluate(tmp_path / "td", limit=COUNT)
    assert "jump of 1 to 7 frames" in measured["fitted_position_error"]["protocol"], "as far as it can"
    found = {name: one["value"] for name, one in measured.items()}
    assert {"loss", "expected_position_error", "drawn_position_error"} < found.keys()
    assert found["fitted_position_error"] == pytest.approx(0.5 * np.sqrt(2 / 20), rel=0.15)
    assert found["expected_position_error"] > 1, "64 sequences have taught it nothing"
