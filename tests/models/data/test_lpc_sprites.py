"""Tests of the LPC sprites: on a small generated file, and on the real one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.data import ImageData, load_data, lpc_sprites
from models.data.lpc_sprites import BACKGROUND, FACTORS
from tests.models.data import NEEDS_DATA

COUNT, TEST_COUNT, SIDE, COLOURS = 60, 20, 4, 300


def arrays() -> dict[str, Any]:
    """A file like the real one, but small."""
    rng = np.random.default_rng(0)
    index = rng.integers(0, COLOURS, (COUNT, SIDE, SIDE))
    return {
        "index_lo": (index % 256).astype(np.uint8),
        "index_hi": (index // 256).astype(np.uint8),
        "palette": rng.integers(0, 256, (COLOURS, 4), np.uint8),
        "factors": rng.integers(0, list(FACTORS.values()), (COUNT, 7)).astype(np.uint8),
        "factor_names": np.array(list(FACTORS)),
    } | {
        f"values_{name}": np.array([f"{name}_{value}" for value in range(count)])
        for name, count in FACTORS.items()
    }


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, value in {
        "COUNT": COUNT,
        "TEST_COUNT": TEST_COUNT,
        "SIDE": SIDE,
        "COLOURS": COLOURS,
        "BLOCK": 7,
    }.items():
        monkeypatch.setattr(lpc_sprites, name, value)
    monkeypatch.setenv("LATENT_DATA_DIR", str(tmp_path))
    (tmp_path / "lpc-sprites").mkdir()
    return tmp_path / "lpc-sprites"


def save(folder: Path, **changes: Any) -> dict[str, Any]:
    content = arrays() | changes
    content = {name: array for name, array in content.items() if array is not None}
    np.savez_compressed(folder / "lpc_sprites_24k_64x64.npz", **content)
    return content


def composed(content: dict[str, Any]) -> Any:
    """Every picture on the background, in plain floating point."""
    colours = content["palette"][content["index_lo"] + 256 * content["index_hi"].astype(int)]
    alpha = colours[..., 3:] / 255
    return colours[..., :3] * alpha + np.array(BACKGROUND) * (1 - alpha)


def keys(data: ImageData) -> list[tuple[int, ...]]:
    return list(zip(*(each.values.tolist() for each in data.attributes.values()), strict=True))


def test_every_sprite_stands_in_one_split_with_its_factors(folder: Path) -> None:
    content = save(folder)
    train, test = load_data("lpc-sprites"), load_data("lpc-sprites", "test")
    assert (len(train), len(test)) == (COUNT - TEST_COUNT, TEST_COUNT)
    truth = dict(zip(map(tuple, content["factors"].tolist()), composed(content), strict=True))
    assert len(truth) == COUNT  # so the factors tell the sprites apart
    assert set(keys(train)) | set(keys(test)) == set(truth)
    for data in (train, test):
        for key, image in zip(keys(data), data.images, strict=True):
            assert np.abs(image - truth[key]).max() <= 0.5 + 1e-9


@pytest.mark.parametrize("limit", [1, 6, 20, 99])
def test_limit_is_a_prefix(limit: int, folder: Path) -> None:
    save(folder)
    whole, part = load_data("lpc-sprites", "test"), load_data("lpc-sprites", "test", limit=limit)
    np.testing.assert_array_equal(part.images, whole.images[:limit])
    assert keys(part) == keys(whole)[:limit]


def test_names_of_values_are_readable(folder: Path) -> None:
    save(folder)
    attributes = load_data("lpc-sprites", limit=1).attributes
    assert list(attributes) == list(FACTORS)
    assert attributes["pose"].labels == ("pose 0", "pose 1", "pose 2", "pose 3")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"index_hi": np.full((COUNT, SIDE, SIDE), 2, np.uint8)}, r"indices must lie in 0..299"),
        ({"index_lo": np.zeros((COUNT, SIDE, 5), np.uint8)}, "'index_lo' must be uint8"),
        ({"index_lo": None}, "must hold an array 'index_lo'"),
        ({"palette": np.zeros((COLOURS, 3), np.uint8)}, "'palette' must be uint8"),
        ({"factors": np.full((COUNT, 7), 7, np.uint8)}, r"of 'body' must lie in 0..6. Got 7"),
        ({"factors": np.zeros((COUNT, 7))}, "'factors' must be uint8"),
        ({"factor_names": np.array(["a"] * 7)}, "'factor_names' must be body, bottomwear"),
        ({"values_pose": np.array(["a"] * 4)}, "invalid labels of a factor: `labels` of 'pose'"),
        ({"values_pose": np.array(["a"])}, "'values_pose' must be text"),
        ({"values_pose": None}, "must hold an array 'values_pose'"),
    ],
)
def test_wrong_file(changes: dict[str, Any], message: str, folder: Path) -> None:
    save(folder, **changes)
    with pytest.raises(ValueError, match=message) as caught:
        load_data("lpc-sprites")
    assert str(folder / "lpc_sprites_24k_64x64.npz") in str(caught.value)


def test_truncated_file(folder: Path) -> None:
    save(folder)
    path = folder / "lpc_sprites_24k_64x64.npz"
    path.write_bytes(path.read_bytes()[:2_000])
    with pytest.raises(ValueError, match=r"24k_64x64\.npz is damaged"):
        load_data("lpc-sprites")


@NEEDS_DATA
def test_real_sprites() -> None:
    data = load_data("lpc-sprites", "test")
    assert "Liberated Pixel Cup" in data.source
    assert (data.images[:, 0, 0] == BACKGROUND).all()
    with np.load(Path(os.environ["LATENT_DATA_DIR"]) / lpc_sprites.FILE) as file:
        factors, names = file["factors"], file["values_hair"]
    rows = {tuple(factor): row for row, factor in enumerate(factors.tolist())}
    found = np.array([rows[key] for key in keys(data)])
    assert len(rows) == 24_000
    assert (np.diff(found) > 0).all()  # the file's order
    assert data.attributes["hair"].labels == tuple(name.replace("_", " ") for name in names)
    coloured = (data.images != np.array(BACKGROUND)).any(-1).mean((1, 2))
    assert 0.05 < coloured.min() < coloured.max() < 0.6
