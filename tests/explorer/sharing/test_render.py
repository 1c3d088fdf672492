"""Rendering: the command writes what the live socket answers, pixel for pixel, and says what is wrong in one line."""

# ruff: noqa: F811 (fixtures of the live tests, which are imported)

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image, ImageSequence

from explorer.__main__ import main
from explorer.scene.engine import Engine
from explorer.scene.loaded import Loaded
from explorer.scene.views import resolve
from explorer.sharing import render
from explorer.sharing.recipe import recipe_of, stand, to_json
from explorer.workspace.stage_edit import Edit, Handle, link
from models.card import BUNDLED
from tests.explorer.conftest import flow, library, loaded, places, server, shared_engine  # noqa: F401
from tests.explorer.live.client import Client, frame

EDIT = Edit(
    Handle(3, 0.25, -0.5, {"even": 1.5, "digit-7": -0.75}), Handle(8, 1.0, 0.5), frames=7, path="great-circle"
)
LINK = link("tiny-vae", "umap", "digit", EDIT)


def compiled(loaded: Loaded) -> None:
    """Waits until the engine decodes with the compiled decoder, as it does a second after the opening."""
    end = time.monotonic() + 60
    while loaded.decoder._pixels == loaded.decoder._torch:
        assert time.monotonic() < end
        time.sleep(0.05)


def answered(server: str, model: str, view: str, edit: Edit) -> dict[str, np.ndarray]:
    """What the live socket shows of an edit: A, B and the strip."""
    message = frame(
        1,
        ("A", "B", "strip"),
        handles={"A": vars(edit.A), "B": vars(edit.B)},
        residual=edit.residual,
        strip={"frames": edit.frames, "path": edit.path},
        level=edit.level,
    )
    with Client(server, view, model) as client:
        answer = client.ask(message, timeout=60)
    return dict(zip(answer["pictures"], answer["pixels"], strict=True))


def pixels(data: bytes | Path) -> np.ndarray:
    image = Image.open(io.BytesIO(data) if isinstance(data, bytes) else data)
    found = np.asarray(image)
    return found if found.ndim == 3 else found[..., None]


def check_pictures(server: str, loaded: Loaded, view: str, edit: Edit, folder: Path) -> None:
    """Every form of a recipe gives the socket's pixels exactly."""
    compiled(loaded)
    live = answered(server, loaded.name, view, edit)
    file = folder / "recipe.json"
    file.write_text(to_json(recipe_of(loaded, resolve(loaded, view), edit)), encoding="utf-8")
    for given in (
        str(file),
        link(loaded.name, view, None, edit),
        "http://localhost:1/" + link(loaded.name, view, None, edit),
    ):
        shown = render.open_recipe(given)
        assert shown.loaded is not loaded
        for what in "ab":
            made = render.make(shown, what, shown.loaded.decoder)
            np.testing.assert_array_equal(pixels(made), live[what.upper()])
    strip = pixels(render.make(shown, "strip", shown.loaded.decoder))
    width = live["A"].shape[1]
    for number in range(edit.frames):
        np.testing.assert_array_equal(strip[:, number * (width + 1) :][:, :width], live[f"S{number}"])
    assert not np.array_equal(live["A"], live["B"])


@pytest.mark.parametrize("view", ["umap", "pca", "dims-0-3", "plane-even--digit-7"])
def test_the_pixels_are_those_of_the_live_socket(
    view: str, server: str, loaded: Loaded, tmp_path: Path
) -> None:
    check_pictures(server, loaded, view, EDIT, tmp_path)


def test_one_level_of_a_latent(server: str, flow: Loaded, tmp_path: Path) -> None:
    check_pictures(server, flow, "pca", Edit(EDIT.A, EDIT.B, frames=5, level=2, residual="fade"), tmp_path)


