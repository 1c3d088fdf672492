"""Sessions: everything comes back in an empty folder, nothing is overwritten, and no file does harm."""

# ruff: noqa: F811 (fixtures of the live tests, which are imported)

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from explorer.latent.directions.mean_difference import Direction
from explorer.scene.loaded import Loaded, find, load
from explorer.sharing import session_archive
from explorer.sharing.session_archive import models_of, read_archive, restore, undo, write_archive
from explorer.workspace.storage import Group, Pin
from tests.explorer.conftest import library, places, shared_engine  # noqa: F401

Move = Callable[[str], None]
PAGES = {
    "Explore": {
        "model": "tiny-vae",
        "view": "plane-even--own-mine",
        "a": "4",
        "a_with": "own-mine:1,own-mine-2:2,even:1",
    },
    "Compare": {"models": "tiny-vae,tiny-flow"},
}


def opened(name: str) -> Loaded:
    """A checkpoint as a new process finds it."""
    return load(find(name), torch.device("cpu"))


@pytest.fixture
def moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Move:
    """Goes over to another cache folder, empty at first."""

    def move(name: str) -> None:
        monkeypatch.setenv("LATENT_CACHE_DIR", str(tmp_path / name))

    move("first")
    return move


def made(loaded: Loaded, vector: float = 1.0) -> None:
    """One of everything that a person can make."""
    about = ("own-mine", "Mine", "Yours", 5, 5, "own", "by hand")
    loaded.keep_direction(Direction(np.full(loaded.latent, vector, np.float32), *about))
    loaded.keep_group(Group("some", "Some", (1, 2, int(10 * vector)), "a note"))
    picture = np.full((8, 8, 1), int(100 * vector), np.uint8)
    loaded.keep_own("Me", picture, np.full(loaded.latent, vector, np.float32))
    loaded.keep_pin(Pin("direction", "Mine", "own-mine"))
    loaded.keep_pin(Pin("view", "View 1", {"view": "plane-even--own-mine", "a": "4"}))


def contents(loaded: Loaded) -> dict[str, Any]:
    return {
        "directions": {
            d.name: (d.title, d.made, d.vector.tobytes())
            for d in loaded.directions.values()
            if d.kind == "own"
        },
        "groups": dict(loaded.groups),
        "own": {
            item: (own.title, own.picture.tobytes(), own.z.tobytes()) for item, own in loaded.own.items()
        },
        "pins": loaded.pins,
    }


@pytest.fixture
def saved(moved: Move) -> bytes:
    """The session of two checkpoints, saved in another folder."""
    two = [opened("tiny-vae"), opened("tiny-flow")]
    for loaded in two:
        made(loaded)
    return write_archive(two, PAGES)


def test_everything_comes_back_in_an_empty_folder(saved: bytes, moved: Move) -> None:
    before = {name: contents(opened(name)) for name in ("tiny-vae", "tiny-flow")}
    assert all(part for each in before.values() for part in each.values())
    moved("second")
    assert not contents(opened("tiny-vae"))["groups"]
    done = restore(read_archive(saved), opened)
    assert {name: contents(opened(name)) for name in before} == before
    assert done.count == 10 and not done.problems and not done.same and done.pages == PAGES


def test_the_same_twice_adds_nothing(saved: bytes) -> None:
    before = contents(opened("tiny-vae"))
    done = restore(read_archive(saved), opened)
    assert done.count == 0 and done.same == 10 and contents(opened("tiny-vae")) == before


