"""Whole recipes: JSON and Python give the same pictures again, also where nothing of the person's own is kept."""

# ruff: noqa: F811 (fixtures of the live tests, which are imported)

from __future__ import annotations

import base64
import copy
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from explorer.fields import FIRST_OWN, PATHS, RESIDUALS
from explorer.latent.directions.mean_difference import Direction
from explorer.scene.handles import Places
from explorer.scene.loaded import Loaded
from explorer.scene.view import UnknownView
from explorer.scene.views import resolve
from explorer.sharing import recipe as recipe_file
from explorer.sharing.recipe import (
    Recipe,
    Shown,
    follow,
    follow_link,
    from_json,
    recipe_of,
    stand,
    to_json,
    to_python,
)
from explorer.workspace.stage_edit import (
    FRAMES,
    TARGETS,
    Edit,
    Handle,
    link,
)
from tests.explorer.conftest import flow, library, loaded, places, shared_engine  # noqa: F401
from tests.explorer.workspace.test_stage_edit import anything

ROOT = Path(__file__).resolve().parents[3]
fewer = settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
numbers = st.floats(-1e6, 1e6)
vectors = st.lists(st.floats(-9, 9, width=32), min_size=6, max_size=6).map(lambda v: np.array(v, np.float32))
OWN = FIRST_OWN + 77


@st.composite
def recipes(draw: st.DrawFn) -> Recipe:
    """Any recipe that holds."""
    slugs = ["even", "own-mine", "own-other"]
    title = st.text(min_size=1, max_size=40).filter(str.strip)
    handle = st.builds(
        Handle,
        st.integers(0, 299) | st.just(OWN),
        numbers,
        numbers,
        st.dictionaries(st.sampled_from(slugs), st.floats(-5, 5)),
    )
    edit = Edit(
        draw(handle),
        draw(handle),
        draw(st.sampled_from(TARGETS)),
        draw(st.sampled_from(PATHS)),
        draw(st.sampled_from(FRAMES)),
        draw(st.sampled_from(RESIDUALS)),
        draw(st.integers(0, 2)),
    )
    directions = {
        slug: Direction(
            draw(vectors.filter(np.any)), slug, draw(title), "Yours", 0, 0, "own", draw(st.text(max_size=30))
        )
        for slug in slugs[1:]
    }
    ends = draw(st.none() | st.tuples(vectors, vectors).map(np.stack))
    own = {OWN: (draw(title), draw(vectors))}
    view = draw(st.sampled_from(["umap", "pca", "dims-0-1", "plane-even--own-mine"]))
    return Recipe(
        "tiny-vae", "ab" * 32, view, edit, draw(st.none() | st.just("digit")), directions, own, ends
    )


@fewer
@given(recipes())
def test_json_gives_the_same_recipe_again(recipe: Recipe) -> None:
    assert to_json(from_json("\ufeff" + to_json(recipe))) == to_json(recipe)  # as an editor saves it
    assert to_json(from_json(to_json(recipe).encode("utf-8-sig"))) == to_json(recipe)
    found = from_json(to_json(recipe))
    assert to_json(found) == to_json(recipe)
    assert found.edit == recipe.edit and found.view == recipe.view and found.colour == recipe.colour
    for slug, direction in (recipe.directions or {}).items():
        assert (found.directions or {})[slug].vector.tobytes() == direction.vector.tobytes()
        assert (found.directions or {})[slug].made == direction.made
    assert (found.own or {})[OWN][1].tobytes() == (recipe.own or {})[OWN][1].tobytes()


@fewer
@given(recipes(), st.data())
def test_any_change_of_the_json_is_a_recipe_or_a_value_error(recipe: Recipe, data: st.DataObject) -> None:
    values: Any = json.loads(to_json(recipe))
    path: Any = values
    while True:
        key = data.draw(st.sampled_from(sorted(path)))
        if not (isinstance(path[key], dict) and path[key] and data.draw(st.booleans())):
            break
        path = path[key]
    if data.draw(st.booleans()):
        del path[key]
    else:
        path[key] = data.draw(anything)
    try:
        found = from_json(json.dumps(values))
    except ValueError as error:
        assert len(str(error)) < 600
        return
    to_json(found)


@given(st.binary(max_size=60) | st.text(max_size=60) | anything.map(json.dumps))
def test_garbage_is_a_value_error(garbage: bytes | str) -> None:
    with pytest.raises(ValueError, match=r"[Rr]ecipe"):
        from_json(garbage)


