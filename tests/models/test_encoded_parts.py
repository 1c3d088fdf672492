"""Tests of encoding in parts: every picture is encoded once, also after an interruption, and an atlas can be built."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from explorer.atlas.latents import read_latents
from models import checkpoint
from models.card import LATENTS
from models.data.own import FoundImages, Preparation, open_images, prepare, propose
from models.encoded_parts import DecodedPixels, Outcome, Part, encode_parts, in_this_process
from models.latents import encode
from tests.models.own_pictures import make_pictures


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATENT_CACHE_DIR", str(tmp_path / "cache"))


def opened(path: Path) -> tuple[FoundImages, Preparation]:
    """Opens pictures, and prepares them for the tiny checkpoint."""
    found = open_images(path)
    return found, replace(propose(found), size=8, height=8, width=8, channels=1)


def rows_of(out: Path) -> pa.Table:
    """Reads the rows of all parts, in the order of the source."""
    tables = [pq.read_table(path) for path in sorted((out / LATENTS).glob("*.parquet"))]
    return pa.concat_tables([each.replace_schema_metadata(None) for each in tables]).unify_dictionaries()


class Counted:
    """Workers that record which parts they encode."""

    def __init__(self) -> None:
        self.numbers: list[int] = []

    def __call__(self, parts: Sequence[Part]) -> Iterator[Outcome]:
        self.numbers += [part.number for part in parts]
        return in_this_process(parts)


def test_an_atlas_finds_the_latents_of_every_picture(tmp_path: Path, tiny_checkpoint: Path) -> None:
    found, preparation = opened(make_pictures(tmp_path / "in", 40, bad=(3, 30, 31)))
    told: list[float] = []
    done = encode_parts(
        tiny_checkpoint, found, preparation, tmp_path, size=7, report=lambda share, _: told.append(share)
    )
    assert done.rows == 37 and [each.name for each in done.refused] == ["03.png", "30.png", "31.png"]
    assert "damaged" in done.refused[0].reason and told == sorted(told) and told[-1] == 1
    assert rows_of(tmp_path)["file"].to_pylist() == [f"{n:02}.png" for n in range(40) if n not in (3, 30, 31)]
    model, card = checkpoint.load(tiny_checkpoint), checkpoint.read(tiny_checkpoint).card
    prepared = prepare(preparation, found=found)
    latents = read_latents(tmp_path, card.weights_sha256 if card else "")
    assert latents is not None
    for split in ("train", "validation", "test"):
        data = prepared.load(split)
        stored, expected = latents.of(data), encode(model, data.images)
        assert stored is not None and stored.keys() == expected.keys()
        for name, values in expected.items():
            np.testing.assert_allclose(stored[name], values, rtol=2e-3, atol=1e-5)  # batches are others


def test_a_run_resumes_with_missing_and_damaged_parts(tmp_path: Path, tiny_checkpoint: Path) -> None:
    found, preparation = opened(make_pictures(tmp_path / "in", 23, bad=(4,)))
    first = encode_parts(tiny_checkpoint, found, preparation, tmp_path, size=5)
    whole = rows_of(tmp_path)
    files = sorted((tmp_path / LATENTS).iterdir())
    assert [path.name for path in files] == [f"part-{n:05}.parquet" for n in range(5)]
    files[1].unlink()
    content = bytearray(files[3].read_bytes())
    content[40] ^= 1  # in a page, not in the footer
    files[3].write_bytes(content)
    files[2].write_bytes(files[0].read_bytes())  # sound, but another part
    kept = [files[n].stat().st_mtime_ns for n in (0, 4)]
    for left in (".part-00003.parquet.0a1b2c3d", ".part-00000.parquet.attempts"):
        (files[0].parent / left).write_bytes(b"x")
    again = Counted()
    assert encode_parts(tiny_checkpoint, found, preparation, tmp_path, size=5, workers=again) == first
    assert sorted(files[0].parent.iterdir()) == files
    assert again.numbers == [1, 2, 3] and rows_of(tmp_path).equals(whole)
    assert [files[n].stat().st_mtime_ns for n in (0, 4)] == kept


def test_parts_of_another_run_are_removed(tmp_path: Path, tiny_checkpoint: Path) -> None:
    found, preparation = opened(make_pictures(tmp_path / "in", 23))
    encode_parts(tiny_checkpoint, found, preparation, tmp_path, size=5)
    other = Counted()
    changed = replace(preparation, seed=1)
    assert encode_parts(tiny_checkpoint, found, changed, tmp_path, size=10, workers=other).rows == 23
    assert other.numbers == [0, 1, 2] and len(list((tmp_path / LATENTS).iterdir())) == 3


def test_prepared_pictures_give_the_same_parts(tmp_path: Path, tiny_checkpoint: Path) -> None:
    found, preparation = opened(make_pictures(tmp_path / "in", 23, bad=(4,)))
    pixels = DecodedPixels(prepare(preparation, found=found))
    done = encode_parts(tiny_checkpoint, found, preparation, tmp_path / "a", size=5, pixels=pixels)
    assert done == encode_parts(tiny_checkpoint, found, preparation, tmp_path / "b", size=5)
    assert rows_of(tmp_path / "a").equals(rows_of(tmp_path / "b"))


@pytest.mark.parametrize("form", ["zip", "tar", "parquet"])
def test_every_kind_of_source_gives_the_same_latents(
    tmp_path: Path, tiny_checkpoint: Path, form: str
) -> None:
    folder, source = make_pictures(tmp_path / "in", 9), tmp_path / f"pictures.{form}"
    content = {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
    if form == "zip":
        with zipfile.ZipFile(source, "w") as archive:
            for name, data in content.items():
                archive.writestr(name, data)
    elif form == "tar":
        with tarfile.open(source, "w") as tar:
            for name, data in content.items():
                member = tarfile.TarInfo(name)
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
    else:
        pictures = [{"bytes": data, "path": name} for name, data in content.items()]
        pq.write_table(pa.table({"image": pictures}), source)
    for path, out in ((folder, tmp_path / "a"), (source, tmp_path / "b")):
        encode_parts(tiny_checkpoint, *opened(path), out, size=4)
    assert rows_of(tmp_path / "a").equals(rows_of(tmp_path / "b"))


def test_a_part_without_a_usable_picture_is_empty(tmp_path: Path, tiny_checkpoint: Path) -> None:
    found, preparation = opened(make_pictures(tmp_path / "in", 6, bad=(2, 3)))
    assert encode_parts(tiny_checkpoint, found, preparation, tmp_path, size=2).rows == 4
    card = checkpoint.read(tiny_checkpoint).card
    assert read_latents(tmp_path, card.weights_sha256 if card else "") is not None
    found, preparation = opened(make_pictures(tmp_path / "bad", 3, bad=(0, 1, 2)))
    with pytest.raises(
        ValueError, match=r"No picture in .*bad can be decoded. 00.png: The picture is damaged"
    ):
        encode_parts(tiny_checkpoint, found, preparation, tmp_path)


def test_workers_must_encode_every_part(tmp_path: Path, tiny_checkpoint: Path) -> None:
    found, preparation = opened(make_pictures(tmp_path / "in", 6))
    with pytest.raises(RuntimeError, match="1 parts are not encoded, such as part-00002"):
        encode_parts(
            tiny_checkpoint,
            found,
            preparation,
            tmp_path,
            size=2,
            workers=lambda parts: in_this_process(parts[:2]),
        )
