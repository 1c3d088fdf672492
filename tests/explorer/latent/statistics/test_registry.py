"""The registry of statistics: every entry is complete, and the docs are what it says."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from explorer.latent.statistics.registry import STATISTICS, as_markdown, tooltip, unsupported

DOCS = Path(__file__).parents[4] / "docs" / "statistics.md"


def test_every_statistic_is_complete_and_its_definition_is_one_sentence() -> None:
    for key, each in STATISTICS.items():
        assert each.key == key and each.fewest > 0 and each.link.startswith("https://")
        assert all(getattr(each, field.name) for field in fields(each))
        assert each.definition.endswith(".") and ". " not in each.definition
        assert each.definition in tooltip(key) and each.link in tooltip(key) and each.formula in tooltip(key)


def test_too_few_images_give_a_sentence_in_place_of_a_number() -> None:
    assert unsupported("auc", 5) == "AUC: not estimated from 5 images. It takes at least 50."
    assert unsupported("auc", 50) == ""
    with pytest.raises(ValueError, match=r"Unknown statistic .mean.\. Choose one of: gauge, angle"):
        tooltip("mean")


def test_the_docs_hold_the_registry() -> None:
    assert as_markdown() in DOCS.read_text(encoding="utf-8"), (
        "run `python -m explorer statistics > docs/statistics.md`"
    )