GOOD: dict[str, Any] = json.loads(
    to_json(
        Recipe(
            "tiny-vae",
            "ab" * 32,
            "umap",
            Edit(Handle(3, 0.0, 1.0), Handle(OWN, 1.0, 1.0, {"own-mine": 1.0})),
            None,
            {"own-mine": Direction(np.ones(6, np.float32), "own-mine", "Mine", "Yours", 0, 0, "own")},
            {OWN: ("Me", np.ones(6, np.float32))},
        )
    )
)


def changed(path: str, value: Any) -> str:
    values = copy.deepcopy(GOOD)
    *way, last = path.split("/")
    place = values
    for key in way:
        place = place[key]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return json.dumps(values)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("format", "x", "`format` must be 'latent-explorer recipe'. Got 'x'"),
        ("version", 2, "`version` must be 1; a newer program may read others. Got 2"),
        ("version", True, "`version` must be 1"),
        ("view", ..., "must have `view`"),
        ("view", "../x", "`view` must be the id of a view"),
        ("colour", 7, "`colour` must be an attribute or null"),
        ("extra", 1, "The recipe may only have format, version"),
        ("checkpoint/weights_sha256", "abc", "`checkpoint.weights_sha256` must be 64 hexadecimal digits"),
        ("checkpoint/name", "../../etc", "`checkpoint.name` must be the name of a checkpoint"),
        ("edit/frames", 4, "`edit.frames` must be one of"),
        ("edit/A/x", float("nan"), "`edit.A.x` must be a number"),
        ("edit/A", 3, "`edit.A` must be an object"),
        ("edit/B/item", 10**400, "`edit.B.item` must be a whole number"),
        ("edit/B/item", -1, "`edit.B.item` must be a whole number in 0"),
        ("own", {}, f"`own` must contain {OWN}, the picture of `edit.B`"),
        ("directions", {}, "`directions` must contain own-mine"),
        (f"own/{OWN}/z", "AAA", f"`own.{OWN}.z` must be base64"),
        (f"own/{OWN}/z", "AAAA", f"`own.{OWN}.z` must contain float32, 4 bytes each. Got 3"),
        (f"own/{OWN}/z", base64.b64encode(np.array([np.nan], "<f4").tobytes()).decode(), "must be finite"),
        (f"own/{OWN}/title", "", f"`own.{OWN}.title` must be 1 to 80 characters"),
        (f"own/{OWN}/title", "\ud83d", f"`own.{OWN}.title` must be 1 to 80 characters"),
        (f"own/{OWN}/z", base64.b64encode(np.array([1, np.inf], "<f4").tobytes()).decode(), "must be finite"),
        (f"own/{2 * FIRST_OWN}", GOOD["own"][str(OWN)], "`own` must have numbers from 1073741824 as keys"),
        ("view", "plane-even--own-other", "`directions` must contain own-other"),
        ("own/12", {"title": "x", "z": ""}, "Each name in `own` must be the number of an upload"),
        (
            "directions/own-mine/vector",
            base64.b64encode(bytes(24)).decode(),
            "`vector` must be finite and not zero",
        ),
        (
            "directions/smile",
            GOOD["directions"]["own-mine"],
            "Each name in `directions` must be the name of a saved direction",
        ),
        ("vectors", {"A": "AACAPw=="}, "must contain both A and B"),
        (
            "vectors",
            {"A": "AACAPw==", "B": "AACAPwAAgD8="},
            "`vectors.B` must be as long as `vectors.A`, 1. Got 2",
        ),
    ],
)
def test_what_does_not_hold_is_named(path: str, value: Any, said: str) -> None:
    from_json(json.dumps(GOOD))
    with pytest.raises(ValueError) as caught:
        from_json(changed(path, value))
    assert said in str(caught.value)


def test_a_recipe_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipe_file, "BYTES_AT_MOST", 100)
    with pytest.raises(ValueError, match="must take at most"):
        from_json(json.dumps(GOOD))
    with pytest.raises(ValueError, match="must be JSON"):
        from_json("[" * 90)


# With a checkpoint


def on_stage(loaded: Loaded, view: str, **changes: Any) -> Shown:
    """A moved from item 4, B on item 9."""
    there = resolve(loaded, view)
    places = Places(loaded, there)
    (x, y), (u, v) = (map(float, places[item]) for item in (4, 9))
    edit = Edit(
        Handle(4, x + 0.3, y - 0.2, {"even": 1.25, "digit-3": -0.5}), Handle(9, u, v), path="great-circle"
    )
    return stand(loaded, there, replace(edit, **changes))


