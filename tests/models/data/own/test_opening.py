"""Tests of opening images: every form that people have gives the same pictures with the same labels."""

from __future__ import annotations

import gzip
import io
import json
import os
import shutil
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from models.data import load_data, open_images
from models.data.own import FoundImages, Preparation, propose
from models.data.own.cache import prepared_folder
from models.data.own.opening import common_folder
from tests.models.data import NEEDS_DATA
from tests.models.data.own import folder_of, picture, saved, zip_of

KINDS = ("cat", "dog", "cat", "dog", "cat", "dog")
DATA = Path(os.environ.get("LATENT_DATA_DIR", ""))
CASES = DATA.parent / "cases" / "folders"


def labels(found: FoundImages, title: str = "class") -> dict[str, Any]:
    """The cells of a column, by the last part of the items' names."""
    slug = next(slug for slug, column in found.columns.items() if column.title.lower() == title)
    names = [item.key.rpartition("/")[2].partition(".")[0] for item in found.items]
    return dict(zip(names, found.cells[slug], strict=True))


def wanted() -> dict[str, str]:
    return {str(n): kind for n, kind in enumerate(KINDS)}


def class_folders(root: Path) -> Path:
    return folder_of(root, {f"{kind}/{n}.PNG": n for n, kind in enumerate(KINDS)})


def metadata_csv(root: Path) -> Path:
    rows = "".join(f"{n}.png,{kind}\n" for n, kind in enumerate(KINDS))
    return folder_of(root, {f"{n}.png": n for n in range(6)} | {"metadata.csv": f"file_name,class\n{rows}"})


def metadata_jsonl(root: Path) -> Path:
    rows = "".join(
        json.dumps({"file_name": f"images/{n}.png", "class": kind}) + "\n" for n, kind in enumerate(KINDS)
    )
    return folder_of(root, {f"images/{n}.png": n for n in range(6)} | {"metadata.jsonl": rows})


def metadata_parquet(root: Path) -> Path:
    folder_of(root, {f"{n}.png": n for n in range(6)})
    pq.write_table(
        pa.table({"file_name": [f"{n}.png" for n in range(6)], "class": KINDS}), root / "metadata.parquet"
    )
    return root


def windows_csv(root: Path) -> Path:
    """Semicolons, a byte order mark, backslashes, other capitals, a column of any name."""
    rows = "".join(f"C:\\data\\{n}.Png;{kind};1,5\r\n" for n, kind in enumerate(KINDS))
    text = b"\xef\xbb\xbf" + f"Bild;class;Gewicht\r\n{rows}".encode()
    return folder_of(root, {f"{n}.png": n for n in range(6)} | {"beschriftung.csv": text})


def zipped(root: Path) -> Path:
    files = {f"pets/{kind}/{n}.png": n for n, kind in enumerate(KINDS)}
    return zip_of(root / "pets.zip", files | {"__MACOSX/pets/._0.png": b"x", "pets/.DS_Store": b"x"})


def hugging_face(root: Path) -> Path:
    """Parquet with {bytes, path}, and classes as numbers whose names stand in the metadata."""
    schema = pa.schema(
        [("image", pa.struct([("bytes", pa.binary()), ("path", pa.string())])), ("class", pa.int64())],
        metadata={
            "huggingface": json.dumps(
                {"info": {"features": {"class": {"names": ["cat", "dog"], "_type": "ClassLabel"}}}}
            )
        },
    )
    rows = [{"bytes": saved(picture(n)), "path": f"{n}.png"} for n in range(6)]
    table = pa.table({"image": rows, "class": [("cat", "dog").index(kind) for kind in KINDS]}, schema=schema)
    pq.write_table(table, root / "train-00000-of-00001.parquet", row_group_size=4)
    return root / "train-00000-of-00001.parquet"


def plain_bytes(root: Path) -> Path:
    table = pa.table(
        {"class": KINDS, "content": pa.array([saved(picture(n)) for n in range(6)], pa.binary())}
    )
    pq.write_table(table, root / "a.parquet")
    return root


def webdataset(root: Path) -> Path:
    with tarfile.open(root / "pets-000.tar", "w") as archive:
        for n, kind in enumerate(KINDS):
            for name, data in ((f"{n}.png", saved(picture(n))), (f"{n}.cls", kind.encode())):
                about = tarfile.TarInfo(name)
                about.size = len(data)
                archive.addfile(about, io.BytesIO(data))
    return root / "pets-000.tar"


def webdataset_gz(root: Path) -> Path:
    path = root / "pets.tar.gz"
    path.write_bytes(gzip.compress(webdataset(root).read_bytes()))
    return path


def npz(root: Path) -> Path:
    images = np.stack([np.asarray(picture(n)) for n in range(6)])
    kinds = np.array([("cat", "dog").index(kind) for kind in KINDS])
    np.savez_compressed(
        root / "a.npz", images=images, **{"class": kinds, "class_names": np.array(["cat", "dog"])}
    )
    return root / "a.npz"


def npz_in_a_zip(root: Path) -> Path:
    npz(root)
    with zipfile.ZipFile(root / "b.zip", "w") as archive:
        archive.write(root / "a.npz", "deep/a.npz")
    return root / "b.zip"


