"""Tests of stored latents: reuse where they match, and refusal of forged files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from explorer.atlas.build import add_umap, build
from explorer.atlas.latents import read_latents
from explorer.atlas.storage import Atlas, load_atlas, stored_maps
from models import checkpoint
from models.card import ATLAS, LATENTS
from models.collection import encode_collection
from models.data import load_data
from tests.own_pictures import COUNT, write_pictures


@pytest.fixture
def collection(tmp_path: Path, copy_of_tiny: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A collection without an atlas, whose checkpoint lies beside it."""
    monkeypatch.setenv("LATENT_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("LATENT_CHECKPOINT_DIR", str(copy_of_tiny.parent))
    return encode_collection(
        copy_of_tiny, write_pictures(tmp_path / "mine"), copy_of_tiny.parent / "mine"
    ).folder


def saved(folder: Path) -> Atlas:
    return load_atlas(checkpoint.read(folder))


def test_the_atlas_of_a_collection_takes_its_latents_labels_and_texts(
    collection: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("explorer.atlas.build.encode", lambda *_: pytest.fail("it was encoded already"))
    assert build(collection, umap=False) == COUNT
    atlas = saved(collection)
    card = checkpoint.read(collection).card
    assert card is not None
    test = load_data(card.data["name"], "test", **card.data["options"])
    assert atlas.split[: len(test)] == ["test"] * len(test) and set(atlas.split) == {
        "test",
        "validation",
        "train",
    }
    assert atlas.texts["file"].values[: len(test)] == test.texts["file"].values
    row = atlas.texts["file"].values.index("Bild 07.png")
    art, mass = atlas.attributes["art"], atlas.attributes["mass_g"]
    assert (art.title, set(art.labels), bool(art.known[row])) == ("Art", {"猫", "C++", "Ünlü"}, False)
    assert (mass.title, mass.values[row]) == ("Mass (g)", 1.75) and mass.has_missing
    table = {
        (split, number): mean
        for split, number, mean in zip(
            *(pq.read_table(collection / LATENTS)[name].to_pylist() for name in ("split", "id", "mean")),
            strict=True,
        )
    }
    expected = [table[key] for key in zip(atlas.split, atlas.ids.tolist(), strict=True)]
    np.testing.assert_array_equal(atlas.mean, np.array(expected, np.float32))


def test_the_umap_map_comes_later(collection: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("explorer.atlas.build.fit_umap", lambda z, *_: np.ascontiguousarray(z[:, :2]))
    build(collection, umap=False)
    before = saved(collection)
    entry = checkpoint.read(collection)
    assert "umap" not in before.maps and stored_maps(entry) == [] and add_umap(collection) == COUNT
    assert stored_maps(entry) == ["umap"]
    after = saved(collection)
    np.testing.assert_array_equal(after.maps["umap"], before.mean[:, :2])
    assert after.texts["file"].values == before.texts["file"].values

    def slow(z: np.ndarray, *_: object) -> np.ndarray:
        build(collection, umap=False)
        return np.ascontiguousarray(z[:, :2])

    monkeypatch.setattr("explorer.atlas.build.fit_umap", slow)
    with pytest.raises(ValueError, match="was rebuilt while its map was fitted"):
        add_umap(collection)


def test_latents_in_parts_of_other_weights_and_of_other_files(
    collection: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sha = getattr(checkpoint.read(collection).card, "weights_sha256", "")
    table = pq.read_table(collection / LATENTS / "part-00000.parquet")
    for number, part in enumerate((table.slice(0, 15), table.slice(15))):
        pq.write_table(part, collection / LATENTS / f"part-{number:05}.parquet")
    card = checkpoint.read(collection).card
    assert card is not None
    train = load_data(card.data["name"], "train", **card.data["options"])
    stored = read_latents(collection, sha)
    assert stored is not None
    found = stored.of(train)
    assert (
        found is not None
        and len(found["mean"]) == len(train)
        and set(found) == {"mean", "std", "kl", "error"}
    )
    assert read_latents(collection, "0" * 64) is None, "other weights"
    order = np.argsort(-train.ids)
    turned = stored.of(train.take(order))
    assert turned is not None
    np.testing.assert_array_equal(turned["mean"], found["mean"][order])
    names = train.texts["file"].values
    object.__setattr__(train.texts["file"], "values", names[::-1])
    turned = stored.of(train)
    assert turned is not None, "ids do not count damaged pictures, names find their rows"
    np.testing.assert_array_equal(turned["mean"], found["mean"][::-1])
    object.__setattr__(train.texts["file"], "values", (*names[:-1], "new.png"))
    assert stored.of(train) is None, "the folder has changed since"
    (collection / LATENTS / "part-00001.parquet").unlink()
    part = read_latents(collection, sha)
    assert part is not None and part.of(load_data(card.data["name"], "test", **card.data["options"])) is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.drop_columns(["mean"]), "'mean' is missing"),
        (lambda t: t.drop_columns(["id"]), "id"),
        (
            lambda t: t.set_column(1, "id", pa.array([None, *range(1, COUNT)])),
            "'id' must have a value in every row",
        ),
        (lambda t: t.set_column(0, "split", pa.array(["test"] * COUNT)), "column 'split' must hold names"),
    ],
)
def test_forged_latents_are_refused(collection: Path, change: object, message: str) -> None:
    path = collection / LATENTS / "part-00000.parquet"
    pq.write_table(change(pq.read_table(path)), path)  # type: ignore[operator]
    with pytest.raises(
        ValueError, match=rf"part-00000.parquet cannot be used: .*{message}.*Encode the images again"
    ):
        build(collection, umap=False)
    assert not (collection / ATLAS).exists()