@pytest.fixture
def mine(loaded: Loaded) -> Iterator[Shown]:
    """A stage with a person's own picture as B and their own direction on A, on a plane of it; forgotten at the end."""
    picture = np.random.default_rng(3).integers(0, 256, (8, 8, 1), np.uint8)
    own = loaded.keep_own('<b>"""Me"""', picture, loaded.encoder(picture[None]).mean[0])
    loaded.keep_direction(
        Direction(np.arange(6, dtype=np.float32), "own-mine", "Mine", "Yours", 5, 5, "own", "by hand")
    )
    view = resolve(loaded, "plane-even--own-mine")
    x, y = map(float, Places(loaded, view)[own.item])
    yield stand(
        loaded, view, Edit(Handle(4, 0.5, 0.25, {"own-mine": 0.75, "even": 1.0}), Handle(own.item, x, y))
    )
    loaded.drop_own(own.item)
    loaded.drop_direction("own-mine")


def test_what_is_followed_has_the_same_codes(loaded: Loaded) -> None:
    shown = on_stage(loaded, "umap")
    assert shown.view is not None
    found = follow(from_json(to_json(recipe_of(loaded, shown.view, shown.edit))), loaded)
    np.testing.assert_array_equal(found.ends, shown.ends)
    np.testing.assert_array_equal(found.walk(7), shown.walk(7))
    assert found.loaded is loaded and not found.notes


def test_what_a_person_made_comes_along(loaded: Loaded, mine: Shown) -> None:
    assert mine.view is not None
    text = to_json(recipe_of(loaded, mine.view, mine.edit))
    item = mine.edit.B.item
    loaded.drop_own(item)
    loaded.drop_direction("own-mine")
    found = follow(from_json(text), loaded)
    np.testing.assert_array_equal(found.ends, mine.ends)
    assert found.loaded.own[item].title == '<b>"""Me"""' and not found.notes
    assert "own-mine" not in loaded.directions and item not in loaded.own, "nothing is kept"
    assert "plane-even--own-mine" not in loaded.views


def test_another_direction_of_the_same_name_is_not_taken(loaded: Loaded, mine: Shown) -> None:
    assert mine.view is not None
    text = to_json(recipe_of(loaded, mine.view, mine.edit))
    loaded.keep_direction(replace(loaded.directions["own-mine"], vector=np.ones(6, np.float32)))
    found = follow(from_json(text), loaded)
    np.testing.assert_array_equal(found.ends, mine.ends)


def test_a_recipe_of_other_weights_is_refused_with_both_hashes(loaded: Loaded, flow: Loaded) -> None:
    shown = on_stage(loaded, "pca")
    assert shown.view is not None
    recipe = recipe_of(loaded, shown.view, shown.edit)
    for other, changes in ((flow, {}), (loaded, {"weights_sha256": "cd" * 32})):
        with pytest.raises(ValueError, match="belongs to tiny-vae with the weights") as caught:
            follow(replace(recipe, **changes), other)
        card = other.entry.card
        assert card and card.weights_sha256 in str(caught.value)
        assert (changes.get("weights_sha256") or recipe.weights_sha256) in str(caught.value)


def test_what_the_checkpoint_lacks_is_named(loaded: Loaded) -> None:
    shown = on_stage(loaded, "pca")
    assert shown.view is not None
    recipe = recipe_of(loaded, shown.view, shown.edit)
    edit = recipe.edit
    with pytest.raises(ValueError, match=r"`A` must name an item from 0 to 299\. Got 300"):
        follow(replace(recipe, edit=replace(edit, A=replace(edit.A, item=300))), loaded)
    with pytest.raises(ValueError, match="Unknown direction 'beard'"):
        follow(replace(recipe, edit=replace(edit, A=replace(edit.A, sliders={"beard": 1.0}))), loaded)
    with pytest.raises(ValueError, match="`level` must be one of: 0"):
        follow(replace(recipe, edit=replace(edit, level=1)), loaded)
    with pytest.raises(UnknownView, match="Unknown view 'tsne'"):
        follow(replace(recipe, view="tsne"), loaded)
    with pytest.raises(ValueError, match=r"`vectors.A` must have 6 numbers. Got 5"):
        follow(replace(recipe, vectors=np.ones((2, 5), np.float32)), loaded)


