"""Tests of attributes with missing values, and of labels in any script, in all maths on attributes."""

from __future__ import annotations

import re

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from explorer.latent.attribute_values import extent, known_values, quantiles, value_names, value_text
from explorer.latent.directions.balance import covariates
from explorer.latent.directions.leakage import targets
from explorer.latent.directions.mean_difference import attribute_directions, label_slugs, sides_of
from explorer.latent.item_names import ItemNames
from explorer.latent.statistics.selection import example, matching, search, telling
from explorer.latent.statistics.similarity import label_agreement
from explorer.latent.text_search import TextSearch
from models.data import Attribute

COUNT = 60
ROWS = np.arange(COUNT)
KNOWN = ROWS % 3 > 0  # a third is missing
KINDS = ("猫", "C++", "C#", "Ünlü")
ATTRIBUTES = {
    "kind": Attribute(
        "kind", "categorical", np.where(KNOWN, ROWS % 4, -1).astype(np.int16), KINDS, "Art & Größe"
    ),
    "ripe": Attribute("ripe", "binary", np.where(KNOWN, ROWS % 2, 255).astype(np.uint8)),
    "mass": Attribute("mass", "continuous", np.where(KNOWN, ROWS, np.nan).astype(np.float32)),
    "empty": Attribute("empty", "continuous", np.full(COUNT, np.nan, np.float32)),
}
TEXTS = [
    tuple(f"Ordner/IMG_{row:04}.JPG" for row in ROWS),
    tuple("ein  Apfel" if row < 3 else "" for row in ROWS),
]
NAMES = ItemNames(["test"] * COUNT, ROWS)
Z = np.random.default_rng(0).normal(size=(COUNT, 3)).astype(np.float32)


def test_a_missing_value_has_no_text_and_no_share_in_a_range() -> None:
    assert [value_text(ATTRIBUTES["kind"], row) for row in (0, 1, 4)] == ["", "C++", "猫"]
    assert [value_text(ATTRIBUTES["ripe"], row) for row in (0, 1, 2)] == ["", "yes", "no"]
    assert [value_text(ATTRIBUTES["mass"], row) for row in (0, 7)] == ["", "7.00"]
    assert value_names(ATTRIBUTES["ripe"]) == ["no", "yes"] and value_names(ATTRIBUTES["kind"]) == [*KINDS]
    assert extent(ATTRIBUTES["mass"]) == (1.0, 59.0) and extent(ATTRIBUTES["empty"]) == (0.0, 0.0)
    assert quantiles(ATTRIBUTES["mass"], 0.5) == [float(np.median(ROWS[KNOWN]))]
    assert len(known_values(ATTRIBUTES["ripe"])) == KNOWN.sum()


def test_directions_use_only_images_whose_value_is_known() -> None:
    found = attribute_directions(Z, ATTRIBUTES)
    cat = (ROWS % 4 == 0) & KNOWN
    expected = Z[cat].mean(0) - Z[KNOWN & ~cat].mean(0)
    np.testing.assert_allclose(found[f"kind-{label_slugs(KINDS)[0]}"].vector, expected, rtol=1e-5, atol=1e-6)
    assert "ripe" in found and "mass" in found and "empty" not in found, "nothing is known of it"
    assert found["ripe"].count_with + found["ripe"].count_without == KNOWN.sum()
    high, low = next((a, b) for _, _, a, b in sides_of("mass", ATTRIBUTES["mass"]))
    assert not (high | low)[~KNOWN].any() and high.sum() > 10
    assert set(found) - {"ripe", "mass"} <= set(targets(ATTRIBUTES)), "each label's direction has its target"


@given(st.lists(st.text(min_size=1, max_size=80), unique=True, max_size=12))
def test_labels_of_any_script_have_different_short_slugs(labels: list[str]) -> None:
    found = label_slugs(labels)
    assert len(set(found)) == len(labels)
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug) and len(slug) <= 30 for slug in found), found


def test_slugs_do_not_change_with_other_labels_and_plain_ones_stay_as_they_were() -> None:
    assert label_slugs(["dark blond", "T-shirt", "7", "Äpfel"]) == ["dark-blond", "t-shirt", "7", "apfel"]
    assert label_slugs(["猫", "犬"])[1] == label_slugs(["犬", "猫"])[0]
    assert label_slugs(["C", "C++", "C#"])[0] == "c"


def test_missing_values_are_balanced_as_a_column_of_their_own() -> None:
    table = covariates(ATTRIBUTES, ["kind"])
    assert np.isfinite(table).all() and table.shape == (COUNT, 5)
    np.testing.assert_allclose(table.mean(0), 0, atol=1e-9)


def test_a_condition_leaves_out_images_whose_value_is_missing() -> None:
    for conditions in ({"kind": [*KINDS]}, {"mass": (0, 60)}):
        assert (matching(ATTRIBUTES, conditions, COUNT) == KNOWN).all()
    both = matching(ATTRIBUTES, {"ripe": True}, COUNT) | matching(ATTRIBUTES, {"ripe": False}, COUNT)
    assert (both == KNOWN).all()


def test_a_search_finds_labels_of_any_script_file_names_and_captions() -> None:
    def found(text: str) -> list[int]:
        return search(text, ATTRIBUTES, NAMES, {}, None, [TextSearch(texts) for texts in TEXTS])

    assert found("猫") == np.flatnonzero((ROWS % 4 == 0) & KNOWN).tolist()
    assert found("img_0012.jpg") == [12] and found("ordner") == ROWS.tolist()
    assert found("EIN APFEL") == [0, 1, 2] and found("apfel ripe") == [1]
    third = float(np.quantile(ROWS[KNOWN], 2 / 3))
    assert found("mass") == np.flatnonzero(KNOWN & (third <= ROWS)).tolist()
    assert search(
        "40", ATTRIBUTES, NAMES, {}, None, [TextSearch(["40" if row == 5 else "" for row in ROWS])]
    ) == [5]
    text = example(ATTRIBUTES, NAMES, COUNT)
    assert found(text)


def test_differences_use_only_known_values() -> None:
    chosen = np.flatnonzero(ROWS % 4 == 0)
    first = telling(ATTRIBUTES, chosen.tolist(), COUNT)[0]
    assert (first.title, first.inside, first.outside) == ("Art & Größe: 猫", 1.0, 0.0)
    assert telling({"empty": ATTRIBUTES["empty"]}, [1, 2], COUNT) == []


def test_agreement_of_labels_counts_known_pairs() -> None:
    assert label_agreement([[1, 2], [3, 0]], [0, 2], [5, 5, -1, 5]) == 1.0
    assert np.isnan(label_agreement([[1]], [0], [-1, 4]))
