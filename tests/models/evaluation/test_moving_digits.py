"""Tests of the metrics of foreseen frames: a model that knows the truth meets every bar, one that errs is caught."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from models.data import load_sequences
from models.data.moving_digits import originals, positions_over_time, rolled
from models.data.sequences import SequenceData
from models.evaluation.attribute_classifier import AttributeClassifier, train_classifier
from models.evaluation.evaluate import Wanted, evaluate
from models.evaluation.moving_digits import (
    CONTEXT,
    JUMPS,
    displaced,
    foreseen,
    found_positions,
    prediction,
    rolled_back,
)
from models.td_vae import TDVAE, TDVAEConfig
from models.training.train import Run, train

COUNT = 120


@cache
def classifier() -> AttributeClassifier:
    torch.set_num_threads(1)
    return train_classifier(originals("train", "digits"))


def digits(**options: Any) -> SequenceData:
    return load_sequences("moving-digits", "test", limit=COUNT, source="digits", **options)


class Knowing:
    """Stands for a model that knows the true sequences, and errs in a way that is known too.

    Arguments:
        off: Pixels that every picture is rolled too far.
        backwards: Whether it jumps the wrong way.
        blank: Share of its pictures that are black.
    """

    def __init__(self, off: int = 0, backwards: bool = False, blank: float = 0.0) -> None:
        data = digits(frames=CONTEXT + 2 * JUMPS)
        self.frames = torch.from_numpy(data.frames(np.arange(COUNT))).permute(0, 1, 4, 2, 3) / 255
        self.off, self.backwards, self.blank = off, backwards, blank

    def belief(self, frames: Tensor) -> Tensor:
        assert frames.shape == (COUNT, CONTEXT, 1, 8, 8)
        assert torch.equal(frames, self.frames[:, :CONTEXT])
        return torch.full((COUNT, CONTEXT, 1), float(CONTEXT - 1))

    def filter(self, belief: Tensor, generator: torch.Generator) -> tuple[Tensor, None]:
        return belief, None

    def jump(self, z: Tensor, length: int, generator: torch.Generator) -> tuple[Tensor, None]:
        return z + (-length if self.backwards else length), None

    def decode(self, z: Tensor) -> Tensor:
        pictures = self.frames[torch.arange(COUNT), z[:, 0].long()].roll(self.off, dims=-1)
        pictures[: int(self.blank * COUNT)] = 0
        return pictures


def metrics(model: Any) -> dict[str, float]:
    return {name: one["value"] for name, one in prediction(model, digits(), digits(), classifier()).items()}


def test_who_knows_the_truth_meets_every_bar() -> None:
    found = prediction(Knowing(), digits(), digits(), classifier())
    values = {name: one["value"] for name, one in found.items()}
    assert (
        values["direction_right"] == 100 and values["position_error"] == 0 and values["prediction_mse"] == 0
    )
    assert values["digit_kept"] > 60  # the judge of 1,497 small images reads no more
    protocol = found["digit_kept"]["protocol"]
    assert f"which reads {values['digit_kept']:.2f} % of the true frames" in protocol
    for one in found.values():
        assert "11 frames seen" in one["protocol"] and "jump of 1 to 5 frames" in one["protocol"]
        assert f"moving-digits test, {COUNT} sequences, seed 0" in one["protocol"]


def test_who_goes_the_wrong_way_is_caught() -> None:
    found = metrics(Knowing(backwards=True))
    # Of 8 columns, -5 is 3 and 5 is -3: only there the sides are not those of the movement.
    assert found["direction_right"] == pytest.approx(0, abs=25)
    assert found["position_error"] == pytest.approx(np.mean([2, 4, 2, 0, 2]))


def test_a_picture_that_is_a_pixel_off_costs_a_pixel() -> None:
    found = metrics(Knowing(off=1))
    assert found["position_error"] == 1
    assert found["prediction_mse"] > 0.01


def test_a_digit_that_is_lost_is_not_read() -> None:
    whole, half = metrics(Knowing()), metrics(Knowing(blank=0.5))
    assert half["digit_kept"] < 0.7 * whole["digit_kept"]


def test_positions_are_found_by_cross_correlation() -> None:
    still = originals("test", "digits").images[:40]
    path = positions_over_time(np.arange(40) % 8, np.ones(40, np.int64), 8, 8)
    pictures = rolled(still, path)
    frames = rolled(still, np.full((40, 1), 3))[:, 0]
    found = found_positions(pictures, frames, np.full(40, 3))
    np.testing.assert_array_equal(found, path)
    faint = found_positions(pictures // 3 + 20, frames, np.full(40, 3))
    np.testing.assert_array_equal(faint, path)
    np.testing.assert_array_equal(rolled_back(pictures, path), np.repeat(still[:, None], 8, axis=1))


def test_the_shorter_way_around() -> None:
    start, end = np.array([0, 0, 27, 3, 5]), np.array([1, 27, 0, 17, 5])
    assert displaced(start, end, 28).tolist() == [1, -1, 1, -14, 0]


def test_only_the_context_is_seen_and_draws_keep_to_their_seed() -> None:
    torch.manual_seed(0)
    model = TDVAE(
        TDVAEConfig((1, 8, 8), latent=4, network="mlp", width=6, belief=5, features=5, hidden=4)
    ).eval()
    frames = digits().frames(np.arange(6))
    first = foreseen(model, frames, torch.Generator().manual_seed(1))
    assert first.shape == (6, JUMPS, 8, 8, 1) and first.dtype == np.uint8
    changed = frames.copy()
    changed[:, CONTEXT:] = 255
    np.testing.assert_array_equal(foreseen(model, changed, torch.Generator().manual_seed(1)), first)
    changed[:, CONTEXT - 1] = 255
    assert not np.array_equal(foreseen(model, changed, torch.Generator().manual_seed(1)), first)
    with pytest.raises(ValueError, match=r"`data` must have 16 frames or more\. Got 15"):
        prediction(model, digits(frames=15), digits(frames=15), classifier())


def test_a_checkpoint_of_sequences_is_measured_as_such(tmp_path: Path) -> None:
    config = {"latent": 4, "network": "mlp", "width": 6, "belief": 5, "features": 5, "hidden": 4}
    options = {"source": "digits", "noise": 0.1}
    train(
        Run("td-vae", "moving-digits", config, options, epochs=1, limit=64),
        tmp_path / "td",
        device=torch.device("cpu"),
    )
    found = evaluate(tmp_path / "td", limit=30, write=True, command="here")
    assert found == evaluate(tmp_path / "td", limit=30, command="here")
    terms = {"loss", "reconstruction", "prediction", "smoothing"}
    assert terms | {"direction_right", "position_error", "digit_kept", "prediction_mse"} == set(found)
    total = sum(found[name]["value"] for name in terms - {"loss"})
    assert found["loss"]["value"] == pytest.approx(total, rel=1e-4) and found["loss"]["unit"] == "nats/frame"
    with pytest.raises(ValueError, match=r"td is a sequence model\. Leave out `--probe`"):
        evaluate(tmp_path / "td", Wanted(probe=True))
