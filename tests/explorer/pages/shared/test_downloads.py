"""Downloads: each file contains what the stage shows."""

from __future__ import annotations

import io
from collections.abc import Callable
from urllib.parse import parse_qsl, urlsplit

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image, ImageSequence

from explorer.latent.geometry.paths import great_circle
from explorer.pages.shared import downloads
from explorer.scene.engine import Engine
from explorer.scene.views import resolve
from explorer.sharing.recipe import from_json
from tests.explorer.pages.conftest import Open
from tests.explorer.pages.reading import address

Made = dict[str, Callable[[], bytes]]


@pytest.fixture
def made(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> Made:
    """The files offered for A unmoved on item 12 and B on item 40 with a slider, on a great circle of seven."""
    found: Made = {}
    monkeypatch.setattr(downloads, "offer", lambda place, label, file, make: found.update({file: make}))
    at = open_page(view="pca", a="12", b="40", b_with="digit-3:1.5", path="great-circle", frames="7")
    assert not at.exception and not at.warning
    return found


@pytest.fixture
def ends(pages_engine: Engine) -> np.ndarray:
    loaded = pages_engine.open_sync("digits-vae")
    assert resolve(loaded, "pca").linear
    mean = loaded.atlas.mean
    return np.stack([mean[12], mean[40] + np.float32(1.5) * loaded.directions["digit-3"].vector])


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)))


def test_every_file_is_offered(made: Made) -> None:
    assert [name.removeprefix("digits-vae-") for name in made] == [
        "a.png",
        "b.png",
        "strip.png",
        "walk.webp",
        "walk.gif",
        "vectors.parquet",
        "vectors.npz",
        "report.html",
        "map.html",
        "recipe.json",
        "recipe.py",
        "latent-explorer-session.zip",
    ]


def test_pictures_are_what_the_model_decodes(made: Made, ends: np.ndarray, pages_engine: Engine) -> None:
    shown = pages_engine.decode_sync("digits-vae", ends)[..., 0]
    for name, picture in zip("ab", shown, strict=True):
        np.testing.assert_array_equal(pixels(made[f"digits-vae-{name}.png"]())[::4, ::4], picture)
    assert (shown[0] != shown[1]).any()


def test_the_strip_follows_the_chosen_path(made: Made, ends: np.ndarray, pages_engine: Engine) -> None:
    walk = great_circle(*ends, np.linspace(0, 1, 7, dtype=np.float32))
    shown = pages_engine.decode_sync("digits-vae", walk)[..., 0]
    strip = pixels(made["digits-vae-strip.png"]())[::4, ::4]
    assert strip.shape == (8, 7 * 9 - 1)
    for number in range(7):
        difference = strip[:, 9 * number : 9 * number + 8].astype(int) - shown[number]
        assert abs(difference).max() <= 1


@pytest.mark.parametrize("kind", ["webp", "gif"])
def test_the_walk_goes_from_a_to_b_and_back(
    made: Made, ends: np.ndarray, pages_engine: Engine, kind: str
) -> None:
    image = Image.open(io.BytesIO(made[f"digits-vae-walk.{kind}"]()))
    frames = [np.asarray(frame.convert("L")) for frame in ImageSequence.Iterator(image)]
    assert image.info["loop"] == 0 and len(frames) >= 30
    shown = pages_engine.decode_sync("digits-vae", ends)[..., 0].astype(int)
    assert abs(frames[0][::4, ::4] - shown[0]).max() <= 1
    assert min(abs(frame[::4, ::4] - shown[1]).max() for frame in frames) <= 1


def test_vectors(made: Made, ends: np.ndarray) -> None:
    with np.load(io.BytesIO(made["digits-vae-vectors.npz"]()), allow_pickle=False) as found:
        np.testing.assert_array_equal(found["a"], ends[0])
        np.testing.assert_allclose(found["b"], ends[1], atol=1e-5)
        assert found["walk"].shape == (7, 8)
        walk = found["walk"]
    table = pq.read_table(io.BytesIO(made["digits-vae-vectors.parquet"]()))
    assert table["name"].to_pylist() == ["A", "B", *(f"walk {n}" for n in range(7))]
    np.testing.assert_array_equal(np.array(table["z"].to_pylist(), np.float32)[2:], walk)


def test_recipe_and_link_agree(made: Made, open_page: Open, ends: np.ndarray) -> None:
    recipe = from_json(made["digits-vae-recipe.json"]())
    assert recipe.view == "pca" and recipe.edit.frames == 7 and recipe.colour == "digit"
    np.testing.assert_allclose(recipe.vectors, ends, atol=1e-5)
    assert b"digits-vae" in made["digits-vae-recipe.py"]() and b"<svg" in made["digits-vae-report.html"]()
    at = open_page(view="pca", a="12", b="40", b_with="digit-3:1.5", path="great-circle", frames="7")
    (code,) = at.code
    shown = dict(parse_qsl(urlsplit(code.value).query))
    assert shown == address(at) and shown["b_with"] == "digit-3:1.5"