def test_what_has_the_name_of_something_else_gets_a_free_one(saved: bytes, moved: Move) -> None:
    moved("second")
    made(opened("tiny-vae"), 2.0)
    before = contents(opened("tiny-vae"))
    done = restore(read_archive(saved), opened)
    after = contents(opened("tiny-vae"))
    assert set(after["directions"]) == {"own-mine", "own-mine-2"} and set(after["groups"]) == {
        "some",
        "some-2",
    }
    assert after["directions"]["own-mine"] == before["directions"]["own-mine"]
    assert after["groups"]["some"] == before["groups"]["some"] and len(after["own"]) == 2
    assert done.pages["Explore"]["view"] == "plane-even--own-mine-2"
    assert done.pages["Explore"]["a_with"] == "own-mine-2:1,own-mine-2:2,even:1", (
        "a name that only starts so stays"
    )
    assert Pin("direction", "Mine", "own-mine-2") in after["pins"]
    assert Pin("view", "View 1", {"view": "plane-even--own-mine-2", "a": "4"}) in after["pins"]
    undo(done, opened)
    assert contents(opened("tiny-vae")) == before
    assert not contents(opened("tiny-flow"))["directions"]


def test_what_belongs_to_no_checkpoint_here_is_told_and_kept_out(
    saved: bytes, moved: Move, library: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    moved("second")
    (tmp_path / "few").mkdir()
    (tmp_path / "few" / "tiny-vae").symlink_to(library / "tiny-vae")
    monkeypatch.setenv("LATENT_CHECKPOINT_DIR", str(tmp_path / "few"))
    done = restore(read_archive(saved), opened)
    assert done.count == 5 and len(done.problems) == 1
    assert "tiny-flow is not available here, so its workspace is left out" in done.problems[0]
    assert set(done.pages) == {"Explore"}


def test_other_weights_are_told_with_both_hashes(saved: bytes, moved: Move) -> None:
    moved("second")
    session = read_archive(saved)
    right = session.weights["tiny-vae"]
    done = restore(replace(session, weights={"tiny-vae": "ab" * 32}), opened)
    assert done.count == 0 and "abababababab" in done.problems[0] and right[:12] in done.problems[0]


def packed(members: dict[str, bytes | str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def test_an_archive_that_was_unpacked_and_zipped_anew_is_read(saved: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(saved)) as archive:
        held: dict[str, bytes | str] = {name: archive.read(name) for name in archive.namelist()}
    folders: dict[str, bytes | str] = {"my session/": "", "my session/checkpoints/": ""}
    companions: dict[str, bytes | str] = {
        "__MACOSX/._x": "?",
        "my session/.DS_Store": "?",
        "my session/Thumbs.db": "?",
    }
    edited = held["session.json"]
    assert isinstance(edited, bytes)
    held["session.json"] = b"\xef\xbb\xbf" + edited
    first = read_archive(saved)
    for again in (
        folders | companions | {f"my session/{name}": data for name, data in held.items()},
        {name.replace("/", "\\"): data for name, data in held.items()},
        {f"./{name}": data for name, data in held.items()},
    ):
        assert read_archive(packed(again)) == first
    for name in ("session.json", "other/session.json", "my session/more.txt"):
        twice = packed({f"my session/{name}": data for name, data in held.items()} | {name: b"{}"})
        with pytest.raises(ValueError, match=r"A session archive must not contain|must be"):
            read_archive(twice)


def about(**changes: object) -> str:
    return json.dumps(
        {"format": session_archive.FORMAT, "version": 1, "checkpoints": {}, "pages": {}} | changes
    )


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({}, "it has no session.json"),
        ({"session.json": "[1]"}, "session.json must hold one JSON object"),
        ({"session.json": "{"}, "session.json must be JSON"),
        ({"session.json": about(format="x")}, "`format` must be 'latent-explorer session'. Got 'x'"),
        ({"session.json": about(version=2)}, "`version` must be 1; a newer program may read others. Got 2"),
        ({"session.json": about(pages=[1])}, "`pages` must be an object"),
        (
            {"session.json": about(pages={"Explore": {"a": 1}})},
            "`pages.Explore.a` must be a text of at most 8000 characters of valid Unicode",
        ),
        ({"session.json": about(pages={"Explore": {"a": "x" * 9000}})}, "`pages.Explore.a` must be a text"),
        ({"session.json": about(pages={"Explore": {"a": "\ud83d"}})}, "`pages.Explore.a` must be a text"),
        (
            {"session.json": about(pages={"\ud83d": {}})},
            "Each name in `pages` must be a text of at most 8000 characters of valid Unicode. Got '\\ud83d'",
        ),
        (
            {"session.json": about(pages={str(n): {} for n in range(41)})},
            "`pages` must be an object of at most 40",
        ),
        (
            {"session.json": about(pages={"Explore": {str(n): "" for n in range(65)}})},
            "`pages.Explore` must be an object of at most 64",
        ),
        (
            {"session.json": about(checkpoints={f"x{n}": {} for n in range(201)})},
            "must be an object of at most 200",
        ),
        (
            {"session.json": about(checkpoints={"../x": {}})},
            "Each name in `checkpoints` must be the name of a checkpoint",
        ),
        (
            {"session.json": about(checkpoints={"x": {"weights_sha256": "1"}})},
            "`checkpoints.x.weights_sha256` must be 64 hexadecimal digits. Got '1'",
        ),
        ({"session.json": about(), "../../evil": b""}, "must not contain '../../evil'"),
        ({"session.json": about(), "checkpoints/x/own/../../y.safetensors": b""}, "must not contain"),
        ({"session.json": about(), "checkpoints/x/groups.json": bytes(1 << 25)}, "a file 16"),
    ],
)
def test_what_is_no_session_is_refused(members: dict[str, bytes | str], said: str) -> None:
    with pytest.raises(ValueError) as caught:
        read_archive(packed(members))
    assert said in str(caught.value)


def test_all_together_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_archive, "BYTES_AT_MOST", 3 << 20)
    many = {f"checkpoints/x{n}/groups.json": bytes(1 << 20) for n in range(4)}
    with pytest.raises(ValueError, match="at most 3 MiB unpacked"):
        read_archive(packed({"session.json": about(), **many}))
    monkeypatch.setattr(session_archive, "MEMBERS_AT_MOST", 3)
    with pytest.raises(ValueError, match=r"at most 3 files\. Got 5"):
        read_archive(packed({"session.json": about(), **many}))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_file_that_comes_twice_is_refused() -> None:
    buffer = io.BytesIO(packed({"session.json": about()}))
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr("session.json", about(version=2))
    with pytest.raises(ValueError, match=r"must contain 'session.json' only once"):
        read_archive(buffer.getvalue())


