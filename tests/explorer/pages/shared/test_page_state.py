"""The state of a page: its checkpoint, messages of components, and outdated controls."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import streamlit as st

from explorer.catalogue import families
from explorer.pages.shared import carried_checkpoint, checkpoint_picker
from explorer.pages.shared.page_state import PageState, able, chosen
from models.card import Card, Entry

BUNDLED = Path(__file__).resolve().parents[4] / "checkpoints"


def entry(name: str, model: str = "vae", sound: bool = True) -> Entry:
    card = Card(
        name=name,
        title=name,
        model=model,
        config={},
        data={"name": "digits"},
        weights_sha256="ab" * 32,
        command="",
    )
    return Entry(name, Path(name), card if sound else None)


def refusal(card: Card) -> str:
    return "" if card.model == "vae" else f"{card.name} has no posterior."


ALL = [entry("a-ae", "ae"), entry("broken", sound=False), entry("b-vae"), entry("c-vae"), entry("d-ae", "ae")]


@pytest.fixture(autouse=True)
def session() -> Iterator[None]:
    """An empty session and address, which all tests of this process share."""
    st.query_params.clear()
    yield
    for key in list(st.session_state):
        del st.session_state[key]


def test_able_checkpoints_are_those_not_refused_and_broken_ones() -> None:
    assert [each.name for each in able(ALL, refusal)] == ["broken", "b-vae", "c-vae"]


def test_the_address_precedes_the_last_choice_and_that_the_first() -> None:
    fit = able(ALL, refusal)
    assert chosen({}, ALL, fit, refusal) == ("b-vae", "")
    carried_checkpoint.choose("c-vae")
    assert chosen({}, ALL, fit, refusal) == ("c-vae", "")
    carried_checkpoint.choose("a-ae")  # which cannot be shown here
    assert chosen({}, ALL, fit, refusal) == ("b-vae", "")


def test_an_unsuitable_checkpoint_is_refused_with_the_reason() -> None:
    fit = able(ALL, refusal)
    carried_checkpoint.choose("c-vae")
    name, problem = chosen({"model": "d-ae"}, ALL, fit, refusal)
    assert (name, problem) == ("b-vae", "d-ae has no posterior. Showing b-vae instead.")
    assert chosen({"model": "d-ae"}, ALL, [], refusal) == ("", "d-ae has no posterior.")


@dataclass(frozen=True)
class Shown:
    kind: str = "smooth"
    steps: int = 0


def page() -> PageState[Shown]:
    """A page with a state."""
    state = PageState[Shown]("pt", lambda shown: shown.kind)
    assert state.load(lambda query, _: (Shown(**query), ["`x` is unknown."])) and state.revision == 1
    assert not state.load(lambda query, _: (Shown("straight"), [])), "it was read before"
    return state


def test_switching_checkpoints_reads_the_given_query() -> None:
    state = page()
    assert state.problems == ["In the address: `x` is unknown. Using the default."]
    state.switch_checkpoint("c-vae", query={"kind": "great"}, previous=7)
    assert (state.model, state.problems, carried_checkpoint.current()) == ("c-vae", [], "c-vae")
    assert state.load(lambda query, previous: (Shown(**query, steps=previous), []))
    assert state.shown == Shown("great", 7) and state.revision == 2


def test_controls_of_another_kind_are_ignored() -> None:
    state = page()
    state.update(of="smooth", steps=3)
    state.update(of="straight", steps=9)
    assert state.shown.steps == 3 and state.problems == [] and state.revision == 1
    state.update(kind="straight", revise=True)
    assert state.shown.kind == "straight" and state.revision == 2


def test_a_message_is_applied_once_and_completely() -> None:
    state = page()
    message = {"steps": 4}

    def ended(received: object) -> Shown:
        raise RuntimeError("a newer run waits")

    with pytest.raises(RuntimeError):
        state.handle_release("strip", message, ended)
    assert state.shown.steps == 0
    assert state.handle_release("strip", message, lambda received: Shown(**received)), "the next run takes it"
    assert not state.handle_release("strip", message, ended) and state.shown.steps == 4
    assert not state.handle_release("strip", None, ended)
    assert not state.handle_release("strip", {"steps": 5}, lambda received: None), "of another checkpoint"

    def wrong(received: object) -> Shown:
        raise ValueError("`steps` must be a number.")

    assert state.handle_release("strip", {"steps": "x"}, wrong) and state.shown.steps == 4
    assert state.problems == ["The browser sent an invalid edit: `steps` must be a number."]


def discrete(card: Card) -> str:
    return "It has discrete codes." if families.spec_of(card).discrete else ""


@pytest.mark.parametrize(("asked", "data"), [("fashion-vq-vae", "fashion-mnist"), ("faces-vq-vae", "faces")])
def test_a_checkpoint_of_the_same_data_is_the_replacement(
    monkeypatch: pytest.MonkeyPatch, asked: str, data: str
) -> None:
    monkeypatch.setenv("LATENT_CHECKPOINT_DIR", os.fspath(BUNDLED))
    st.cache_data.clear()
    entries = checkpoint_picker.entries()
    cards = {entry.name: entry.card for entry in entries if entry.card}
    name, problem = chosen({"model": asked}, entries, able(entries, discrete), discrete)
    card = cards[name]
    assert card is not None and card.data["name"] == data and not discrete(card)
    assert problem == f"It has discrete codes. Showing {name} instead."
    without = [
        entry for entry in entries if entry.card and (entry.name == asked or entry.card.data["name"] != data)
    ]
    name, _ = chosen({"model": asked}, without, able(without, discrete), discrete)
    assert name == ("faces-vae" if data != "faces" else able(without, discrete)[0].name)


def test_a_release_of_an_older_revision_is_ignored_and_acknowledged() -> None:
    state = PageState[Shown]("test")
    state.load(lambda query, previous: (Shown(), []))
    state.update(steps=7, revise=True)
    take = lambda received: Shown(steps=received["steps"])  # noqa: E731
    stale = {"steps": 3, "revision": state.revision - 1, "connection": 2}
    assert not state.handle_release("strip", stale, take)
    assert (state.shown.steps, state.heard) == (7, 2)
    for later in (state.revision, state.revision + 5):  # a page that outlived the server counts on
        assert state.handle_release("strip", {"steps": later, "revision": later}, take)
        assert (state.shown.steps, state.heard) == (later, 0)
