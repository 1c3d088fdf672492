"""Tests of what every data set gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from models.data import Attribute, ImageData, Texts

U8 = np.array([0, 1, 1], np.uint8)
I16 = np.array([0, 2, 1], np.int16)
F32 = np.array([0.5, -1.0, 2.0], np.float32)


def image_data(**changes: Any) -> ImageData:
    fields: dict[str, Any] = {
        "name": "some-set",
        "split": "train",
        "images": np.arange(3 * 2 * 5 * 3, dtype=np.uint8).reshape(3, 2, 5, 3),
        "attributes": {"smile": Attribute("smile", "continuous", F32)},
        "ids": np.array([4, 5, 9]),
        "publishable": True,
        "licence": "CC0",
        "source": "us",
    }
    return ImageData(**(fields | changes))


@pytest.mark.parametrize(
    ("kind", "values", "labels"),
    [
        ("binary", U8, ()),
        ("binary", U8, ("without hat", "with hat")),
        ("categorical", I16, ("t-shirt", "ankle boot", "a_b")),
        ("continuous", F32, ()),
        ("continuous", F32[:0], ()),
        ("categorical", I16, ("C++", "猫", "5 o'clock shadow")),
    ],
)
def test_attribute(kind: Any, values: Any, labels: tuple[str, ...]) -> None:
    attribute = Attribute("head_turn", kind, values, labels)
    assert attribute.title == "Head turn"
    assert len(attribute) == len(values)


@pytest.mark.parametrize(
    ("name", "kind", "values", "labels", "message"),
    [
        ("Smile", "binary", U8, (), "`name` must match"),
        ("smile\n", "binary", U8, (), "`name` must match"),
        ("1st", "binary", U8, (), "`name` must match"),
        ("smile", "ordinal", U8, (), "must be one of: binary, categorical, continuous"),
        ("smile", "binary", U8.astype(int), (), "1-D array of uint8. Got int64"),
        ("a" * 41, "binary", U8, (), "`name` must match"),
        ("smile", "binary", U8 * 2, (), r"lie in 0..1. Got 0..2"),
        ("smile", "binary", U8, ("no",), r"none or \(without, with\)"),
        ("smile", "binary", [0, 1], (), "1-D array of uint8. Got list"),
        ("digit", "categorical", I16, (), "must name its categories"),
        ("digit", "categorical", I16, ("a", "b"), r"lie in 0..1. Got 0..2"),
        ("digit", "categorical", -I16, ("a", "b", "c"), r"lie in 0..2. Got -2..0"),
        ("digit", "categorical", I16, ("a", "b", "a"), "differ from each other"),
        ("digit", "categorical", I16, ("a", "b", "c\n"), r"80 printable characters. Got 'c\\n'"),
        ("digit", "categorical", I16, ("a", "b", " "), "80 printable characters. Got ' '"),
        ("digit", "categorical", I16, ("a", "b", "c" * 81), "80 printable characters"),
        ("digit", "categorical", I16, ["a", "b", "c"], "must be a tuple"),
        ("digit", "categorical", I16[None], ("a", "b", "c"), r"shape \(1, 3\)"),
        ("turn", "continuous", F32.astype(float), (), "1-D array of float32. Got float64"),
        ("turn", "continuous", F32, ("low", "high"), "must be empty"),
        ("turn", "continuous", np.array([0, np.inf], np.float32), (), "must be finite"),
    ],
)
def test_attribute_refuses(name: str, kind: Any, values: Any, labels: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Attribute(name, kind, values, labels)


@pytest.mark.parametrize(
    ("kind", "values", "labels"),
    [
        ("binary", np.array([0, 255, 1], np.uint8), ("off", "on")),
        ("categorical", np.array([1, -1, 0], np.int16), ("a", "b")),
        ("continuous", np.array([-1, np.nan, 2], np.float32), ()),
    ],
)
def test_values_may_be_missing(kind: Any, values: Any, labels: tuple[str, ...]) -> None:
    attribute = Attribute("a", kind, values, labels)
    assert attribute.known.tolist() == [True, False, True]
    assert attribute.has_missing and not attribute.take([0, 2]).has_missing


def test_a_title_is_kept_and_stays_with_the_rows() -> None:
    attribute = Attribute("c_5_o_clock_shadow", "binary", U8, (), "5_o_Clock_Shadow")
    assert attribute.take([0]).title == "5_o_Clock_Shadow"
    with pytest.raises(ValueError, match=r"`title` of 'a' must have 1 to 80 printable characters"):
        Attribute("a", "binary", U8, (), "two\nlines")


def test_texts() -> None:
    texts = Texts("file", "File", ("a.png", "", "猫.png"))
    assert texts.take([2, 0]).values == ("猫.png", "a.png")
    assert Texts("file_name", "", ()).title == "File name"
    with pytest.raises(ValueError, match="must be a tuple of texts"):
        Texts("file", "File", ("a.png", None))  # type: ignore[arg-type]


def test_image_data() -> None:
    data = image_data()
    assert len(data) == 3
    assert data.image_shape == (3, 2, 5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "Some Set"}, "`name` must match"),
        ({"split": "valid"}, "`split` must be one of: train, validation, test. Got 'valid'"),
        ({"images": np.zeros((3, 2, 5, 3))}, "4-D array of uint8. Got float64"),
        ({"images": np.zeros((3, 2, 5), np.uint8)}, r"shape \(3, 2, 5\)"),
        ({"images": np.zeros((3, 2, 5, 5), np.uint8)}, r"\(N, H, W, 1 to 4\)"),
        ({"images": np.zeros((3, 0, 5, 1), np.uint8)}, r"\(N, H, W, 1 to 4\)"),
        ({"images": np.zeros((4, 2, 5, 1), np.uint8)}, "`ids` must have one value per image, 4. Got 3"),
        ({"ids": np.array([1, 2, 3], np.int32)}, "1-D array of int64. Got int32"),
        ({"ids": np.array([1, 2, -3])}, "at least 0. Got -3"),
        ({"attributes": {"grin": Attribute("smile", "binary", U8)}}, "under its name"),
        ({"attributes": {"a": Attribute("a", "binary", U8[:2])}}, "one value per image, 3. Got 2"),
        ({"publishable": "yes"}, "`publishable` must be True or False"),
        (
            {"texts": {"file": Texts("file", "", ("a.png",))}},
            "`texts`: 'file' must have one value per image, 3. Got 1",
        ),
        ({"texts": {"name": Texts("file", "", ("a",) * 3)}}, "`texts` must hold Texts 'name' under its name"),
        ({"licence": " "}, "`licence` must be a text"),
        ({"source": None}, "`source` must be a text"),
    ],
)
def test_image_data_refuses(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        image_data(**changes)


def test_take_keeps_rows_together() -> None:
    data = image_data(texts={"file": Texts("file", "", ("a", "b", "c"))})
    taken = data.take([2, 0, 2])
    assert taken.texts["file"].values == ("c", "a", "c")
    np.testing.assert_array_equal(taken.images, data.images[[2, 0, 2]])
    np.testing.assert_array_equal(taken.ids, [9, 4, 9])
    np.testing.assert_array_equal(taken.attributes["smile"].values, F32[[2, 0, 2]])
    assert (taken.name, taken.split, taken.source) == (data.name, data.split, data.source)
    assert len(data.take([])) == 0


@pytest.mark.parametrize("indices", [[3], [-1], [0.5], [[0]], [True, False, True]])
def test_take_refuses(indices: Any) -> None:
    with pytest.raises(ValueError, match=r"`indices` must"):
        image_data().take(indices)
