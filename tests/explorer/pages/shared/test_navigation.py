"""The navigation bar: groups of pages, what is shown, and the checkpoint carried between pages."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from explorer.pages.shared import carried_checkpoint, navigation
from tests.explorer.checkpoints import CODES, train_digits
from tests.explorer.pages.conftest import Open
from tests.explorer.pages.reading import address, html


@pytest.fixture(scope="module")
def coded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a checkpoint of discrete codes."""
    folder = tmp_path_factory.mktemp("coded")
    train_digits(folder / "digits-codes", title="Coded", latent=4, epochs=1, model="vq-vae", **CODES)
    return folder


@pytest.fixture(autouse=True)
def both(place: None, shelf: Path, coded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATENT_CHECKPOINT_DIR", f"{shelf}{os.pathsep}{coded}")


@pytest.fixture
def session() -> Iterator[None]:
    yield
    for key in list(st.session_state):
        del st.session_state[key]


def shown(at: AppTest) -> str:
    """The checkpoint and data named in the bar."""
    (found,) = re.findall(r'class="lx-shown" .*?>(.*?)</div>', html(at))
    return re.sub(r"<.*?>", "", found)


def links(at: AppTest) -> list[str]:
    return [element.proto.page for element in at.get("page_link")]  # type: ignore[attr-defined]


def turn_to(at: AppTest, folder: str) -> None:
    """Opens another page by its folder, like a link between pages."""
    at.query_params.clear()
    at.switch_page(f"{folder}/page.py").run()
    assert not at.exception


def test_each_page_is_in_one_group_or_of_one_kind_of_model() -> None:
    grouped = [title for titles in navigation.GROUPS.values() for title in titles]
    assert len(grouped) == len(set(grouped))
    assert navigation.PAGES.keys() - set(grouped) == {"Codes", "Time"}
    assert list(navigation.GROUPS) == ["Explore", "Your images", "Edit", "Check", "Models"]


def test_every_page_shows_product_checkpoint_and_data(open_page: Open) -> None:
    at = open_page(model="flat-vae")
    assert "Latent Explorer" in html(at) and shown(at) == "Checkpoint Flat · Data Digits"
    for script in navigation.existing().values():
        turn_to(at, script)
        assert "Latent Explorer" in html(at) and "Data Digits" in shown(at), script


def test_codes_are_linked_only_where_the_model_has_them(open_page: Open) -> None:
    assert len(links(open_page(model="flat-vae"))) == 3
    at = open_page(model="digits-codes")
    assert len(links(at)) == 4 and any("codes" in link for link in links(at))
    turn_to(at, "codes")
    assert address(at)["model"] == "digits-codes"


def test_every_page_follows_the_chosen_checkpoint(open_page: Open) -> None:
    at = open_page(model="flat-vae")
    for script in ("paths", "samples", "directions", "anatomy", "outliers"):
        turn_to(at, script)
        assert address(at)["model"] == "flat-vae", script
    at.query_params["model"] = "digits-vae"
    at.run()
    assert address(at)["model"] == "digits-vae"
    for script in ("paths", "explore"):  # both have shown the other one before
        turn_to(at, script)
        assert address(at)["model"] == "digits-vae", script
    turn_to(at, "codes")  # which cannot show it
    assert address(at)["model"] == "digits-codes"
    turn_to(at, "explore")
    assert address(at)["model"] == "digits-vae"


def test_a_choice_is_followed_once(session: None) -> None:
    carried_checkpoint.choose("b-vae")
    assert carried_checkpoint.followed("pt", "a-vae", ["a-vae"]) == "", "it cannot be shown"
    carried_checkpoint.choose("c-vae")
    assert carried_checkpoint.followed("pt", "a-vae", ["a-vae", "c-vae"]) == "c-vae"
    assert carried_checkpoint.followed("pt", "a-vae", ["a-vae", "c-vae"]) == "", "it could not be opened"
    assert carried_checkpoint.followed("sm", "c-vae", ["c-vae"]) == ""