def test_a_bundled_checkpoint(
    server: str, shared_engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LATENT_CHECKPOINT_DIR", str(BUNDLED))
    edit = Edit(
        Handle(12, 1.25, -3.5, {"smile": 0.8, "glasses": 1.0}), Handle(40, -0.1, -2.8, {"smile": -1.0})
    )
    check_pictures(server, shared_engine.open_sync("faces-vae"), "umap", edit, tmp_path)


# The command


def test_the_command_writes_the_picture(server: str, loaded: Loaded, library: Path, tmp_path: Path) -> None:
    compiled(loaded)
    live = answered(server, "tiny-vae", "umap", EDIT)
    command = [
        sys.executable,
        "-m",
        "explorer",
        "render",
        LINK,
        "--out",
        str(tmp_path / "a.png"),
        "--scale",
        "3",
    ]
    environment = os.environ | {"LATENT_CHECKPOINT_DIR": str(library)}
    done = subprocess.run(
        command, cwd=BUNDLED.parent, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0 and not done.stderr
    assert done.stdout == f"Wrote a of tiny-vae to {tmp_path / 'a.png'}.\n"
    found = pixels(tmp_path / "a.png")
    assert found.shape == (24, 24, 1)
    np.testing.assert_array_equal(found[::3, ::3], live["A"])


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    """Runs the command on the link and gives the file."""

    def write(name: str, *options: str) -> Path:
        assert main(["render", LINK, "--out", str(tmp_path / name), *options]) == 0
        return tmp_path / name

    return write


def test_the_files_ending_says_what_is_wanted(written: Callable[..., Path], loaded: Loaded) -> None:
    shown = stand(loaded, resolve(loaded, "umap"), EDIT)
    for kind in ("gif", "webp"):
        with Image.open(written(f"walk.{kind}")) as image:
            assert len([*ImageSequence.Iterator(image)]) > 2 and image.info["loop"] == 0
    table = pq.read_table(written("vectors.parquet"))
    assert table["name"].to_pylist() == ["A", "B", *(f"walk {n}" for n in range(7))]
    np.testing.assert_array_equal(np.array(table["z"].to_pylist(), np.float32)[:2], shown.ends)
    with np.load(written("vectors.npz"), allow_pickle=False) as found:
        np.testing.assert_array_equal(found["walk"], shown.walk(7))
        np.testing.assert_array_equal([found["a"], found["b"]], shown.ends)
    np.testing.assert_array_equal(np.array(table["z"].to_pylist(), np.float32)[2:], shown.walk(7))
    for name, options in (("large.GIF", ["--scale", "3"]), ("large.webp", ["--scale", "3"])):
        with Image.open(written(name, *options)) as image:
            assert image.size == (24, 24)
    assert pixels(written("large.png", "--what", "strip", "--scale", "2")).shape == (16, 2 * (7 * 9 - 1), 1)
    assert json.loads(written("recipe.json").read_text())["edit"]["A"]["sliders"] == EDIT.A.sliders
    assert "model = load(CHECKPOINT)" in written("again.py").read_text()
    assert pixels(written("strip.png", "--what", "strip")).shape == (8, 7 * 9 - 1, 1)


@pytest.mark.parametrize(
    ("given", "options", "said"),
    [
        ("nothing.json", [], "RECIPE must be a recipe's JSON file, or a link in quotes. Got 'nothing.json'"),
        (
            "?view=umap",
            [],
            "The link must name `model`, such as ?model=faces-vae. Copy the whole link, in quotes",
        ),
        ("?model=none&view=umap&a=1&b=2", [], "Unknown model 'none'. Choose one of: broken-vae, flat-vae"),
        ("?model=../../etc&view=umap&a=1&b=2", [], "Unknown model '../../etc'"),
        ("?model=broken-vae&view=umap&a=1&b=2", [], "The file was changed or truncated"),
        (
            "?model=tiny-vae&view=tsne&a=1&b=2",
            [],
            "Unknown view 'tsne' of tiny-vae. Choose one of: umap, pca",
        ),
        (
            "?model=tiny-vae&view=umap&a=999&b=2",
            [],
            "In the link: `a` must name an item from 0 to 299. Got 999",
        ),
        (
            "?model=tiny-vae&view=umap&a=1073741830&b=2",
            [],
            "one of your own pictures, 1073741830, that is not stored on this machine",
        ),
        ("?" + "x" * 40000, [], "A link must have at most 32000 characters"),
        (LINK, ["--what", "moon"], "`--what` must be one of: a, b, strip, walk.webp"),
        (LINK, ["--what", "walk.gif"], "`--out` of walk.gif must end in .gif. Got 'x.png'"),
        (LINK, ["--scale", "0"], "`--scale` must lie in 1..64. Got 0"),
        (LINK, ["--scale", "65"], "`--scale` must lie in 1..64. Got 65"),
        (LINK, ["--out", "x.bmp"], "`--out` must end in one of: .png, .webp"),
        (LINK, ["--out", "nowhere/x.png"], "`--out` must be in an existing folder. nowhere does not exist."),
    ],
)
def test_an_error_is_one_line_and_the_status_1(
    given: str,
    options: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["render", given, "--out", "x.png", *options]) == 1
    told = capsys.readouterr().err
    assert told.startswith("python -m explorer: ") and said in told and told.count("\n") == 1
    assert not [*tmp_path.iterdir()]


def test_a_file_that_is_no_recipe(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "recipe.json"
    for content, said in (("{}", "The recipe must have `format`"), ("\x89PNG", "must be JSON")):
        file.write_text(content, encoding="utf-8")
        assert main(["render", str(file), "--out", str(tmp_path / "x.png")]) == 1
        assert said in capsys.readouterr().err