@given(st.binary(max_size=200))
def test_any_bytes_are_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError, match="not a session archive"):
        read_archive(data)


def test_a_damaged_file_is_a_value_error(saved: bytes) -> None:
    rng = np.random.default_rng(0)
    for _ in range(150):
        damaged = bytearray(saved)
        for place in rng.integers(0, len(saved), 3):
            damaged[place] = rng.integers(256)
        try:
            session = read_archive(bytes(damaged))
        except ValueError:
            continue
        assert all(models_of(parameters) is not None for parameters in session.pages.values())


def test_a_broken_part_leaves_the_rest(saved: bytes, moved: Move) -> None:
    moved("second")
    session = read_archive(saved)
    wrong = {
        name: b"junk"
        if "own/" in name
        else b'{"count": 300, "groups": [{"name": "a", "title": "A", "items": [1, 999]}]}'
        if "groups" in name
        else data
        for name, data in session.members.items()
    }
    done = restore(replace(session, members=wrong), opened)
    assert len(done.directions) == 2 and not done.own and not done.groups
    assert any("An own picture must be a safetensors file" in problem for problem in done.problems)
    pin = {"kind": "item", "title": "x", "value": "1"}
    wrong = {
        "checkpoints/tiny-vae/groups.json": json.dumps({"count": 299, "groups": []}).encode(),
        "checkpoints/tiny-vae/pins.json": json.dumps({"pins": [pin] * 41}).encode(),
    }
    problems = " ".join(restore(replace(session, members=wrong), opened).problems)
    assert (
        "to a collection of 299 images, not 300" in problems
        and "`pins` must be a list of at most 40" in problems
    )
    assert any("must be rows of the collection, 0 to 299" in problem for problem in done.problems)
