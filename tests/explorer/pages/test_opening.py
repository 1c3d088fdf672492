"""Which checkpoint a page opens in place of one that it cannot show."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import streamlit as st

from explorer import zoo
from explorer.pages import opening, picker
from models.checkpoint import Card

BUNDLED = Path(__file__).resolve().parents[3] / "checkpoints"


def discrete(card: Card) -> str:
    return "It has discrete codes." if zoo.spec_of(card).discrete else ""


@pytest.mark.parametrize(("asked", "data"), [("fashion-vq-vae", "fashion-mnist"), ("faces-vq-vae", "faces")])
def test_a_checkpoint_of_the_same_data_stands_in(
    monkeypatch: pytest.MonkeyPatch, asked: str, data: str
) -> None:
    monkeypatch.setenv("LATENT_CHECKPOINT_DIR", os.fspath(BUNDLED))
    st.cache_data.clear()
    entries = picker.entries()
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
