"""Which checkpoint a page opens: the address, then the one chosen last, then the first that fits; and why not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st

from explorer.catalogue import families
from explorer.pages.shared import carried_checkpoint, checkpoint_picker, opening
from models.card import Card, Entry

BUNDLED = Path(__file__).resolve().parents[4] / "checkpoints"


def entry(name: str, model: str = "vae", sound: bool = True) -> Entry:
    card = Card(
        name=name, title=name, model=model, config={}, data={"name": "digits"}, weights_sha256="ab" * 32, command="",
    )  # fmt: skip
    return Entry(name, Path(name), card if sound else None)


def refusal(card: Card) -> str:
    return "" if card.model == "vae" else f"{card.name} has no posterior."


ALL = [entry("a-ae", "ae"), entry("broken", sound=False), entry("b-vae"), entry("c-vae"), entry("d-ae", "ae")]


@pytest.fixture(autouse=True)
def session() -> Iterator[None]:
    """A session and an address without anything in them; other tests of this process share both."""
    st.query_params.clear()
    yield
    for key in list(opening.S):
        del opening.S[key]


def test_the_checkpoints_that_fit_are_those_that_are_not_refused_and_the_broken() -> None:
    assert [each.name for each in opening.able(ALL, refusal)] == ["broken", "b-vae", "c-vae"]


def test_the_address_comes_before_what_was_explored_and_that_before_the_first() -> None:
    fit = opening.able(ALL, refusal)
    assert opening.chosen({}, ALL, fit, refusal) == ("b-vae", "")
    carried_checkpoint.choose("c-vae")
    assert opening.chosen({}, ALL, fit, refusal) == ("c-vae", "")
    carried_checkpoint.choose("a-ae")  # which cannot be shown here
    assert opening.chosen({}, ALL, fit, refusal) == ("b-vae", "")


def test_a_checkpoint_that_the_page_cannot_show_is_refused_by_its_reason() -> None:
    fit = opening.able(ALL, refusal)
    carried_checkpoint.choose("c-vae")
    name, problem = opening.chosen({"model": "d-ae"}, ALL, fit, refusal)
    assert (name, problem) == ("b-vae", "d-ae has no posterior. Showing b-vae instead.")
    assert opening.chosen({"model": "d-ae"}, ALL, [], refusal) == ("", "d-ae has no posterior.")


def test_who_leaves_for_another_begins_with_what_is_asked_of_it() -> None:
    opening.S["pt_shown"] = "something"
    opening.leave("pt", "c-vae", {"way": "smooth"})
    assert (opening.S["pt_model"], opening.S["pt_asked"], opening.S["pt_shown"]) == (
        "c-vae",
        {"way": "smooth"},
        None,
    )
    assert opening.S["pt_problems"] == []


def discrete(card: Card) -> str:
    return "It has discrete codes." if families.spec_of(card).discrete else ""


@pytest.mark.parametrize(("asked", "data"), [("fashion-vq-vae", "fashion-mnist"), ("faces-vq-vae", "faces")])
def test_a_checkpoint_of_the_same_data_stands_in(
    monkeypatch: pytest.MonkeyPatch, asked: str, data: str
) -> None:
    monkeypatch.setenv("LATENT_CHECKPOINT_DIR", os.fspath(BUNDLED))
    st.cache_data.clear()
    entries = checkpoint_picker.entries()
    cards = {entry.name: entry.card for entry in entries if entry.card}
    name, problem = opening.chosen({"model": asked}, entries, opening.able(entries, discrete), discrete)
    card = cards[name]
    assert card is not None and card.data["name"] == data and not discrete(card)
    assert problem == f"It has discrete codes. Showing {name} instead."
    without = [
        entry for entry in entries if entry.card and (entry.name == asked or entry.card.data["name"] != data)
    ]
    name, _ = opening.chosen({"model": asked}, without, opening.able(without, discrete), discrete)
    assert name == ("faces-vae" if data != "faces" else opening.able(without, discrete)[0].name)