FORMS: list[tuple[Callable[[Path], Path], str]] = [
    (class_folders, "folder"),
    (metadata_csv, "folder"),
    (metadata_jsonl, "folder"),
    (metadata_parquet, "folder"),
    (windows_csv, "folder"),
    (zipped, "zip"),
    (hugging_face, "parquet"),
    (plain_bytes, "parquet"),
    (webdataset, "webdataset"),
    (webdataset_gz, "webdataset"),
    (npz, "array"),
    (npz_in_a_zip, "array"),
]


@pytest.mark.parametrize(("make", "form"), FORMS, ids=[make.__name__ for make, _ in FORMS])
def test_every_form_gives_the_same_pictures_and_classes(
    make: Callable[[Path], Path], form: str, tmp_path: Path
) -> None:
    found = open_images(make(tmp_path))
    assert (found.form, len(found), found.splits, found.refused) == (form, 6, {}, [])
    assert labels(found) == wanted()
    column = found.columns["class"]
    assert column.title.lower() == "class" and (column.kind, column.labels, column.counts) == (
        "binary",
        ("cat", "dog"),
        (3, 3),
    )
    for row, item in enumerate(found.items):
        number = int(item.key.rpartition("/")[2].partition(".")[0])
        assert item.size == (12, 12) and item.mode == "RGB"
        np.testing.assert_array_equal(found.read(row), np.asarray(picture(number)))


def test_several_paths_are_one_source_that_is_found_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LATENT_CACHE_DIR", str(tmp_path / "cache"))
    root = folder_of(tmp_path / "in", {f"{n // 2}/{n}.png": n for n in range(8)} | {"loose.png": 8})
    shutil.make_archive(str(root / "more"), "zip", folder_of(tmp_path / "zipped", {"9.png": 9, "10.png": 10}))
    paths = [root / "2", root / "0", root / "loose.png", root / "more.zip", root / "0" / "1.png", root / "2"]
    found = open_images(paths)
    assert (found.source, found.members) == (root, ("0", "2", "loose.png", "more.zip"))
    names = ["0/0.png", "0/1.png", "2/4.png", "2/5.png", "loose.png", "10.png", "9.png"]
    assert [item.key for item in found.items] == names, "each once, the others left out"
    assert found.columns["class"].labels == ("0", "2")
    np.testing.assert_array_equal(found.read(6), np.asarray(picture(9)))
    options = propose(found).as_options()
    preparation = Preparation.from_options(json.loads(json.dumps(options)))
    assert preparation == propose(found)
    assert sorted(load_data("own-images", "train", **options).texts["file"].values)[0] in names
    folder = prepared_folder(preparation)
    assert folder is not None and folder.is_dir()
    (root / "1" / "2.png").unlink()
    assert prepared_folder(preparation) == folder, "that file is none of them"
    (root / "2" / "4.png").unlink()
    assert prepared_folder(preparation) != folder


def test_several_paths_that_are_one() -> None:
    root = Path(__file__).parent
    assert common_folder([root]) == (root, ()) and common_folder([root, root / "conftest.py"]) == (root, ())
    with pytest.raises(ValueError, match=r"nowhere does not exist"):
        common_folder([root, root / "nowhere"])
    with pytest.raises(ValueError, match="`members` must be paths inside"):
        Preparation(str(root), members=("../else",))
    with pytest.raises(ValueError, match=r"at most 1,000 files and folders\. Got 1,001"):
        Preparation(str(root), members=tuple(map(str, range(1001))))


def test_a_table_that_the_user_names(tmp_path: Path) -> None:
    root = folder_of(tmp_path / "in", {f"{n}.png": n for n in range(6)})
    table = folder_of(
        tmp_path, {"a.tsv": "what\timage\n" + "".join(f"{k}\t{n}\n" for n, k in enumerate(KINDS))}
    )
    assert labels(open_images(root, table / "a.tsv"), "what") == wanted()


def test_folders_of_splits_stand_above_classes(tmp_path: Path) -> None:
    files = {
        f"data/{s}/{k}/{n}.png": n
        for n, (s, k) in enumerate(
            [("train", "a"), ("train", "b"), ("val", "a"), ("val", "b"), ("test", "a"), ("test", "b")]
        )
    }
    found = open_images(folder_of(tmp_path, files))
    assert found.splits == {"train": 2, "validation": 2, "test": 2}
    assert labels(found) == {str(n): "ab"[n % 2] for n in range(6)}


def test_celeba_s_lists(tmp_path: Path) -> None:
    names = [f"{n:06}.jpg" for n in range(1, 5)]
    attributes = "4\nSmiling 5_o_Clock_Shadow\n" + "".join(
        f"{n} {(-1) ** i:2}  1\n" for i, n in enumerate(names)
    )
    partition = "".join(f"{name} {part}\n" for name, part in zip(names, (0, 0, 1, 2), strict=True))
    found = open_images(
        folder_of(
            tmp_path,
            {
                **{f"img_align_celeba/{name}": saved(picture(n), "JPEG") for n, name in enumerate(names)},
                "list_attr_celeba.txt": attributes,
                "list_eval_partition.txt": partition,
            },
        )
    )
    assert found.splits == {"train": 2, "validation": 1, "test": 1}
    assert found.cells["smiling"] == ["1", "-1", "1", "-1"] and found.columns["smiling"].kind == "binary"
    assert found.columns["column_5_o_clock_shadow"].title == "5_o_Clock_Shadow"


