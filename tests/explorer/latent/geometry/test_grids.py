"""Codes as untrusted text, and the mean look of a code against a loop."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.latent.geometry.grids import as_text, from_text, text_length, typical_patches

SHAPES = [(1, 2), (2, 3)]


def grids() -> list[np.ndarray]:
    return [np.array([[0, 1]]), np.array([[62, 511, 65535], [3, 4, 5]])]


def test_texts_match_the_browsers_and_round_trip() -> None:
    assert as_text([np.array([[0, 1, 62, 511, 65535]])]) == "AAABAD4A_wH__w"
    text = as_text(grids())
    assert len(text) == text_length(8)
    for own, found in zip(grids(), from_text(text, SHAPES, 65_536), strict=True):
        np.testing.assert_array_equal(own, found)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "`codes` must be 22 characters for 8 places. Got 0"),
        ("A" * 23, "`codes` must be 22 characters"),
        ("é" * 22, "`codes` must be URL-safe base64"),
        ("!" * 22, "`codes` must be URL-safe base64"),
        ("_" * 21 + "w", "`codes` must hold codes of 0..9. Got 65535"),
    ],
)
def test_invalid_texts_of_codes_are_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError) as caught:
        from_text(text, SHAPES, 10)
    assert said in str(caught.value) and len(str(caught.value)) < 200


@settings(max_examples=50)
@given(st.text(min_size=22, max_size=22))
def test_any_text_gives_codes_or_an_error(text: str) -> None:
    try:
        found = from_text(text, SHAPES, 300)
    except ValueError:
        return
    assert [grid.shape for grid in found] == SHAPES and max(int(grid.max()) for grid in found) < 300


@pytest.mark.parametrize("size", [(4, 4), (2, 6), (7, 5)])
def test_a_look_is_the_mean_around_a_codes_places(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (5, 8, 12, 3), np.uint8)
    codes = rng.integers(0, 6, (5, 4, 4))
    codes[codes == 3] = 2
    patches, seen = typical_patches(pictures, codes, 8, size)
    assert seen.tolist() == [True, True, True, False, True, True, False, False]
    assert patches.shape == (8, *size, 3) and patches.dtype == np.uint8 and not patches[~seen].any()
    padded = np.pad(pictures, ((0, 0), (8, 8), (8, 8), (0, 0)), mode="edge")
    windows = []
    for image, row, column in zip(*np.where(codes == 2), strict=True):
        top = 8 + round((row + 0.5) * 2 - size[0] / 2)
        left = 8 + round((column + 0.5) * 3 - size[1] / 2)
        windows.append(padded[image, top : top + size[0], left : left + size[1]])
    np.testing.assert_array_equal(patches[2], np.mean(windows, axis=0).round().astype(np.uint8))


def test_the_largest_code_is_valid_and_the_next_is_not() -> None:
    text = as_text([np.array([[0, 4]]), np.array([[9, 1, 2], [3, 4, 5]])])
    assert from_text(text, SHAPES, 10)[1][0, 0] == 9
    with pytest.raises(ValueError, match=r"codes of 0\.\.8\. Got 9"):
        from_text(text, SHAPES, 9)
