"""Tests of what a person keeps with a checkpoint: it comes back as it was, and broken files are left out."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from explorer.fields import FIRST_OWN, OWN_SLUG
from explorer.latent.directions.mean_difference import Direction
from explorer.workspace import storage
from explorer.workspace.storage import GROUPS_AT_MOST, PINS_AT_MOST, Group, Pin, own_slug
from models.card import Card, Entry

RNG = np.random.default_rng(0)
SHAPE = (1, 8, 8)


@pytest.fixture
def entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Entry:
    monkeypatch.setenv("LATENT_CACHE_DIR", str(tmp_path / "cache"))
    return of("digits-vae", "ab" * 32)


def of(name: str, sha: str) -> Entry:
    card = Card(
        name=name,
        title=name,
        model="vae",
        config={},
        data={"name": "digits"},
        weights_sha256=sha,
        command="",
    )
    return Entry(name, Path(name), card)


def direction(name: str = "own-smile", size: int = 4) -> Direction:
    vector = RNG.standard_normal(size).astype(np.float32)
    return Direction(vector, name, "Smile", "Yours", 12, 30, "own", "mean of two groups")


def test_a_direction_comes_back_as_it_was(entry: Entry) -> None:
    kept = direction()
    storage.write_direction(entry, kept)
    found = storage.read_directions(entry, 4)[kept.name]
    assert (found.vector == kept.vector).all()
    assert {k: v for k, v in vars(found).items() if k != "vector"} == {
        k: v for k, v in vars(kept).items() if k != "vector"
    }
    storage.remove_direction(entry, kept.name)
    assert storage.read_directions(entry, 4) == {}


def test_directions_come_back_in_the_order_in_which_they_were_kept(entry: Entry, tmp_path: Path) -> None:
    for age, name in enumerate(["own-zebra", "own-apple", "own-mango"]):
        storage.write_direction(entry, direction(name))
        (path,) = (tmp_path / "cache").rglob(f"{name}.safetensors")
        os.utime(path, ns=(age, age))
    assert list(storage.read_directions(entry, 4)) == ["own-zebra", "own-apple", "own-mango"]


def test_a_direction_of_another_checkpoint_is_refused_by_name(entry: Entry) -> None:
    packed = storage.pack_direction(entry, direction())
    with pytest.raises(
        ValueError, match=r"belongs to another checkpoint, digits-vae \(abab.*this is faces-vae \(cdcd"
    ):
        storage.unpack_direction(of("faces-vae", "cd" * 32), packed)


def test_a_direction_of_another_size_is_left_out(entry: Entry) -> None:
    storage.write_direction(entry, direction())
    assert storage.read_directions(entry, 5) == {}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"name": "smile"}, "`name` must be the name of a saved direction"),
        ({"name": "own-../../x"}, "`name` must be the name of a saved direction"),
        ({"title": " "}, "`title` must be 1 to 80 characters"),
        ({"made": "x" * 3000}, "`made` must be 0 to 2000 characters"),
        ({"title": "half \ud83d"}, "`title` must be 1 to 80 characters of valid Unicode"),
        ({"vector": np.full(4, np.nan, np.float32)}, "`vector` must be finite"),
        ({"vector": np.zeros(4, np.float32)}, "not zero"),
        ({"count_with": -1}, "must be a whole number"),
        ({"count_without": 2**31}, "must be a whole number"),
        ({"count_with": True}, "must be a whole number"),
    ],
)
def test_a_direction_that_does_not_hold_is_not_kept(
    entry: Entry, changed: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        storage.write_direction(entry, replace(direction(), **changed))  # type: ignore[arg-type]
    assert storage.read_directions(entry, 4) == {}


def test_there_is_an_end_to_directions(entry: Entry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "DIRECTIONS_AT_MOST", 2)
    for name in ("own-a", "own-b", "own-b"):  # the second of a name takes the first one's place
        storage.write_direction(entry, direction(name))
    with pytest.raises(ValueError, match="At most 2 directions can be stored"):
        storage.write_direction(entry, direction("own-c"))


def without_facts() -> bytes:
    """A safetensors file whose metadata are there and are null, which the format allows."""
    tensors = {"vector": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}}
    head = json.dumps({"__metadata__": None} | tensors).encode()
    return len(head).to_bytes(8, "little") + head + np.ones(4, np.float32).tobytes()


@pytest.mark.parametrize(
    "data", [b"", b"\x00" * 100, save({"vector": np.ones(4, np.float32)}), without_facts()]
)
def test_broken_files_are_left_out(entry: Entry, data: bytes) -> None:
    storage.write_direction(entry, direction())
    storage.write_own(entry, "Me", np.zeros((8, 8, 1), np.uint8), np.ones(4, np.float32))
    for path in storage._folder(entry).rglob("*.safetensors"):
        path.write_bytes(data)
    assert storage.read_directions(entry, 4) == {}
    assert storage.read_own(entry, SHAPE, 4) == {}


def test_a_file_under_another_name_is_left_out(entry: Entry) -> None:
    storage.write_direction(entry, direction())
    own = storage.write_own(entry, "Me", np.zeros((8, 8, 1), np.uint8), np.ones(4, np.float32))
    folder = storage._folder(entry)
    (folder / "directions" / "own-smile.safetensors").rename(folder / "directions" / "own-other.safetensors")
    (folder / "own" / f"{own.item}.safetensors").rename(folder / "own" / f"{FIRST_OWN}.safetensors")
    assert storage.read_directions(entry, 4) == {} == storage.read_own(entry, SHAPE, 4)


def test_nothing_but_a_direction_is_removed_by_a_name(entry: Entry) -> None:
    own = storage.write_own(entry, "Me", np.zeros((8, 8, 1), np.uint8), np.ones(4, np.float32))
    storage.write_direction(entry, direction())
    storage.remove_direction(entry, f"../own/{own.item}")
    assert list(storage.read_own(entry, SHAPE, 4)) == [own.item]


def test_there_is_an_end_to_groups_pictures_and_bytes(entry: Entry, monkeypatch: pytest.MonkeyPatch) -> None:
    two = [Group(name, name, (1,)) for name in ("a", "b")]
    monkeypatch.setattr(storage, "GROUPS_AT_MOST", 1)
    with pytest.raises(ValueError, match="At most 1 groups can be stored"):
        storage.write_groups(entry, two, 10)
    monkeypatch.setattr(storage, "OWN_AT_MOST", 1)
    picture = np.zeros((8, 8, 1), np.uint8)
    storage.write_own(entry, "Me", picture, np.ones(4, np.float32))
    with pytest.raises(ValueError, match="At most 1 pictures of your own can be stored"):
        storage.write_own(entry, "You", picture, np.zeros(4, np.float32))
    storage.write_pins(entry, [Pin("item", "#7", "7")] * 2)
    storage.write_direction(entry, direction())
    assert storage.read_directions(entry, 4) and storage.read_own(entry, SHAPE, 4)
    packed = storage.pack_direction(entry, direction())
    monkeypatch.setattr(storage, "FILE_AT_MOST", 20)
    assert storage.read_directions(entry, 4) == {} == storage.read_own(entry, SHAPE, 4)
    assert storage.read_pins(entry) == ()
    with pytest.raises(ValueError, match="A direction must take at most"):
        storage.unpack_direction(entry, packed)


def test_an_own_picture_must_hold(entry: Entry) -> None:
    picture, z = np.zeros((8, 8, 1), np.uint8), np.ones(4, np.float32)
    for wrong, message in (
        ((" ", picture, z), "`title` must be 1 to 80"),
        (("x" * 81, picture, z), "`title` must be 1 to 80"),
        (("Me", picture.astype(np.float32), z), "`picture` must be uint8"),
        (("Me", picture[..., 0], z), "`picture` must be uint8"),
        (("Me", picture, z.astype(np.float64)), "`z` must be finite float32"),
        (("Me", picture, np.array([1, np.inf], np.float32)), "`z` must be finite float32"),
    ):
        with pytest.raises(ValueError, match=message):
            storage.write_own(entry, *wrong)
    storage.write_own(entry, "Me", picture, z)
    assert storage.read_own(entry, SHAPE, 4) and storage.read_own(entry, SHAPE, 5) == {}


def test_own_pictures_are_numbered_by_what_they_hold(entry: Entry) -> None:
    picture, z = RNG.integers(0, 256, (8, 8, 1), np.uint8), RNG.standard_normal(4).astype(np.float32)
    first = storage.write_own(entry, "Me", picture, z)
    again = storage.write_own(entry, "Me again", picture, z)
    other = storage.write_own(entry, "You", picture, z + 1)
    assert first.item == again.item != other.item
    assert FIRST_OWN <= first.item < 2 * FIRST_OWN
    found = storage.read_own(entry, SHAPE, 4)
    assert sorted(found) == sorted([first.item, other.item])
    assert found[first.item].title == "Me again"
    assert (found[first.item].picture == picture).all() and (found[first.item].z == z).all()
    assert storage.read_own(entry, (3, 8, 8), 4) == {}
    storage.remove_own(entry, first.item)
    assert sorted(storage.read_own(entry, SHAPE, 4)) == [other.item]


def test_groups_come_back_and_belong_to_their_atlas(entry: Entry) -> None:
    groups = [Group("left", "Left side", (1, 5, 9), "by lasso"), Group("right", "Right", (2,))]
    storage.write_groups(entry, groups, 10)
    assert list(storage.read_groups(entry, 10).values()) == groups
    assert storage.read_groups(entry, 11) == {}
    values = [{"name": "left", "title": "Left", "items": [5, 1, 5]}]
    assert storage.groups_of(values, 10) == [Group("left", "Left", (1, 5))]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"count": 10}',
        '{"count": 10, "groups": [{"name": "a", "title": "A", "items": [10]}]}',
        '{"count": 10, "groups": [{"name": "a", "title": "A", "items": [-1]}]}',
        '{"count": 10, "groups": [{"name": "a", "title": "A", "items": [true]}]}',
        '{"count": 10, "groups": [{"name": "a", "title": "A", "items": []}]}',
        '{"count": 10, "groups": [{"name": "A!", "title": "A", "items": [1]}]}',
        "[" * 5000,
        json.dumps(
            {
                "count": 10,
                "groups": [{"name": f"g{n}", "title": "A", "items": [1]} for n in range(GROUPS_AT_MOST + 1)],
            }
        ),
    ],
)
def test_broken_groups_are_left_out(entry: Entry, text: str) -> None:
    storage.write_groups(entry, [], 10)
    (storage._folder(entry) / "groups.json").write_text(text)
    assert storage.read_groups(entry, 10) == {}


def test_slugs_are_free_ones() -> None:
    assert own_slug("My Smile!", {}) == "own-my-smile"
    assert own_slug("My Smile!", {"own-my-smile", "own-my-smile-2"}) == "own-my-smile-3"
    assert own_slug("…", {}) == "own-direction"
    assert OWN_SLUG.fullmatch(own_slug("x" * 80, {"own-" + "x" * 60}))


def test_the_shelf_comes_back_in_its_order(entry: Entry) -> None:
    pins = [
        Pin("view", "View 1", {"view": "pca", "a": "1,2,3"}),
        Pin("item", "#7", "7"),
        Pin("direction", "Smile", "smile"),
    ]
    storage.write_pins(entry, pins)
    assert storage.read_pins(entry) == tuple(pins)
    with pytest.raises(ValueError, match="The shelf can have at most 40"):
        storage.write_pins(entry, pins[:1] * (PINS_AT_MOST + 1))


@pytest.mark.parametrize(
    "wrong",
    [
        ("thing", "x", "1"),
        ("item", "", "1"),
        ("item", "x", "seven"),
        ("direction", "x", {"a": "b"}),
        ("view", "x", {}),
        ("view", "x", {"a": 1}),
        ("view", "x", {"a": "b" * 5000}),
        ("direction", "x", "s" * 101),
        ("direction", "x", ""),
        ("view", "x", {str(n): "1" for n in range(21)}),
    ],
)
def test_a_pin_that_does_not_hold_is_refused(wrong: tuple[str, str, object]) -> None:
    with pytest.raises(ValueError, match=r"`(kind|title|value|value\.a)` must be"):
        Pin(*wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[1]",
        '[{"kind": "item"}]',
        '[{"kind": "item", "title": "x", "value": "y"}]',
        json.dumps([{"kind": "item", "title": "x", "value": "7"}] * (PINS_AT_MOST + 1)),
    ],
)
def test_a_broken_shelf_is_left_out(entry: Entry, text: str) -> None:
    storage.write_pins(entry, [])
    (storage._folder(entry) / "shelf.json").write_text(text)
    assert storage.read_pins(entry) == ()
