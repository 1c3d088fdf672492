"""Tests of encoding image files: arguments are checked first, unreadable files are listed, the others encoded."""

from __future__ import annotations

import os
import shutil
import tarfile
from pathlib import Path

import numpy as np
import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from models import load
from models.__main__ import main
from models.data import load_data
from models.data.tensors import to_tensor
from models.encode import encode_files


def test_files_and_folders_are_encoded_as_the_model_encodes_them(
    tmp_path: Path, tiny_checkpoint: Path
) -> None:
    images = load_data("digits", "test", limit=70).images  # more than one batch
    (tmp_path / "in" / "deep").mkdir(parents=True)
    for n, image in enumerate(images[:-1]):
        Image.fromarray(image[..., 0]).save(tmp_path / "in" / "deep" / f"{n:02}.PNG")
    Image.fromarray(images[-1, ..., 0]).save(tmp_path / "last.bmp")
    (tmp_path / "in" / "notes.txt").write_text("passed over")
    out = tmp_path / "new" / "codes.parquet"
    assert encode_files(tiny_checkpoint, [tmp_path / "in", tmp_path / "last.bmp"], out) == (70, ())
    rows = pq.read_table(out).to_pydict()
    assert [Path(f).name for f in rows["file"]] == [*(f"{n:02}.PNG" for n in range(69)), "last.bmp"]
    with torch.no_grad():
        q = load(tiny_checkpoint).encode(to_tensor(images))
    assert q.std is not None
    np.testing.assert_allclose(np.array(rows["mean"]), q.mean.numpy(), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(np.array(rows["std"]), q.std.numpy(), rtol=1e-4, atol=1e-5)


def test_archives_tables_and_arrays_are_read_as_the_folder_they_were_made_from(
    tmp_path: Path, tiny_checkpoint: Path
) -> None:
    images = load_data("digits", "test", limit=6).images
    folder = tmp_path / "in"
    folder.mkdir()
    for n, image in enumerate(images):
        Image.fromarray(image[..., 0]).save(folder / f"{n}.png")
    shutil.make_archive(str(tmp_path / "images"), "zip", folder)
    np.save(tmp_path / "array.npy", images)
    shards = tmp_path / "shards"
    shards.mkdir()
    for n in range(2):
        with tarfile.open(shards / f"{n}.tar", "w") as tar:
            for file in sorted(folder.iterdir())[3 * n : 3 * n + 3]:
                tar.add(file, file.name)
    wide = np.tile(np.linspace(0, 255, 24, dtype=np.uint8), (8, 1))  # cropped alike, not padded
    (tmp_path / "wide").mkdir()
    Image.fromarray(wide).save(tmp_path / "wide" / "wide.png")
    (tmp_path / "broken.zip").write_bytes(b"PK broken")
    expected = tmp_path / "expected.parquet"
    encode_files(tiny_checkpoint, [folder], expected)
    means = np.array(pq.read_table(expected)["mean"].to_pylist())
    for source in ("images.zip", "array.npy", "shards"):
        out = tmp_path / "out.parquet"
        assert encode_files(tiny_checkpoint, [tmp_path / source], out) == (6, ())
        np.testing.assert_array_equal(np.array(pq.read_table(out)["mean"].to_pylist()), means)
    shutil.make_archive(str(tmp_path / "wide"), "zip", tmp_path / "wide")
    encode_files(tiny_checkpoint, [tmp_path / "wide", tmp_path / "wide.zip"], tmp_path / "out.parquet")
    of_the_file, of_the_zip = pq.read_table(tmp_path / "out.parquet")["mean"].to_pylist()
    assert of_the_file == of_the_zip
    rows, problems = encode_files(tiny_checkpoint, [tmp_path / "broken.zip", folder], tmp_path / "out.csv")
    assert rows == 6 and len(problems) == 1 and "broken.zip" in problems[0]


def picture(path: Path, level: int = 90) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (9, 9), level).save(path)


def names(out: Path) -> list[str]:
    return [Path(file).name for file in pq.read_table(out)["file"].to_pylist()]


