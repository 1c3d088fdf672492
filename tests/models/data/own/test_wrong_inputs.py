"""Tests of what goes wrong with somebody's images: the message says which file, which rule, and what to do."""

from __future__ import annotations

import errno
import io
import os
import pickle
import struct
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from models.data import open_images
from models.data.own import prepare, propose
from models.system.files import StorageError
from tests.models.data.own import folder_of, picture, saved, zip_of


def reasons(path: Path, labels: Path | None = None) -> dict[str, str]:
    return {each.name: each.reason for each in open_images(path, labels).refused}


def test_paths_that_hold_no_pictures(tmp_path: Path) -> None:
    folder_of(
        tmp_path,
        {
            "texts/a.txt": "x",
            "bad/a.png": b"no",
            "one.png": 1,
            "b.doc": "x",
            "two/a.zip": b"PK",
            "two/b.zip": b"PK",
        },
    )
    (tmp_path / "empty").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name, message in (
        ("empty", "No picture found in .*empty. It is empty. Use .png"),
        ("texts", "No picture found in .*texts. It holds 1 other files"),
        ("bad", "No picture in .*bad can be read. a.png: The file is not a supported picture"),
        ("one.png", "one.png is one picture. Open its folder"),
        ("b.doc", "b.doc is not of a supported kind. Open a folder, a zip"),
        ("two", "holds 2 archives. Open one of them, such as a.zip"),
        ("pipe", "pipe is neither a folder nor a file. Open a folder"),
        ("nowhere", "nowhere does not exist. Correct the path of the pictures"),
        ("two/a.zip", "a.zip is not a zip, or damaged"),
    ):
        with pytest.raises(ValueError, match=message):
            open_images(tmp_path / name)


