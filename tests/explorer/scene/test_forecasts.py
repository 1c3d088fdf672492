"""Beliefs and predictions of a sequence model, against direct calls of the model and torch's distributions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.distributions import Independent, Normal

from explorer.scene import forecasts
from explorer.scene.engine import Engine
from explorer.scene.forecasts import (
    DRAWS,
    Followed,
    believed,
    direction_known,
    errors,
    expected,
    follow,
    futures,
    longest_jump,
    spread,
    uncertainty,
)
from explorer.scene.loaded import Loaded
from explorer.scene.sequences import SequenceCollection, sequences_of
from models.data.moving_digits import rolled
from models.evaluation.moving_digits import as_tensor
from tests.explorer.conftest import SEQUENCES


@pytest.fixture
def moving(shared_engine: Engine, places: None, monkeypatch: pytest.MonkeyPatch) -> Loaded:
    """A small TD-VAE in memory."""
    monkeypatch.setattr(forecasts, "engine", lambda: shared_engine)
    return shared_engine.open_sync(SEQUENCES)


@pytest.fixture
def sequences(moving: Loaded) -> SequenceCollection:
    assert moving.entry.card is not None
    return sequences_of(moving.entry.card)


@pytest.fixture
def followed(moving: Loaded, sequences: SequenceCollection) -> Followed:
    return follow(moving, sequences, 7)


def by_hand(loaded: Loaded, frames: np.ndarray) -> torch.Tensor:
    with torch.inference_mode():
        return loaded.decoder.model.belief(as_tensor(frames[None]))[0]


def test_a_belief_has_seen_no_later_frame(
    moving: Loaded, sequences: SequenceCollection, followed: Followed
) -> None:
    np.testing.assert_array_equal(followed.frames, sequences.data.frames([7])[0])
    for seen in (1, 4, 10):
        own = by_hand(moving, followed.frames[:seen])[-1]
        torch.testing.assert_close(followed.beliefs[seen - 1], own, rtol=1e-4, atol=1e-5)


def test_draws_are_the_models_own(moving: Loaded, followed: Followed) -> None:
    model, generator = moving.decoder.model, torch.Generator().manual_seed(5)
    with torch.inference_mode():
        z, _ = model.filter(followed.beliefs[3].expand(DRAWS, -1), generator)
        first, _ = model.jump(z, 2, generator)
        second, _ = model.jump(first, 2, generator)
        mean = model.filter(followed.beliefs, means=True)[0]
    np.testing.assert_allclose(believed(moving, followed, 4, 5), z.numpy(), rtol=1e-5, atol=1e-6)
    found = futures(moving, followed, 4, 2, 2, 5)
    assert found.shape == (DRAWS, 2, 6)
    np.testing.assert_allclose(found[:, 0], first.numpy(), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found[:, 1], second.numpy(), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(expected(moving, followed), mean.numpy(), rtol=1e-5, atol=1e-6)


def test_a_draw_keeps_its_noise_as_the_playhead_moves(moving: Loaded, followed: Followed) -> None:
    one = believed(moving, followed, 3, 0)
    np.testing.assert_array_equal(one, believed(moving, followed, 3, 0))
    assert np.abs(one - believed(moving, followed, 3, 1)).max() > 0.1
    top = moving.decoder.model.top_size
    with torch.inference_mode():
        layers = [moving.decoder.model.filter(followed.beliefs[[t]], means=True)[1] for t in (2, 8)]
    eps = [
        (believed(moving, followed, seen, 0)[:, :top] - g.mean[0, :top].numpy()) / g.std[0, :top].numpy()
        for seen, g in zip((3, 9), layers, strict=True)
    ]
    np.testing.assert_allclose(eps[0], eps[1], atol=1e-3)


def test_entropies_are_torchs(moving: Loaded, followed: Followed) -> None:
    model, generator = moving.decoder.model, torch.Generator().manual_seed(0)
    top = model.top_size
    with torch.inference_mode():
        _, found = model.filter(followed.beliefs.repeat_interleave(DRAWS, 0), generator)
    mean = found.mean.double().view(followed.length, DRAWS, -1)
    std = found.std.double().view(followed.length, DRAWS, -1)
    of_top = Independent(Normal(mean[:, 0, :top], std[:, 0, :top]), 1).entropy()
    of_bottom = Independent(Normal(mean[..., top:], std[..., top:]), 1).entropy().mean(1)
    unsure = uncertainty(moving, followed)
    np.testing.assert_allclose(unsure.top, of_top.numpy(), rtol=1e-6)
    np.testing.assert_allclose(unsure.bottom, of_bottom.numpy(), rtol=1e-6)
    mixed = torch.sqrt(std.square().mean(1) + mean.var(1, unbiased=False))
    np.testing.assert_allclose(unsure.std, mixed.numpy(), rtol=1e-6)
    np.testing.assert_allclose(unsure.std[:, :top], std[:, 0, :top].numpy(), rtol=1e-6)


def test_spread_of_pictures() -> None:
    pictures = np.array([[0, 10], [0, 250]], np.uint8)[:, None, :, None]
    assert spread(pictures)[0, :, 0].tolist() == [0, 240]  # half of 240 levels, of 127.5
    black_and_white = np.array([0, 255] * 4, np.uint8)[:, None, None, None]
    assert spread(black_and_white).item() == 255


def test_errors_are_those_of_decoded_futures(
    moving: Loaded, sequences: SequenceCollection, followed: Followed
) -> None:
    found = errors(moving, sequences, followed, 4, 5, 2, 3)
    assert found.frames.tolist() == [6, 8, 10]
    z = torch.from_numpy(futures(moving, followed, 4, 3, 2, 3))
    model = moving.decoder.model
    truth = as_tensor(followed.frames[None, [5, 7, 9]])[0]
    with torch.inference_mode():
        for step in range(3):
            x_hat = model.decode(z[:, step])
            squared = (x_hat - truth[step]).square().mean((1, 2, 3))
            np.testing.assert_allclose(found.squared[:, step], squared.numpy(), atol=4e-3)
            nll = -torch.distributions.Bernoulli(x_hat.double()).log_prob(
                truth[step].expand_as(x_hat).round().double()
            )
            rounded = model.nll(z[:, step], truth[step].round().expand_as(x_hat))
            np.testing.assert_allclose(rounded.numpy(), nll.flatten(1).sum(1).numpy(), rtol=1e-3)
            own = model.nll(z[:, step], truth[step].expand_as(x_hat))
            np.testing.assert_allclose(found.nll[:, step], own.numpy(), rtol=1e-4)
    still = np.square(followed.frames[3] / 255.0 - followed.frames[[5, 7, 9]] / 255.0).mean((1, 2, 3))
    np.testing.assert_allclose(found.still, still)


def path_of(sequences: SequenceCollection, number: int) -> np.ndarray:
    assert sequences.mover is not None
    return sequences.mover.path(number).astype(int)


class Painted:
    """Stands for the engine: shows, whatever the code, the digit this far from its place."""

    def __init__(self, sequences: SequenceCollection, number: int, places: np.ndarray) -> None:
        first, start = sequences.data.frames([number])[0, :1], path_of(sequences, number)[0]
        self.pictures = rolled(first, (places - start)[None])[0]

    def decode_sync(self, loaded: Loaded, z: np.ndarray, *, background: bool) -> np.ndarray:
        return np.resize(self.pictures, (len(z), *self.pictures.shape[1:]))


def test_position_and_direction_of_futures_that_are_known(
    moving: Loaded, sequences: SequenceCollection, followed: Followed, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = path_of(sequences, 7)
    for off, wrong in ((0, 0.0), (1, 1.0)):
        painted = Painted(sequences, 7, path[4:] + off)  # frames 5 to 10, in every sample alike
        monkeypatch.setattr(forecasts, "engine", lambda painted=painted: painted)
        found = errors(moving, sequences, followed, 4, 6, 1, 0)
        np.testing.assert_array_equal(found.position, wrong)
        assert np.isnan(found.right[:, 3:]).all()  # half the width away and more
        if off == 0:
            assert (found.right[:, :3] == 1).all()
            assert found.squared.max() == 0
    backwards = Painted(sequences, 7, 2 * path[3] - path[4:])
    monkeypatch.setattr(forecasts, "engine", lambda: backwards)
    assert (errors(moving, sequences, followed, 4, 6, 1, 0).right[:, :3] == 0).all()


class Standing:
    """Stands for what has no sides, and is found three pixels off."""

    said = "Anywhere."
    sides = False

    def path(self, number: int) -> np.ndarray:
        return np.arange(10.0)

    def locate(self, pictures: np.ndarray, number: int) -> np.ndarray:
        return np.full(pictures.shape[:2], np.arange(4.0, 10.0)) - 3

    def displaced(self, start: np.ndarray, end: np.ndarray) -> np.ndarray:
        return end - start


def test_an_oscillator_has_a_position_but_no_direction(
    moving: Loaded, sequences: SequenceCollection, followed: Followed
) -> None:
    swinging = replace(sequences, mover=Standing())
    found = errors(moving, swinging, followed, 4, 6, 1, 0)
    assert (found.position == 3).all() and found.right is None
    assert direction_known(moving, swinging, followed) is None
    unknown = errors(moving, replace(sequences, mover=None), followed, 4, 6, 1, 0)
    assert unknown.position is None and unknown.right is None


def test_the_direction_is_known_where_every_jump_goes_there(
    moving: Loaded, sequences: SequenceCollection, followed: Followed, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = path_of(sequences, 7)
    way = int(np.sign((path[1] - path[0] + 4) % 8 - 4))
    every = np.repeat(path, DRAWS)
    right = np.arange(len(every)) % DRAWS < 24  # three of four
    painted = Painted(sequences, 7, every + np.where(right, 2, -2) * way)
    monkeypatch.setattr(forecasts, "engine", lambda: painted)
    np.testing.assert_allclose(direction_known(moving, sequences, followed), 0.75)


def test_invalid_arguments_are_reported(
    moving: Loaded, sequences: SequenceCollection, followed: Followed
) -> None:
    assert longest_jump(moving) == 4
    with pytest.raises(ValueError, match=r"`sequence` must be one of 0\.\.299. Got 300"):
        follow(moving, sequences, 300)
    with pytest.raises(ValueError, match=r"`seen` must lie in 1\.\.10. Got 11"):
        believed(moving, followed, 11, 0)
    with pytest.raises(ValueError, match="`length` must lie in"):
        futures(moving, followed, 4, 1, 5, 0)
    with pytest.raises(ValueError, match="`steps` must be at least 1"):
        futures(moving, followed, 4, 0, 1, 0)
    with pytest.raises(ValueError, match="frames to compare with"):
        errors(moving, sequences, followed, 9, 3, 2, 0)


def test_missing_sequences_are_named(moving: Loaded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATENT_DATA_DIR", str(tmp_path))
    card = moving.entry.card
    assert card is not None
    assert list(sequences_of(card).labels(7)) == ["Digit", "Direction", "Start", "Position"]
    elsewhere = replace(card, data={"name": "moving-digits", "options": {}})
    with pytest.raises(ValueError, match="is missing"):
        sequences_of(elsewhere)