def test_bad_files_are_listed_and_the_rest_is_written(
    tmp_path: Path, tiny_checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images, out = tmp_path / "in", tmp_path / "out.parquet"
    for number in range(70):  # more than a batch; the whole second one is bad
        picture(images / f"{number:02}.png") if number < 63 else (images / f"{number:02}.png").write_text("x")
    (images / "99.png").symlink_to("nowhere.png")
    (images / "a.png").mkdir()
    picture(images / "a.png" / "inside.png")
    assert main(["encode", str(tiny_checkpoint), str(images), "--out", str(out)]) == 1
    assert names(out) == [*(f"{number:02}.png" for number in range(63)), "inside.png"]
    told = capsys.readouterr()
    assert "holds 64 encoded images; 8 could not be read" in told.out
    assert (
        f"{images / '69.png'}: The file is not a supported picture" in told.err
        and "99.png: The link points" in told.err
    )


def test_hidden_files_are_ignored(tmp_path: Path, tiny_checkpoint: Path) -> None:
    images = tmp_path / ".lies" / "in"  # the folder that is named may lie in a hidden one
    for name in (
        "a.png",
        "._a.png",
        ".ipynb_checkpoints/b.png",
        "__MACOSX/c.png",
        "deep/d.png",
        "deep/.e/f.png",
    ):
        picture(images / name)
    (images / "Thumbs.db").write_text("x")
    assert encode_files(tiny_checkpoint, [images], tmp_path / "out.parquet") == (2, ())
    assert names(tmp_path / "out.parquet") == ["a.png", "d.png"]
    hidden = images / ".ipynb_checkpoints" / "b.png"  # named by hand, it is meant
    assert encode_files(tiny_checkpoint, [hidden], tmp_path / "out.parquet").rows == 1


def test_a_name_that_is_not_utf_8_is_written_with_its_bytes(
    tmp_path: Path, tiny_checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        picture(Path(os.fsdecode(bytes(tmp_path / "in" / "caf") + b"\xe9.png")))
    except OSError:
        return  # a file system that takes UTF-8 alone has no such names
    (tmp_path / "in" / os.fsdecode(b"bad\xe9.png")).write_text("x")
    out = tmp_path / "out.parquet"
    assert main(["encode", str(tiny_checkpoint), str(tmp_path / "in"), "--out", str(out)]) == 1
    assert names(out) == ["caf\\xe9.png"] and "bad\\xe9.png: The file is no" in capsys.readouterr().err


def test_a_csv_table_has_one_column_per_number(tmp_path: Path, tiny_checkpoint: Path) -> None:
    picture(tmp_path / "a.png")
    picture(tmp_path / "b.png", 200)
    for out in ("out.CSV", "out.parquet"):
        assert encode_files(tiny_checkpoint, [tmp_path / "a.png", tmp_path / "b.png"], tmp_path / out) == (
            2,
            (),
        )
    text, table = pc.read_csv(tmp_path / "out.CSV"), pq.read_table(tmp_path / "out.parquet")
    size = len(table["mean"][0])
    assert text.column_names == ["file", *(f"{k}_{n}" for k in ("mean", "std") for n in range(size))]
    found = np.array([text[f"mean_{n}"].to_pylist() for n in range(size)]).T
    np.testing.assert_allclose(found, np.array(table["mean"].to_pylist()), rtol=1e-6)


def test_the_output_is_checked_before_encoding(
    tmp_path: Path, tiny_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture(tmp_path / "a.png")
    (tmp_path / "folder.csv").mkdir()
    monkeypatch.setattr("models.checkpoint.load", lambda name: pytest.fail("the model was loaded"))
    for out, message in (
        ("out.npz", r"must end in .parquet or .csv. Got .*out.npz"),
        ("out", "must end in .parquet or .csv"),
        ("folder.csv", "is a folder: name a file in it"),
        ("a.png/out.csv", "must be in a writable folder"),
    ):
        with pytest.raises(ValueError, match=f"`--out` {message}|`--out` must.*{message}"):
            encode_files(tiny_checkpoint, [tmp_path / "a.png"], tmp_path / out)
    with pytest.raises(ValueError, match=r"no.png, .*nor.png do not exist"):
        encode_files(
            tiny_checkpoint,
            [tmp_path / "no.png", tmp_path / "a.png", tmp_path / "nor.png"],
            tmp_path / "o.csv",
        )


def test_at_least_one_image_must_be_readable(tmp_path: Path, tiny_checkpoint: Path) -> None:
    out = tmp_path / "out.parquet"
    out.write_text("old")
    with pytest.raises(ValueError, match=r"No picture found in .*Use .png, .jpg"):
        encode_files(tiny_checkpoint, [tmp_path], out)
    (tmp_path / "bad.png").write_text("x")
    with pytest.raises(
        ValueError, match=r"No image can be read. .*bad.png: The file is not a supported picture"
    ):
        encode_files(tiny_checkpoint, [tmp_path / "bad.png"], out)
    assert out.read_text() == "old"