def test_one_bad_file_stops_nothing(tmp_path: Path) -> None:
    whole = saved(picture(0, (60, 60)))
    folder_of(tmp_path, {"a.png": 1, "b.png": 2, "c.png": 3, "d.png": 4, "cut.png": whole[: len(whole) // 2]})
    found = open_images(tmp_path)
    assert len(found) == 5  # the damage of pixels shows when they are decoded
    prepared = prepare(propose(found))
    assert [each.name for each in prepared.refused] == ["cut.png"] and len(prepared) == 4
    assert "truncated" in prepared.refused[0].reason


def test_links(tmp_path: Path) -> None:
    outside = folder_of(tmp_path / "out", {"a.png": 1})
    root = folder_of(tmp_path / "in", {"b.png": 2, "sub/c.png": 3})
    (root / "away.png").symlink_to(outside / "a.png")
    (root / "folder").symlink_to(root / "sub")
    (root / "loop").symlink_to(root)
    (root / "dead.png").symlink_to(root / "gone.png")
    (root / "inside.png").symlink_to(root / "sub" / "c.png")
    os.mkfifo(root / "pipe.png")
    found = reasons(root)
    assert found["away.png"] == "It lies outside the folder. Copy it into the folder."
    assert "points to nothing" in found["dead.png"] and found["pipe.png"] == "It is not a file."
    assert "not followed" in found["folder"] and "not followed" in found["loop"]
    assert {item.key for item in open_images(root).items} == {"b.png", "sub/c.png", "inside.png"}


def test_no_bytes_do_anything_but_give_pictures_or_a_message(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    np.save(tmp_path / "a.npy", np.stack([np.asarray(picture(n)) for n in range(3)]))
    with tarfile.open(tmp_path / "b.tar", "w") as archive:
        archive.add(tmp_path / "a.npy", "not a picture.png")
        archive.add(folder_of(tmp_path / "in", {"c.png": 1}) / "c.png", "c.png")
    zip_of(tmp_path / "c.zip", {"1.png": 1, "metadata.csv": "file_name,x\n1.png,2\n"})
    good = [path.read_bytes() for path in sorted(tmp_path.glob("?.*"))]
    for turn in range(240):
        data = bytearray(good[turn % 3])
        for place in rng.integers(0, min(len(data), 1500), 4):
            data[place] = int(rng.integers(256))
        path = tmp_path / ("x.npy", "x.tar", "x.zip")[turn % 3]
        path.write_bytes(data)
        try:
            prepare(propose(open_images(path)))
        except ValueError as error:
            assert str(error).rstrip("…").endswith((".", "more")), str(error)


def test_what_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = folder_of(tmp_path, {"a.png": 1, "b.png": 2, "closed/c.png": 3})
    scandir = os.scandir

    def closed(path: Any) -> Any:
        if str(path).endswith("closed"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr("os.scandir", closed)
    assert reasons(root) == {
        "closed": "The folder cannot be read: permission denied. Change its permissions."
    }


def test_zips_that_are_traps(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link.png")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("ok.png", saved(picture(1)))
        archive.writestr("../up.png", saved(picture(2)))
        archive.writestr("/root.png", saved(picture(3)))
        archive.writestr("C:/windows.png", saved(picture(3)))
        archive.writestr(link, "/etc/passwd")
    assert set(reasons(tmp_path / "a.zip")) == {"../up.png", "/root.png", "C:/windows.png", "link.png"}
    data = bytearray(zip_of(tmp_path / "b.zip", {"a.png": saved(picture(1))}).read_bytes())
    place = data.rindex(b"PK\x01\x02")
    data[place + 24 : place + 28] = struct.pack("<I", 3 << 30)  # it says that it unpacks to 3 GiB
    (tmp_path / "b.zip").write_bytes(data)
    with pytest.raises(ValueError, match=r"would unpack to 3,221,225,472, more than 100 times as much"):
        open_images(tmp_path / "b.zip")


def test_a_large_file_in_a_zip_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.data.own.sources.FILE_AT_MOST", 1 << 20)
    zip_of(tmp_path / "a.zip", {"ok.png": 1, "big.png": bytes((1 << 20) + 1)})
    assert "more than 256 MiB" in reasons(tmp_path / "a.zip")["big.png"]


def test_archives_that_unpack_to_more_than_they_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.data.own.unpacking.LARGE", 10_000)
    monkeypatch.setattr("models.data.own.unpacking.EXPANSION_AT_MOST", 2)
    import gzip

    (tmp_path / "a.tar.gz").write_bytes(gzip.compress(bytes(1 << 20)))
    with pytest.raises(ValueError, match=r"a.tar.gz is damaged: it unpacks to more than"):
        open_images(tmp_path / "a.tar.gz")
    (tmp_path / "b.tgz").write_bytes(b"\x1f\x8b garbage")
    with pytest.raises(ValueError, match=r"b.tgz is damaged"):
        open_images(tmp_path / "b.tgz")


def test_a_tar_with_links_and_one_cut_short(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for n in range(3):
            data = saved(picture(n, (50, 50)))
            about = tarfile.TarInfo(f"{n}.png")
            about.size = len(data)
            archive.addfile(about, io.BytesIO(data))
        link = tarfile.TarInfo("link.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    assert set(reasons(tmp_path / "a.tar")) == {"link.png"}
    whole = (tmp_path / "a.tar").read_bytes()
    (tmp_path / "b.tar").write_bytes(whole[: whole.rindex(b"2.png") + 700])
    found = open_images(tmp_path / "b.tar")
    assert len(found) == 2 and found.refused


def test_arrays_that_are_no_pictures(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros((4, 3)), y=np.arange(4))
    with pytest.raises(
        ValueError, match=r"No array of pictures found.*Got: x float64 \(4, 3\), y int64 \(4,\)"
    ):
        open_images(tmp_path / "a.npz")
    np.save(tmp_path / "b.npy", np.array([{"a": 1}]), allow_pickle=True)
    with pytest.raises(ValueError, match=r"holds Python objects, which could run code"):
        open_images(tmp_path / "b.npy")
    np.save(tmp_path / "c.npy", np.full((3, 8, 8), 700.5))
    with pytest.raises(ValueError, match=r"must lie in 0..255, \[0, 1\] or \[-1, 1\]. Got 700.5..700.5"):
        open_images(tmp_path / "c.npy")
    (tmp_path / "d.npy").write_bytes(pickle.dumps([1]))
    with pytest.raises(ValueError, match=r"d.npy is not an .npy file|could run code"):
        open_images(tmp_path / "d.npy")
    odd = np.random.default_rng(0).random((4, 8, 8))
    odd[1, 0, 0], odd[2, 0, 0] = np.nan, np.inf
    np.save(tmp_path / "e.npy", odd)
    found = open_images(tmp_path / "e.npy")
    assert [each.name for each in found.refused] == ["1", "2"] and len(found) == 2
    assert "NaN or infinite" in found.refused[0].reason


def test_parquet_without_pictures(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [1, 2]}), tmp_path / "a.parquet")
    with pytest.raises(
        ValueError, match=r"has no column of pictures: binary, or a struct with `bytes`. It has: a"
    ):
        open_images(tmp_path / "a.parquet")
    (tmp_path / "b.parquet").write_bytes(b"PAR1 and no more PAR1")
    with pytest.raises(ValueError, match=r"b.parquet is not a Parquet file, or damaged"):
        open_images(tmp_path / "b.parquet")
    rows = [{"bytes": saved(picture(1)), "path": None}, {"bytes": None, "path": "../../etc/passwd"}, None]
    pq.write_table(pa.table({"image": rows}), tmp_path / "c.parquet")
    assert set(reasons(tmp_path / "c.parquet").values()) == {
        "It lies outside the folder. Copy it into the folder.",
        "The row has no picture.",
    }


def test_tables_that_do_not_fit(tmp_path: Path) -> None:
    root = folder_of(tmp_path / "in", {"a.png": 1, "b.png": 2})
    tables = folder_of(
        tmp_path,
        {
            "none.csv": "what,who\nx.png,cat\n",
            "empty.csv": "",
            "bad.jsonl": "{",
            "twice.csv": "f,c\na.png,1\na.png,2\nb.png,3\nz.png,4\n",
            "half.csv": "f,c\na.png,1\n",
        },
    )
    for name, message in (
        (
            "none.csv",
            r"none.csv matches no picture: no column holds names such as a.png. .* what \(x.png\), who \(cat\)",
        ),
        ("empty.csv", r"empty.csv has no rows"),
        ("bad.jsonl", r"bad.jsonl cannot be read as a table: Line 1 must be JSON"),
        ("missing.csv", r"missing.csv does not exist. Correct the path of the labels"),
    ):
        with pytest.raises(ValueError, match=message):
            open_images(root, tables / name)
    twice = open_images(root, tables / "twice.csv")
    assert twice.cells["c"] == ["1", "3"]
    assert any("different rows for one file (1, such as a.png): the first" in note for note in twice.notes)
    assert any("1 rows of twice.csv belong to no picture" in note for note in twice.notes)
    assert open_images(root, tables / "half.csv").cells["c"] == ["1", None]


def test_pictures_that_nothing_can_be_learnt_from(tmp_path: Path) -> None:
    one = prepare(propose(open_images(folder_of(tmp_path / "one", {"a.png": 1}))))
    assert one.splits == {"train": 1, "validation": 0, "test": 0}
    with pytest.raises(ValueError, match=r"needs at least 4 images. .*one has 1. Add some"):
        one.check_learnable()
    with pytest.raises(ValueError, match=r"has no test images: 1 in total"):
        one.load("test")
    equal = prepare(propose(open_images(folder_of(tmp_path / "equal", {f"{n}.png": 7 for n in range(9)}))))
    with pytest.raises(ValueError, match=r"All 9 images of .*equal are equal, so there is nothing to learn"):
        equal.check_learnable()


def test_a_full_disk(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    preparation = propose(open_images(folder_of(tmp_path, {f"{n}.png": n for n in range(5)})))

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.posix_fallocate", full)
        with pytest.raises(
            StorageError, match=r"decoded pictures need .* MB, .* the disk is full. Free some space"
        ):
            prepare(preparation)
    with monkeypatch.context() as patch:
        patch.setattr("models.data.own.unpacking.SPARE", 1 << 60)
        with pytest.raises(
            StorageError, match=r"The decoded pictures need .* left. Free some space, choose a smaller"
        ):
            prepare(preparation)
    assert not [path for path in cache.rglob("*") if path.name in ("images.npy", "about.json")]
    assert len(prepare(preparation)) == 5


def test_a_cache_folder_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    preparation = propose(open_images(folder_of(tmp_path, {"a.png": 1, "b.png": 2})))
    monkeypatch.setenv("LATENT_CACHE_DIR", str(folder_of(tmp_path, {"file": "x"}) / "file"))
    with pytest.raises(StorageError, match=r"cache folder .* cannot be written.*Set LATENT_CACHE_DIR"):
        prepare(preparation)
