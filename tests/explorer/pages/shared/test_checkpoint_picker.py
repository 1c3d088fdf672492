"""The list of checkpoints: cached for some seconds, and read again for one in an address."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st

from explorer.pages.shared import checkpoint_picker

BUNDLED = Path(__file__).resolve().parents[4] / "checkpoints"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of checkpoints, and an empty address."""
    monkeypatch.setattr("explorer.pages.shared.checkpoint_picker.card_roots", lambda: [tmp_path])
    st.query_params.clear()
    yield tmp_path
    st.query_params.clear()


def test_a_new_checkpoint_in_an_address_is_found_at_once(folder: Path) -> None:
    def names() -> list[str]:
        return [entry.name for entry in checkpoint_picker.entries()]

    assert names() == []
    st.query_params["model"] = "mnist-ae"
    assert names() == []
    shutil.copytree(BUNDLED / "mnist-ae", folder / "mnist-ae")
    assert names() == ["mnist-ae"]
    st.query_params["model"] = "../" + folder.name
    assert names() == ["mnist-ae"]


def test_opening_a_large_atlas_says_what_takes_time(monkeypatch: pytest.MonkeyPatch) -> None:
    assert checkpoint_picker._first_time("digits-vae") == checkpoint_picker._first_time("no-such") == ""
    monkeypatch.setattr(checkpoint_picker, "EXACT_AT_MOST", 100)
    assert "the neighbour index of its 400 images is built" in checkpoint_picker._first_time("digits-vae")
    assert checkpoint_picker._first_time("hollow-vae") == ""
