"""Tests of atlases: exact round trips, and refusal of broken or forged files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from sklearn.neighbors import NearestNeighbors
from torch.distributions import Normal, kl_divergence

from explorer.atlas import build as module
from explorer.atlas import storage
from explorer.atlas.build import build_atlas, collection, main, neighbour_distances
from explorer.atlas.storage import KEY, Atlas, AtlasError, load_atlas, save_atlas
from explorer.atlas.storage import KEY as STORAGE_KEY
from explorer.atlas.umap_maps import MapSettings
from explorer.scene.originals import collect
from models import MODELS, checkpoint, load
from models.base import Level
from models.card import ATLAS, Card
from models.data import Attribute, Texts, load_data, load_sequences
from models.latents import encode
from models.td_vae import TDVAE, TDVAEConfig
from tests.conftest import make_atlas

ROOT = Path(__file__).resolve().parents[3]
Change = Callable[[pa.Table], pa.Table]


def saved(folder: Path) -> Atlas:
    return load_atlas(checkpoint.read(folder))


def assert_same(a: Atlas, b: Atlas) -> None:
    np.testing.assert_array_equal(a.ids, b.ids)
    np.testing.assert_array_equal(a.mean, b.mean)
    np.testing.assert_array_equal(a.neighbour_distance, b.neighbour_distance)
    assert a.split == b.split and a.ids.dtype == b.ids.dtype and a.mean.dtype == b.mean.dtype
    assert list(a.attributes) == list(b.attributes) and list(a.maps) == list(b.maps)
    assert list(a.scores) == list(b.scores)
    for name, attribute in a.attributes.items():
        other = b.attributes[name]
        assert (attribute.kind, attribute.labels) == (other.kind, other.labels)
        assert attribute.values.dtype == other.values.dtype
        np.testing.assert_array_equal(attribute.values, other.values)
    for mine, yours in ((a.maps, b.maps), (a.scores, b.scores)):
        for name, values in mine.items():
            np.testing.assert_array_equal(values, yours[name])


def test_an_atlas_survives_its_file(tiny_checkpoint: Path, tmp_path: Path) -> None:
    parts = [load_data("digits", "test", limit=60), load_data("digits", "train", limit=140)]
    made = make_atlas(load(tiny_checkpoint), parts)
    found = saved(tiny_checkpoint)
    assert len(found) == 200 and found.split == ["test"] * 60 + ["train"] * 140
    assert_same(made, found)
    assert made.std is not None and found.std is not None
    np.testing.assert_allclose(found.std, made.std, rtol=2**-11)  # kept to ten bits
    for array in (found.mean, found.ids, found.maps["umap"], found.attributes["ink"].values):
        assert array.flags.writeable  # or torch warns


def test_an_atlas_without_deviations_maps_and_attributes_survives_too(copy_of_tiny: Path) -> None:
    bare = replace(saved(copy_of_tiny), std=None, maps={}, attributes={}, scores={})
    save_atlas(copy_of_tiny / ATLAS, bare)
    found = saved(copy_of_tiny)
    assert found.std is None
    assert_same(bare, found)


def test_an_attribute_never_hides_another_column(copy_of_tiny: Path) -> None:
    atlas = saved(copy_of_tiny)
    clash = {
        name: Attribute(name, "continuous", atlas.scores["kl"] + 1) for name in ("kl", "split", "umap_x")
    }
    save_atlas(copy_of_tiny / ATLAS, replace(atlas, attributes=clash))
    assert_same(saved(copy_of_tiny), replace(atlas, attributes=clash))
    assert {"kl", "kl_label", "split_label", "umap_x_label"} < {*pq.read_schema(copy_of_tiny / ATLAS).names}


def own_labels(count: int) -> tuple[dict[str, Attribute], dict[str, Texts]]:
    """Attributes with missing values, titles and labels in any script, and texts."""
    rows = np.arange(count)
    kinds = ("C++", "猫", "5_o_Clock | Shadow", "Ünlü")
    attributes = [
        Attribute("art", "categorical", (rows % 5 - 1).astype(np.int16), kinds, "Art & Größe"),
        Attribute("ripe", "binary", np.where(rows % 3 == 0, 255, rows % 2).astype(np.uint8), ("raw", "ripe")),
        Attribute(
            "mass", "continuous", np.where(rows % 4 == 0, np.nan, rows).astype(np.float32), (), "Mass (g)"
        ),
        Attribute("unknown", "categorical", np.full(count, -1, np.int16), ("a",)),
    ]
    texts = [
        Texts("file", "File", tuple(f"ordner {row % 3}/Bild_{row}.JPG" for row in rows)),
        Texts("mass", "Said of the mass", tuple("" if row % 2 else f"{row} grams, 約" for row in rows)),
    ]
    return {each.name: each for each in attributes}, {each.name: each for each in texts}


def test_missing_values_titles_texts_and_three_splits_survive(copy_of_tiny: Path) -> None:
    attributes, texts = own_labels(200)
    splits = ["test"] * 50 + ["validation"] * 50 + ["train"] * 100
    atlas = replace(
        saved(copy_of_tiny),
        attributes=attributes,
        texts=texts,
        split=splits,
        ids=np.tile(np.arange(50), 4) + 50 * (np.arange(200) >= 150),
    )
    save_atlas(copy_of_tiny / ATLAS, atlas)
    found = saved(copy_of_tiny)
    assert_same(found, atlas)
    assert {name: each.title for name, each in found.attributes.items()} == {
        "art": "Art & Größe",
        "ripe": "Ripe",
        "mass": "Mass (g)",
        "unknown": "Unknown",
    }
    assert {name: (each.title, each.values) for name, each in found.texts.items()} == {
        name: (each.title, each.values) for name, each in texts.items()
    }
    table = pq.read_table(copy_of_tiny / ATLAS)
    assert [table[name].null_count for name in ("art", "ripe", "mass_label", "unknown")] == [40, 67, 50, 200]


def test_latents_and_scores_are_the_models(tiny_checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.latents.BATCH", 16)
    images = load_data("digits", "test", limit=40).images
    model = load(tiny_checkpoint)
    rows = encode(model, images)
    x = torch.from_numpy(images).permute(0, 3, 1, 2) / 255
    with torch.no_grad():
        q = model.encode(x)
        assert q.std is not None
        kl = kl_divergence(Normal(q.mean, q.std), Normal(0.0, 1.0)).sum(1)
        error = (model.decode(q.mean) - x).square().flatten(1).mean(1)
    for name, wanted, within in (
        ("mean", q.mean, 5e-4),
        ("std", q.std, 5e-4),
        ("kl", kl, 1e-4),
        ("error", error, 1e-4),
    ):
        np.testing.assert_allclose(rows[name], wanted.numpy(), rtol=within, atol=1e-5)
    for name in ("mean", "std"):
        assert not (rows[name].view(np.uint32) & 0x1FFF).any(), (
            "so many bits are 0 that the column packs well"
        )


def test_discrete_latents_are_the_embedded_codes() -> None:
    torch.manual_seed(0)
    config = {
        "image_shape": (1, 8, 8),
        "codebook": 8,
        "width": 4,
        "prior_depth": 0,
        "latent": 16,
        "halvings": 1,
    }
    model = MODELS["vq-vae"](MODELS["vq-vae"].Config(**config)).eval()
    data = load_data("digits", "test", limit=300)
    atlas = build_atlas(model, [data], umap=False)
    x = torch.from_numpy(data.images).permute(0, 3, 1, 2) / 255
    with torch.no_grad():
        np.testing.assert_allclose(atlas.mean, model.embed(model.codes(x)).numpy(), rtol=5e-4)
        again = model.decode(torch.from_numpy(atlas.mean))
        np.testing.assert_allclose(again.numpy(), model.decode(model.encode(x).mean).numpy(), atol=1e-6)


@pytest.fixture
def of_codes(tiny_checkpoint: Path) -> tuple[Atlas, tuple[Level, ...]]:
    """An atlas whose latents are codes on grids of 2x3 and 5x5, of vectors of 16 and 8 numbers."""
    atlas, chance = saved(tiny_checkpoint), np.random.default_rng(0)
    levels = Level("top", (16, 2, 3)), Level("bottom", (8, 5, 5))
    parts = []
    for size, *grid in (level.shape for level in levels):
        book = chance.normal(size=(64, size)).astype(np.float32)
        parts.append(
            book[chance.integers(64, size=(len(atlas), *grid))].transpose(0, 3, 1, 2).reshape(len(atlas), -1)
        )
    return replace(atlas, mean=np.concatenate(parts, axis=1), std=None), levels


def test_latents_of_a_codebook_are_written_as_codes(
    copy_of_tiny: Path, of_codes: tuple[Atlas, tuple[Level, ...]]
) -> None:
    atlas, levels = of_codes
    save_atlas(copy_of_tiny / ATLAS, atlas, codebook=levels)
    assert pq.read_schema(copy_of_tiny / ATLAS).field("codes").type.value_type == pa.uint16()
    again = saved(copy_of_tiny)
    np.testing.assert_array_equal(again.mean, atlas.mean)
    assert again.std is None
    small = (copy_of_tiny / ATLAS).stat().st_size
    save_atlas(copy_of_tiny / ATLAS, atlas)
    assert small < 0.4 * (copy_of_tiny / ATLAS).stat().st_size


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda about: about["levels"][0].update(shape=[16, 2, 4]), "must have 33 codes"),
        (lambda about: about["levels"][0].update(shape=[16, 10**9, 1]), "three sides"),
        (lambda about: about["levels"][1].update(vectors="AAAA"), "buffer size"),
        (
            lambda about: about["levels"][1].update(vectors=about["levels"][1]["vectors"][:128]),
            "must be below 3",
        ),
        (lambda about: about.update(levels=[]), "at least one level"),
    ],
)
def test_codes_that_do_not_match_their_levels_are_refused(
    copy_of_tiny: Path, of_codes: tuple[Atlas, tuple[Level, ...]], change: Callable[[Any], None], why: str
) -> None:
    atlas, levels = of_codes
    path = copy_of_tiny / ATLAS
    save_atlas(path, atlas, codebook=levels)
    table = pq.read_table(path)
    about = json.loads(table.schema.metadata[STORAGE_KEY])
    change(about)
    pq.write_table(table.replace_schema_metadata({STORAGE_KEY: json.dumps(about)}), path)
    with pytest.raises(AtlasError, match=why):
        saved(copy_of_tiny)


@pytest.mark.parametrize(("count", "size", "shift"), [(400, 2, 0.0), (300, 32, 0.0), (200, 3, 3000.0)])
def test_neighbour_distances_are_scikit_learn_s(
    count: int, size: int, shift: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "GAPS_AT_MOST", 64 * count)  # several blocks
    z = (np.random.default_rng(0).normal(size=(count, size)) + shift).astype(np.float32)
    tree = NearestNeighbors(n_neighbors=11).fit(z.astype(np.float64))
    wanted = tree.kneighbors(z.astype(np.float64))[0][:, 10]
    np.testing.assert_allclose(neighbour_distances(z), wanted, rtol=1e-5)


def test_distances_of_many_images_are_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    z = np.random.default_rng(0).normal(size=(3000, 4)).astype(np.float32)
    exact = neighbour_distances(z)
    monkeypatch.setattr(module, "EXACT_AT_MOST", 1000)
    found = neighbour_distances(z)
    assert (found >= exact * (1 - 1e-6)).all()
    assert np.mean(found <= exact * (1 + 1e-6)) > 0.9
    assert np.mean(found / exact) < 1.01


def test_duplicates_have_distance_zero_and_few_images_few_neighbours() -> None:
    twins = np.repeat(np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32), 11, axis=0)
    np.testing.assert_allclose(neighbour_distances(twins), 0, atol=1e-6)
    pair = np.array([[0, 0], [3, 4]], np.float32)
    np.testing.assert_allclose(neighbour_distances(pair), [5, 5])


def test_building_fits_a_map_and_reports(tiny_checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fit(z: np.ndarray, settings: MapSettings, report: Callable[[float, str], None]) -> np.ndarray:
        assert settings == MapSettings() and z.shape == (30, 4)
        report(0.5, "Optimising the layout")
        return np.ascontiguousarray(z[:, :2])

    monkeypatch.setattr(module, "fit_umap", fit)
    parts = [load_data("digits", "test", limit=20), load_data("digits", "train", limit=10)]
    said: list[tuple[float, str]] = []
    atlas = build_atlas(load(tiny_checkpoint), parts, lambda *news: said.append(news))
    assert [share for share, _ in said] == sorted(share for share, _ in said) and said[-1] == (1.0, "Done")
    assert "Optimising the layout" in [what for _, what in said]
    assert atlas.split == ["test"] * 20 + ["train"] * 10 and list(atlas.scores) == ["kl", "error"]
    np.testing.assert_array_equal(atlas.maps["umap"], atlas.mean[:, :2])
    digit = np.concatenate([part.attributes["digit"].values for part in parts])
    np.testing.assert_array_equal(atlas.attributes["digit"].values, digit)
    np.testing.assert_array_equal(atlas.ids, [*range(20), *range(10)])


# ---- broken files


def put(name: str, values: Any) -> Change:
    """Replaces a column."""
    return lambda t: t.set_column(
        t.column_names.index(name), name, values(t) if callable(values) else [values]
    )


def tell(**changes: Any) -> Change:
    """Changes the description of the columns."""

    def change(table: pa.Table) -> pa.Table:
        about = json.loads(table.schema.metadata[KEY]) | changes
        return table.replace_schema_metadata({KEY: json.dumps(about)})

    return change


def first(name: str, value: Any) -> Change:
    """Changes the first value of a column."""

    def change(table: pa.Table) -> pa.Table:
        values = [value, *table[name].to_pylist()[1:]]
        column = pa.array(values, pa.string()).dictionary_encode() if isinstance(values[1], str) else None
        return put(name, lambda t: [pa.array(values, t[name].type) if column is None else column])(table)

    return change


def ones(kind: pa.DataType) -> Callable[[pa.Table], list[pa.Array]]:
    return lambda t: [pa.array(np.ones(len(t))).cast(kind)]


def short_vectors(table: pa.Table) -> list[pa.Array]:
    return [pa.array([row[:1] for row in table["mean"].to_pylist()], pa.list_(pa.float32(), 1))]


def ragged(table: pa.Table) -> list[pa.Array]:
    rows = table["mean"].to_pylist()
    return [pa.array([rows[0][:3], [*rows[1], 0.0], *rows[2:]], pa.list_(pa.float32()))]


def nan_vector(table: pa.Table) -> list[pa.Array]:
    rows = table["mean"].to_pylist()
    return [pa.array([[float("nan")] * 4, *rows[1:]], pa.list_(pa.float32(), 4))]


DIGIT = {"name": "digit", "kind": "categorical", "labels": list("0123456789")}
BROKEN: dict[str, tuple[Change, str]] = {
    "other weights": (tell(weights_sha256="0" * 64), "was made with other weights than the card's"),
    "weights no text": (tell(weights_sha256=[1]), "was made with other weights"),
    "no description": (lambda t: t.replace_schema_metadata({}), "has no description of its columns"),
    "description a list": (
        lambda t: t.replace_schema_metadata({KEY: "[]"}),
        "has no description of its columns",
    ),
    "description no JSON": (lambda t: t.replace_schema_metadata({KEY: "{"}), "cannot be used"),
    "description endless": (lambda t: t.replace_schema_metadata({KEY: "[" * 200_000}), "cannot be used"),
    "description empty": (lambda t: t.replace_schema_metadata({KEY: "{}"}), "weights_sha256"),
    "one row": (lambda t: t.slice(0, 1), "must have 2 to 2000000 rows. Got 1"),
    "no rows": (lambda t: t.slice(0, 0), "must have 2 to 2000000 rows. Got 0"),
    "no mean": (lambda t: t.drop_columns(["mean"]), "mean"),
    "no id": (lambda t: t.drop_columns(["id"]), "id"),
    "no half map": (lambda t: t.drop_columns(["umap_y"]), "umap_y"),
    "no score": (lambda t: t.drop_columns(["kl"]), "kl"),
    "no attribute": (lambda t: t.drop_columns(["digit"]), "digit"),
    "ids of half": (put("id", ones(pa.float32())), "column 'id' must be of type int64. Got float"),
    "an id missing": (first("id", None), "column 'id' must have a value in every row"),
    "an id below nought": (first("id", -1), "'id' and 'neighbour_distance' must not be negative"),
    "unknown split": (first("split", "dev"), "column 'split' must hold only train, validation, test"),
    "split missing": (first("split", None), "column 'split' must have a value in every row"),
    "split plain text": (
        put("split", lambda t: [pa.array(["test"] * len(t))]),
        "'split' must not be of type string",
    ),
    "split numbers": (put("split", ones(pa.float32())), "column 'split' must hold names"),
    "mean numbers": (put("mean", ones(pa.float32())), "column 'mean' must contain vectors"),
    "mean ragged": (put("mean", ragged), "column 'mean' must not be of type list"),
    "mean NaN": (put("mean", nan_vector), "column 'mean' must hold finite numbers"),
    "mean shorter": (put("mean", short_vectors), "column 'std' must match 'mean'"),
    "map NaN": (first("umap_x", float("nan")), "column 'umap_x' must hold finite numbers"),
    "map infinite": (first("umap_y", float("inf")), "column 'umap_y' must hold finite numbers"),
    "map missing": (first("umap_x", None), "column 'umap_x' must have a value in every row"),
    "map of doubles": (put("umap_x", ones(pa.float64())), "column 'umap_x' must not be of type double"),
    "map's name": (tell(maps=["../x"]), "must not be called '../x'"),
    "map's name no text": (tell(maps=[1]), "must not be called '1'"),
    "maps nothing": (tell(maps=None), "cannot be used"),
    "score NaN": (first("kl", float("nan")), "column 'kl' must hold finite numbers"),
    "distance below nought": (first("neighbour_distance", -1.0), "must not be negative"),
    "unknown label": (first("digit", "ten"), "column 'digit' must hold only 0, 1, 2"),
    "label missing": (
        tell(attributes=[DIGIT | {"labels": ["0", "1"]}]),
        "column 'digit' must hold only 0, 1",
    ),
    "no labels": (tell(attributes=[DIGIT | {"labels": []}]), "column 'digit' must hold only"),
    "labels no texts": (tell(attributes=[DIGIT | {"labels": [[1]]}]), "cannot be used"),
    "texts a number": (
        tell(texts=[{"name": "file", "title": "File", "column": "ink"}]),
        "column 'ink' must hold names",
    ),
    "texts of no column": (tell(texts=[{"name": "file", "title": "File", "column": "nothing"}]), "nothing"),
    "a text too long": (
        lambda t: tell(texts=[{"name": "file", "title": "File", "column": "long"}])(
            t.append_column("long", pa.array(["x" * 5000] * len(t)).dictionary_encode())
        ),
        "texts of at most 4000",
    ),
    "category of numbers": (put("digit", ones(pa.float32())), "column 'digit' must hold names"),
    "binary beyond 1": (first("even", 2), "`values` of 'even' must lie in 0..1"),
    "continuous NaN": (first("ink", float("nan")), "column 'ink' must hold finite numbers"),
    "unknown kind": (
        tell(attributes=[{"name": "even", "kind": "odd", "labels": []}]),
        "`kind` of 'even' must be one",
    ),
    "attribute's name": (tell(attributes=[{"name": "umap_x", "kind": "a", "labels": 3}]), "cannot be used"),
    "attributes a text": (tell(attributes="all"), "cannot be used"),
    "a column too many of text": (
        lambda t: t.append_column("x", [["a"] * len(t)]),
        "column 'x' must not be of type",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_atlas_is_refused_with_its_reason(case: str, copy_of_tiny: Path) -> None:
    change, message = BROKEN[case]
    table = pq.read_table(copy_of_tiny / ATLAS)
    pq.write_table(change(table), copy_of_tiny / ATLAS)
    with pytest.raises(AtlasError, match=message) as caught:
        saved(copy_of_tiny)
    text = str(caught.value)
    assert text.endswith("Rebuild it: `python -m explorer.atlas tiny-vae`.") and len(text) < 800


def test_an_unchanged_table_written_again_is_accepted(copy_of_tiny: Path) -> None:
    """So that the cases above fail for what they change, not for how they are written."""
    before = saved(copy_of_tiny)
    pq.write_table(
        first("id", 0)(pq.read_table(copy_of_tiny / ATLAS)), copy_of_tiny / ATLAS, row_group_size=50
    )
    assert_same(before, saved(copy_of_tiny))


@pytest.mark.parametrize(
    "content", [b"", b"PAR1", b"not parquet" * 100, None], ids=["empty", "magic", "text", "cut"]
)
def test_a_file_that_is_not_parquet_is_refused(content: bytes | None, copy_of_tiny: Path) -> None:
    raw = (copy_of_tiny / ATLAS).read_bytes()
    (copy_of_tiny / ATLAS).write_bytes(raw[: len(raw) // 2] if content is None else content)
    with pytest.raises(AtlasError, match=r"cannot be used: .*Rebuild it"):
        saved(copy_of_tiny)


def test_damaged_bytes_give_a_reason_or_an_atlas(copy_of_tiny: Path) -> None:
    raw = (copy_of_tiny / ATLAS).read_bytes()
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(60):
        spoilt = bytearray(raw)
        for place in rng.integers(4, len(raw), 8):
            spoilt[place] ^= int(rng.integers(1, 256))
        (copy_of_tiny / ATLAS).write_bytes(bytes(spoilt))
        try:
            assert np.isfinite(saved(copy_of_tiny).mean).all()
        except AtlasError:
            refused += 1
    assert refused > 20


def test_a_missing_atlas_says_how_to_build_it(copy_of_tiny: Path) -> None:
    (copy_of_tiny / ATLAS).unlink()
    with pytest.raises(AtlasError, match=r"tiny-vae has no atlas.parquet yet. Rebuild it: `python -m"):
        saved(copy_of_tiny)


def test_a_file_that_would_decompress_too_large_is_refused(
    copy_of_tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A few kilobytes on the disk, 40 MB of zeros in memory."""
    table = pq.read_table(copy_of_tiny / ATLAS)
    wide = pa.FixedSizeListArray.from_arrays(pa.array(np.zeros(200 * 50_000, np.float32)), 50_000)
    pq.write_table(put("mean", lambda t: [wide])(table), copy_of_tiny / ATLAS, compression="zstd")
    assert (copy_of_tiny / ATLAS).stat().st_size < 200_000
    monkeypatch.setattr(storage, "BYTES_AT_MOST", 1 << 20)
    with pytest.raises(AtlasError, match="unpacked it must not be larger than 1 MiB"):
        saved(copy_of_tiny)
    monkeypatch.setattr(storage, "MAPPED_FROM", 1 << 20)
    monkeypatch.setattr(storage, "FILE_AT_MOST", 2 << 20)
    with pytest.raises(AtlasError, match="unpacked it must not be larger than 2 MiB"):
        saved(copy_of_tiny)
    monkeypatch.setattr(storage, "FILE_AT_MOST", 1000)
    with pytest.raises(AtlasError, match="is larger than 0 MiB"):
        saved(copy_of_tiny)