def test_files_of_one_name_are_labels(tmp_path: Path) -> None:
    files: dict[str, bytes | int | str] = {}
    for n in range(4):
        files |= {
            f"{n}.png": n,
            f"{n}.json": json.dumps({"tags": ["x", "y"][: n % 2 + 1], "猫": n / 2}),
            f"{n}.txt": f"no {n}",
        }
    found = open_images(folder_of(tmp_path, files))
    assert {c.title for c in found.columns.values()} == {"tags", "猫", "caption"}
    assert labels(found, "tags") == {"0": ["x"], "1": ["x", "y"], "2": ["x"], "3": ["x", "y"]}
    assert labels(found, "猫") == {"0": 0.0, "1": 0.5, "2": 1.0, "3": 1.5}


def test_arrays_of_several_splits_channels_first_in_floats(tmp_path: Path) -> None:
    x = np.random.default_rng(0).random((5, 3, 9, 7)).astype(np.float32)
    np.savez(tmp_path / "a.npz", x_train=x, y_train=np.arange(5), x_test=x[:2], y_test=np.arange(2))
    found = open_images(tmp_path / "a.npz")
    assert found.splits == {"train": 5, "test": 2} and found.items[0].size == (7, 9)
    np.testing.assert_array_equal(found.read(0), np.rint(x[0] * 255).transpose(1, 2, 0))
    assert labels(found, "label")["1"] == 1


def test_what_is_odd_about_pictures_is_noted(tmp_path: Path) -> None:
    found = open_images(
        folder_of(
            tmp_path,
            {
                "a.gif": saved(
                    picture(0, mode="L"), "GIF", save_all=True, append_images=[picture(1, mode="L")]
                ),
                "b.jpg": saved(picture(2, mode="CMYK"), "JPEG"),
                "c.png": saved(picture(3, mode="RGBA")),
                "d.png": saved(picture(4, mode="LA")),
                "e.png": 5,
                "f.heic": b"x",
                "g.txt": "nothing",
                "h.png": b"no picture",
                "i.png": b"",
            },
        )
    )
    assert len(found) == 5 and found.transparent == 2 and not found.grey
    assert sorted(each.name for each in found.refused) == ["f.heic", "h.png", "i.png"]
    assert any("first frame is used: 1 picture" in note for note in found.notes)
    assert any("CMYK" in note for note in found.notes)
    assert found.read([item.key for item in found.items].index("a.gif")).shape == (12, 12, 3)


def test_names_that_are_not_printable_or_occur_twice(tmp_path: Path) -> None:
    folder_of(tmp_path, {"a\nb.png": 1, os.fsdecode(b"c\xff.png"): 2, "猫.png": 3})
    found = open_images(tmp_path)
    assert {item.key for item in found.items} == {"a\\nb.png", "c\\xff.png", "猫.png"}
    with (
        pytest.warns(UserWarning, match="Duplicate name"),
        zipfile.ZipFile(tmp_path / "z.zip", "w") as archive,
    ):
        for n in range(2):
            archive.writestr("a.png", saved(picture(n)))
    assert [item.key for item in open_images(tmp_path / "z.zip").items] == ["a.png", "a.png (2)"]


@NEEDS_DATA
def test_fruits_in_their_zip() -> None:
    found = open_images(DATA / "fruits-360" / "fruits_4x656_100px.zip")
    assert (len(found), found.splits, found.refused) == (2624, {"train": 1962, "test": 662}, [])
    column = found.columns["class"]
    assert column.kind == "category" and sorted(column.labels) == ["apple", "lemon", "mango", "raspberry"]
    assert column.counts == (656,) * 4 and found.sizes == [((100, 100), 2624)]


@NEEDS_DATA
def test_emoji_with_their_table() -> None:
    root = DATA / "noto-emoji"
    found = open_images(root / "noto_emoji_128px_png.zip", root / "labels.csv")
    kinds = {slug: column.kind for slug, column in found.columns.items()}
    assert len(found) == 3583 and found.transparent == 3583
    assert {kinds[slug] for slug in ("group", "skin_tone", "gender", "hair")} == {"category"}
    assert (kinds["char"], kinds["unicode_name"]) == ("id", "caption")
    assert found.columns["hair"].missing == 3507


@pytest.mark.skipif(not CASES.is_dir(), reason="the folders of public bug reports are not at hand")
@pytest.mark.parametrize(
    ("name", "count", "refused"), [("mac", 2, 0), ("hidden_dir", 1, 0), ("odd_tree", 1, 0), ("one_bad", 9, 0)]
)
def test_folders_of_public_bug_reports(name: str, count: int, refused: int) -> None:
    found = open_images(CASES / name)
    assert (len(found), len(found.refused)) == (count, refused)
