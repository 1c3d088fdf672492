"""Tests of the moving digits: their factors give every frame, exactly, and each row is its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.data import data_available, load_data, load_pictures, load_sequences
from models.data.moving_digits import originals, positions, positions_over_time, rolled
from models.data.sequences import SequenceData


def digits(split: str = "test", **options: Any) -> SequenceData:
    """Sequences of the 8x8 digits, which are always there."""
    return load_sequences("moving-digits", split, **({"source": "digits"} | options))


def test_the_factors_give_every_frame() -> None:
    data, still = digits(frames=11), originals("test", "digits")
    path, frames = positions(data), data.frames(np.arange(len(data)))
    assert frames.shape == (300, 11, 8, 8, 1) == (len(data), *data.shape) and frames.dtype == np.uint8
    for row in range(0, 300, 7):
        for t in range(11):
            expected = np.roll(still.images[row], path[row, t], axis=1)
            np.testing.assert_array_equal(frames[row, t], expected)
    np.testing.assert_array_equal(data.attributes["digit"].values, still.attributes["digit"].values)
    np.testing.assert_array_equal(data.attributes["start"].values, path[:, 0])
    np.testing.assert_array_equal(data.attributes["position"].values, path[:, -1])


def test_a_digit_moves_by_one_pixel_a_frame_and_wraps_around() -> None:
    data = digits(frames=9)
    way = np.where(data.attributes["direction"].values, 1, -1)
    steps = np.diff(positions(data), axis=1)
    np.testing.assert_array_equal(steps % 8, np.repeat(way[:, None] % 8, 8, axis=1))
    frames = data.frames(np.arange(len(data)))
    np.testing.assert_array_equal(frames[:, 0], frames[:, 8])  # once around
    for row in (0, 1, 2, 3):
        np.testing.assert_array_equal(frames[row, 1], np.roll(frames[row, 0], way[row], axis=1))
    assert (np.abs(steps) == 7).any()


def test_rolled_takes_any_whole_number_and_colours() -> None:
    images = np.random.default_rng(0).integers(0, 256, (2, 4, 5, 3), np.uint8)
    found = rolled(images, np.array([[0, -1, 12], [5, 3, -13]]))
    for n, path in enumerate([(0, -1, 12), (5, 3, -13)]):
        for t, shift in enumerate(path):
            np.testing.assert_array_equal(found[n, t], np.roll(images[n], shift, axis=1))


def test_starts_and_directions_are_spread_evenly() -> None:
    data = digits("train", repeats=6, limit=8000)
    starts = np.bincount(data.attributes["start"].values.astype(int))
    assert len(starts) == 8 and starts.min() > 850 and starts.max() < 1150
    assert 0.47 < data.attributes["direction"].values.mean() < 0.53


def test_row_i_depends_on_seed_split_and_i_alone() -> None:
    whole, part = digits(noise=0.2), digits(limit=9, noise=0.2)
    assert len(part) == 9
    np.testing.assert_array_equal(part.frames(np.arange(9)), whole.frames(np.arange(9)))
    np.testing.assert_array_equal(whole.frames([8, 3, 8]), whole.frames(np.arange(9))[[8, 3, 8]])
    for other in (digits(seed=1, noise=0.2), digits("train", noise=0.2)):
        assert (positions(other)[:300] != positions(whole)).any()


def test_repeats_make_more_of_the_training_images_alone() -> None:
    assert len(digits(repeats=3)) == 300  # test images stand for themselves
    once, thrice = digits("train"), digits("train", repeats=3)
    assert (len(once), len(thrice)) == (1497, 3 * 1497)
    np.testing.assert_array_equal(thrice.frames([4]), once.frames([4]))
    assert (
        thrice.attributes["digit"].values[1501] == once.attributes["digit"].values[4]
    )  # the images come round
    starts = thrice.attributes["start"].values.reshape(3, -1)
    assert 0.8 < (starts[0] != starts[1]).mean() < 0.95 and (starts[0] != starts[2]).any()


def test_taken_sequences_keep_their_frames_and_facts() -> None:
    data = digits(noise=0.1)
    some = data.take([7, 2])
    np.testing.assert_array_equal(some.frames([0, 1]), data.frames([7, 2]))
    np.testing.assert_array_equal(positions(some), positions(data)[[7, 2]])
    np.testing.assert_array_equal(some.ids, [7, 2])


def test_noise_is_salt_and_pepper_on_its_share_of_the_pixels_anew_in_each_frame() -> None:
    clean, noisy = (digits(frames=9, noise=noise).frames(np.arange(300)) for noise in (0.0, 0.3))
    changed = noisy != clean
    assert set(np.unique(noisy[changed])) == {0, 255}
    middle = (clean > 0) & (clean < 255)  # where black and white are both a change
    assert changed[middle].mean() == pytest.approx(0.3, abs=0.01)
    assert (noisy[middle & changed] == 255).mean() == pytest.approx(0.5, abs=0.01)
    assert not np.array_equal(noisy[:, 0], noisy[:, 8])  # the same place, other noise
    np.testing.assert_array_equal(digits(frames=9, noise=0.3).frames([5]), noisy[[5]])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"source": "roman"}, r"Unknown source 'roman'\. Choose one of: mnist, digits"),
        ({"frames": 1}, r"`frames` must be an integer of at least 2\. Got 1"),
        ({"frames": 101}, r"`frames` must be at most 100\. Got 101"),
        ({"noise": 1.5}, r"`noise` must be a number in \[0, 1\]\. Got 1\.5"),
        ({"seed": -1}, "`seed` must be an integer of at least 0"),
        ({"repeats": 0}, "`repeats` must be an integer of at least 1"),
        ({"limit": 0}, "`limit` must be an integer of at least 1, or None"),
        (
            {"speed": 2},
            r"Unknown option 'speed'\. This data set offers: source, frames, noise, seed, repeats",
        ),
        ({"split": "valid"}, "`split` must be one of: train, validation, test"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        digits(**options)


def test_what_is_asked_for_must_be_there() -> None:
    data = digits(limit=3)
    for rows in ([3], [-1], [0.5]):
        with pytest.raises(ValueError, match="`indices` must"):
            data.frames(rows)
    with pytest.raises(ValueError, match="`data` must be the data set 'moving-digits'"):
        positions(load_data("digits", "test"))  # type: ignore[arg-type]


def test_sequences_and_images_are_loaded_apart() -> None:
    with pytest.raises(
        ValueError, match=r"'moving-digits' has sequences, not images\. Load it with `load_seq"
    ):
        load_data("moving-digits")
    with pytest.raises(ValueError, match=r"'digits' has images, not sequences\. Load it with `load_data`"):
        load_sequences("digits")
    with pytest.raises(ValueError, match=r"Unknown data set 'moving'\. Choose one of: moving-digits"):
        load_sequences("moving")


def test_the_picture_of_a_sequence_is_its_last_frame() -> None:
    data = digits(limit=270, noise=0.1)  # more than are made at once
    shown = load_pictures("moving-digits", "test", limit=270, source="digits", noise=0.1)
    np.testing.assert_array_equal(shown.images, data.frames(np.arange(270))[:, -1])
    assert shown.attributes.keys() == data.attributes.keys() and shown.split == "test"
    still = load_pictures("digits", "test", limit=5)
    np.testing.assert_array_equal(still.images, load_data("digits", "test", limit=5).images)


def test_nothing_is_made_before_it_is_asked_for() -> None:
    made = []

    def make(rows: Any) -> Any:
        made.append(rows.tolist())
        return np.zeros((len(rows), 2, 8, 8, 1), np.uint8)

    facts = {"publishable": True, "licence": "CC0", "source": "a test"}
    data = SequenceData("moving-digits", "train", make, (2, 8, 8, 1), {}, np.arange(10**6), **facts)
    assert len(data) == 10**6 and data.length == 2 and data.image_shape == (1, 8, 8) and not made
    data.take([5, 6]).frames([1])
    assert made == [[6]]
    for shape in ((2, 8, 8), (2, 8, 8, 2), (0, 8, 8, 1)):
        with pytest.raises(ValueError, match=r"`shape` must be \(T, H, W, 1 or 3\)"):
            SequenceData("x", "train", make, shape, {}, np.arange(2), **facts)  # type: ignore[arg-type]


def test_the_path_goes_both_ways() -> None:
    path = positions_over_time(np.array([0, 6]), np.array([-1, 1]), 4, 8)
    assert path.tolist() == [[0, 7, 6, 5], [6, 7, 0, 1]]


def test_small_digits_are_always_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATENT_DATA_DIR", str(tmp_path))
    assert data_available("moving-digits", source="digits", frames=9) is None
    for options in ({}, {"source": "mnist", "noise": 0.1}):
        assert str(tmp_path / "mnist") in (data_available("moving-digits", **options) or "")
