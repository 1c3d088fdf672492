"""Tests of tables, cells and columns: what people write is read as what it is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from models.data.own.columns import attributes_of, describe, is_group, slug_of, texts_of
from models.data.own.records import Cell
from models.data.own.tables import read_table
from models.data.own.values import as_dates, as_numbers


def kind_of(cells: list[Cell], title: str = "x", comma: bool = False) -> str:
    return describe(title, "x", cells, comma).kind


@pytest.mark.parametrize(
    ("data", "name", "columns"),
    [
        (
            b"\xef\xbb\xbfa;b\r\n1,5;\xe7\x8c\xab\r\n;C++\r\n",
            "x.csv",
            {"a": ["1,5", None], "b": ["猫", "C++"]},
        ),
        (b'a,b\n"x, y\nz",NaN\n', "x.csv", {"a": ["x, y\nz"], "b": [None]}),
        ("a\tb\n1\tü\n".encode("utf-16"), "x.tsv", {"a": ["1"], "b": ["ü"]}),
        (b"a|b\n1|\xe4\n", "x.txt", {"a": ["1"], "b": ["ä"]}),
        (b"a.png,cat\nb.png,dog\n", "x.csv", {"column 1": ["a.png", "b.png"], "column 2": ["cat", "dog"]}),
        (b"a,a,\n1,2,3\n", "x.csv", {"a": ["1"], "a 2": ["2"], "column 3": ["3"]}),
        (b"a,b\n1\n2,3,4\n", "x.csv", {"a": ["1", "2"], "b": [None, "3"]}),
        (b"a\n1\n2\n", "x.csv", {"a": ["1", "2"]}),
        (
            b"2\nMale Young\n1.jpg -1  1\n2.jpg  1 -1\n",
            "list.txt",
            {"file": ["1.jpg", "2.jpg"], "Male": ["-1", "1"], "Young": ["1", "-1"]},
        ),
        (
            '{"a": "x\u2028y", "b": [1, "z"]}\n\n{"a": NaN, "c": {"d": 1}}\n'.encode(),
            "x.jsonl",
            {"a": ["x\u2028y", None], "b": [["1", "z"], None], "c": [None, None]},
        ),
        (b'[{"a": true}, {"a": false}]', "x.json", {"a": [True, False]}),
    ],
)
def test_tables(data: bytes, name: str, columns: dict[str, Any]) -> None:
    assert read_table(data, name).columns == columns


def test_tables_that_are_too_much() -> None:
    with pytest.raises(ValueError, match=r"x.csv has 1,001 columns, at most 1000 are read"):
        read_table(",".join("a" * 1).encode() + b"," * 1000 + b"\n" + b"1," * 1000 + b"1\n", "x.csv")
    with pytest.raises(ValueError, match=r"x.csv cannot be read as a table: field larger than field limit"):
        read_table(b"a,b\n" + b"x" * (1 << 21) + b",1\n", "x.csv")


@pytest.mark.parametrize(
    ("cells", "comma", "values"),
    [
        (["3.5", "-1e-3", "+.5", "45 %"], False, [3.5, -0.001, 0.5, 45]),
        (["3,5", "1.234,5", "7"], False, [3.5, 1234.5, 7]),
        (["1,234", "12,345.5"], False, [1234, 12345.5]),
        (["1,234", "2"], True, [1.234, 2]),
        ([True, 2, 2.5, None], False, [1, 2, 2.5, np.nan]),
        (["inf", "-Infinity", "1e999", "nan?", "1_0", "٣x"], False, [np.nan] * 6),
    ],
)
def test_numbers(cells: list[Cell], comma: bool, values: list[float]) -> None:
    np.testing.assert_allclose(as_numbers(cells, comma).values, values)


def test_numbers_that_are_not_finite_are_counted() -> None:
    _, unread, infinite = as_numbers(["1", "inf", 1e300, "many"])
    assert unread.tolist() == [False, False, False, True] and infinite.tolist() == [False, True, True, False]
    column = describe("x", "x", ["1.5", "inf", *(str(n / 7) for n in range(18))], False)
    assert column.kind == "number" and "1 values are not finite numbers and count as missing" in column.why


@pytest.mark.parametrize(
    ("cells", "years"),
    [
        (["2024-01-01", "2024-07-01T12:00:00Z"], [2024, 2024 + 182.5 / 366]),
        (["31.12.2023", "01.01.2023"], [2023 + 364 / 365, 2023]),
        (["12/31/2023", "01/02/2023"], [2023 + 364 / 365, 2023 + 1 / 365]),
        (["31/12/2023", "02/01/2023"], [2023 + 364 / 365, 2023 + 1 / 365]),
        (["2023:01:01 00:00:00", "2024:01:01 00:00:00"], [2023, 2024]),
    ],
)
def test_dates(cells: list[Cell], years: list[float]) -> None:
    np.testing.assert_allclose(as_dates(cells), years, atol=1e-3)
    assert kind_of(cells * 3) in ("date", "binary")


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["a", "b"] * 5, "binary"),
        (["-1", "1"] * 5, "binary"),
        ([True, False, None, True, True], "binary"),
        (["a", "b", "c"] * 5, "category"),
        ([n % 10 for n in range(100)], "category"),
        ([str(n % 40) for n in range(100)], "number"),
        ([n / 7 for n in range(100)], "number"),
        ([float(n * n % 97) for n in range(100)], "number"),
        (list(range(100)), "id"),
        ([f"{n:04}" for n in range(100)], "id"),
        ([f"img_{n}" for n in range(100)], "id"),
        ([f"a picture of number {n}" for n in range(100)], "caption"),
        (["x|y", "y|z", "x", "z|x|y", "y"] * 4, "classes"),
        ([["x"], ["x", "y"], None], "classes"),
        (["2024-01-05", "2023-02-01", "2022-03-04", "2024-01-06"], "date"),
        (["same"] * 9, "ignore"),
        ([None] * 9, "ignore"),
    ],
)
def test_kinds_are_inferred(cells: list[Cell], kind: str) -> None:
    assert kind_of(cells) == kind


def test_a_column_of_ten_thousand_labels_is_shown_and_searched() -> None:
    cells: list[Cell] = [f"label {n % 10_000}" for n in range(20_000)]
    column = describe("breed", "breed", cells, False)
    assert column.kind == "id" and "10,000 different values, more than 300 labels" in column.why
    assert "category" not in column.kinds and not attributes_of(column, cells, False)
    with pytest.raises(ValueError, match=r"'breed' can be one of: id, caption, ignore. Got 'category'"):
        describe("breed", "breed", cells, False, "category")
    texts = texts_of(column, cells)
    assert texts is not None and texts.values[:2] == ("label 0", "label 1")


def test_attributes_and_their_missing_values() -> None:
    cells: list[Cell] = ["C++", None, "猫", "C++", "x" * 100, "x" * 101]
    (category,) = attributes_of(describe("Sprache", "sprache", cells, False, "category"), cells, False)
    assert category.labels == ("C++", "x" * 79 + "…", "x" * 72 + " (2)", "猫") and category.title == "Sprache"
    assert category.values.tolist() == [0, -1, 3, 0, 1, 2]
    numbers: list[Cell] = ["1,5", None, "inf", "2"]
    (number,) = attributes_of(describe("n", "n", numbers, True, "number"), numbers, True)
    np.testing.assert_array_equal(number.values, np.array([1.5, np.nan, np.nan, 2], np.float32))
    flags: list[Cell] = ["1", "-1", None, "1", "1"]
    (flag,) = attributes_of(describe("f", "f", flags, False), flags, False)
    assert (flag.kind, flag.values.tolist(), flag.labels) == ("binary", [1, 0, 255, 1, 1], ())
    (sex,) = attributes_of(describe("s", "s", ["m", "f"] * 3, False), ["m", "f"] * 3, False)
    assert sex.labels == ("f", "m") and sex.values.tolist() == [1, 0] * 3


def test_several_labels_a_row_become_binary_attributes() -> None:
    cells: list[Cell] = [["a", "b"], ["b"], None, ["c", "b"], []]
    found = attributes_of(describe("tags", "tags", cells, False), cells, False)
    assert {a.title: a.values.tolist() for a in found} == {
        "tags: b": [1, 1, 255, 1, 0],
        "tags: a": [1, 0, 255, 0, 0],
        "tags: c": [0, 0, 255, 1, 0],
    }
    assert len({a.name for a in found}) == 3


def test_a_chart_has_a_bar_for_each_label_or_bin() -> None:
    category = describe("x", "x", ["b", "a", "b", None] * 3, False, "category")
    assert (category.labels, category.counts, category.missing) == (("b", "a"), (6, 3), 3)
    number = describe("x", "x", [n / 3 for n in range(50)], False)
    assert sum(number.counts) == 50 and len(number.edges) == len(number.counts) + 1


def test_slugs_match_what_an_attribute_s_name_must() -> None:
    taken: set[str] = set()
    for title in (
        "5_o_Clock_Shadow",
        "猫",
        "犬",
        "C++",
        "id",
        "Größe (cm)",
        "a" * 99,
        "a" * 98,
        "umap_x",
        "split",
        "__",
    ):
        slug = slug_of(title, taken)
        assert slug not in taken and len(slug) <= 40 and slug[0].isalpha() and slug.isascii()
        taken.add(slug)
    assert {
        "column_5_o_clock_shadow",
        "column",
        "column_2",
        "c",
        "id_label",
        "groe_cm",
        "split_label",
    } <= taken


def test_groups_are_many_and_named_like_ones() -> None:
    patients: list[Cell] = [f"p{n // 4}" for n in range(80)]
    assert is_group(describe("Patient ID", "patient_id", patients, False), 80)
    assert not is_group(describe("breed", "breed", patients, False), 80)
    assert not is_group(describe("group", "group", [f"g{n % 4}" for n in range(80)], False), 80)
    assert is_group(describe("Family ID", "family_id", patients, False), 80)
    assert not is_group(describe("family", "family", patients, False), 80), "of plants, say"