# ---- the command


def test_the_command_builds_test_images_first(
    copy_of_tiny: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "fit_umap", lambda z, settings, report: np.ascontiguousarray(z[:, :2]))
    assert main([str(copy_of_tiny), "--count", "320"]) == 0
    atlas = saved(copy_of_tiny)
    assert atlas.split == ["test"] * 300 + ["train"] * 20
    assert f"{copy_of_tiny / ATLAS} has 320 images." in capsys.readouterr().out
    assert main([str(copy_of_tiny), "--count", "40"]) == 0
    assert saved(copy_of_tiny).split == ["test"] * 40


def test_the_command_writes_json_lines_for_another_program(
    copy_of_tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = [str(copy_of_tiny), "--count", "40", "--no-umap", "--progress", "json"]
    assert main(line) == 0
    captured = capsys.readouterr()
    *steps, last = [json.loads(text) for text in captured.out.splitlines()]
    assert steps[0] == {"share": 0.0, "what": "Encoding test images"}
    assert steps[-1] == {"share": 1.0, "what": "Done"}
    assert last == {"result": {"images": 40}} and captured.err == "", "no bar"
    assert main(["nothing", *line[1:]]) == 1
    assert "Unknown checkpoint 'nothing'" in json.loads(capsys.readouterr().out)["error"]


def test_an_atlas_is_discarded_if_the_weights_changed_meanwhile(
    copy_of_tiny: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def build(*arguments: Any) -> Atlas:
        checkpoint.pack(copy_of_tiny)
        return build_atlas(*arguments)

    monkeypatch.setattr("explorer.atlas.build.build_atlas", build)
    assert main([str(copy_of_tiny), "--count", "40", "--no-umap"]) == 1
    assert "changed while its images were encoded" in capsys.readouterr().err
    assert not (copy_of_tiny / ATLAS).exists()


def test_a_sequence_model_has_a_row_per_sequence_with_its_last_frame(tmp_path: Path) -> None:
    torch.manual_seed(0)
    config = TDVAEConfig((1, 8, 8), latent=4, network="mlp", width=6, belief=5, features=5, hidden=4)
    about: dict[str, Any] = {
        "name": "moving-digits",
        "options": {"source": "digits", "frames": 5, "noise": 0.1},
    }
    checkpoint.write(tmp_path / "td", TDVAE(config), model_name="td-vae", data=about)
    assert main([str(tmp_path / "td"), "--count", "310", "--no-umap"]) == 0
    atlas = saved(tmp_path / "td")
    assert atlas.split == ["test"] * 300 + ["train"] * 10 and atlas.std is None
    assert set(atlas.attributes) == {"digit", "direction", "start", "position"} and set(atlas.scores) == {
        "error"
    }
    model, data = load(tmp_path / "td"), load_sequences("moving-digits", "test", **about["options"])
    frames = torch.from_numpy(data.frames([290])).permute(0, 1, 4, 2, 3) / 255
    mean = model.encode(frames).mean
    torch.testing.assert_close(torch.from_numpy(atlas.mean[290:291]), mean, rtol=1e-3, atol=1e-5)
    error = (model.decode(mean) - frames[:, -1]).square().mean().item()
    assert atlas.scores["error"][290] == pytest.approx(error, rel=1e-4)
    pictures = collect(about, atlas.ids[[290, 305]], ["test", "train"])
    np.testing.assert_array_equal(pictures[0], data.frames([290])[0, -1])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{tiny}", "--count", "3"], "`--count` must lie in [20, 2000000]. Got 3."),
        (["nothing"], "Unknown checkpoint 'nothing'"),
        (["/nothing/at/all"], "is not a folder"),
    ],
)
def test_errors_of_the_command_are_one_line(
    arguments: list[str], message: str, tiny_only: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([a.format(tiny=tiny_only) for a in arguments]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and said.startswith("python -m explorer.atlas: ") and message in said


def test_reading_an_atlas_imports_no_umap(tiny_checkpoint: Path) -> None:
    code = (
        "import sys; from explorer.atlas.storage import load_atlas; from models.checkpoint import read; "
        f"load_atlas(read({str(tiny_checkpoint)!r})); "
        "print([m for m in ('umap', 'numba', 'streamlit', 'sklearn') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert done.stdout == "[]\n", done.stderr


def test_validation_images_that_are_training_images_are_not_shown_twice() -> None:
    found = {name: [part.split for part in collection(card_of(name))] for name in ("digits", "oscillator")}
    assert found == {"digits": ["test", "train"], "oscillator": ["test", "validation"]}


def card_of(name: str) -> Card:
    """A card that names a data set."""
    return Card(name, name, "vae", {}, {"name": name}, "0" * 64)