def test_a_map_of_another_machine_leaves_the_vectors(loaded: Loaded) -> None:
    shown = on_stage(loaded, "pca")
    assert shown.view is not None
    recipe = replace(recipe_of(loaded, shown.view, shown.edit), view="umap-0123abcd")
    found = follow(recipe, loaded)
    np.testing.assert_array_equal(found.ends, shown.ends)
    np.testing.assert_array_equal(found.walk(5), shown.walk(5))
    assert found.view is None and "was fitted on another machine" in found.notes[0]
    with pytest.raises(UnknownView):
        follow(replace(recipe, vectors=None), loaded)


def test_an_edit_that_was_changed_by_hand_is_followed_and_told(loaded: Loaded) -> None:
    shown = on_stage(loaded, "pca")
    assert shown.view is not None
    recipe = recipe_of(loaded, shown.view, shown.edit)
    other = replace(shown.edit, A=replace(shown.edit.A, sliders={"even": 2.0}))
    found = follow(replace(recipe, edit=other), loaded)
    np.testing.assert_array_equal(found.ends, stand(loaded, shown.view, other).ends)
    assert "changed by hand" in found.notes[0]


def test_a_link_shows_the_same(loaded: Loaded) -> None:
    shown = on_stage(loaded, "umap")
    text = link("tiny-vae", "umap", None, shown.edit)
    params = dict(parse_qsl(text.removeprefix("?")))
    assert params["path"] == "great-circle" and params["a_with"] == "even:1.25,digit-3:-0.5"
    found = follow_link(params, loaded)
    np.testing.assert_allclose(found.ends, shown.ends, atol=1e-4)
    np.testing.assert_array_equal(found.ends[1], loaded.atlas.mean[9])
    for wrong, said in (
        ({"a": "oops"}, "In the link: `a` must be an item"),
        ({"path": "crooked"}, "In the link: `path` must be one of"),
    ):
        with pytest.raises(ValueError, match=said):
            follow_link(params | wrong, loaded)
    del params["b"]
    with pytest.raises(ValueError, match="must name `b`, such as b=test-40"):
        follow_link(params, loaded)


# Python


def run(program: str, folder: Path, checkpoints: Path) -> None:
    (folder / "program.py").write_text(program, encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": str(ROOT), "LATENT_CHECKPOINT_DIR": str(checkpoints)}
    done = subprocess.run(
        [sys.executable, "-W", "error", "program.py"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path)).astype(int)


@pytest.mark.parametrize("case", ["path", "own", "level"])
def test_the_program_makes_the_same_pictures(
    case: str, loaded: Loaded, flow: Loaded, mine: Shown, library: Path, tmp_path: Path
) -> None:
    there = flow if case == "level" else loaded
    shown = {
        "own": lambda: mine,
        "path": lambda: on_stage(loaded, "umap", frames=7),
        "level": lambda: on_stage(flow, "pca", level=2, path="straight"),
    }[case]()
    program = to_python(shown)
    assert "explorer" not in program.replace("Explorer", "")
    run(program, tmp_path, library)
    a, b = there.decoder(shown.ends)[..., 0].astype(int)
    assert abs(pixels(tmp_path / "a.png") - a).max() <= 1 and abs(pixels(tmp_path / "b.png") - b).max() <= 1
    walk = np.concatenate(there.decoder(shown.walk(shown.edit.frames))[..., 0].astype(int), axis=1)
    assert abs(pixels(tmp_path / "strip.png") - walk).max() <= 1
    assert walk.std() > 1 and (a != b).any()


def test_the_program_refuses_other_weights(loaded: Loaded, library: Path, tmp_path: Path) -> None:
    card = loaded.entry.card
    assert card is not None
    program = to_python(on_stage(loaded, "pca")).replace(card.weights_sha256, "0" * 64)
    with pytest.raises(AssertionError, match="tiny-vae has other weights than those of the recipe"):
        run(program, tmp_path, library)


def test_a_title_cannot_leave_the_programs_docstring(loaded: Loaded) -> None:
    card = loaded.entry.card
    assert card is not None
    hostile = replace(card, title='x""" + print("<NAME>") \\')
    shown = on_stage(loaded, "pca")
    other = replace(loaded, entry=replace(loaded.entry, card=hostile))
    program = to_python(shown._replace(loaded=other))
    compile(program, "program", "exec")
    assert program.splitlines()[0].count('"""') == 2 and 'print("' not in program
