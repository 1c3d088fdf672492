"""The checkpoint that goes along from page to page: the one a person chose last, wherever that was."""

from __future__ import annotations

from collections.abc import Collection

import streamlit as st

from explorer.catalogue import families
from explorer.catalogue.data_titles import data_title
from explorer.pages.shared import checkpoint_picker, navigation
from models.card import Card

__all__ = ["choose", "current", "followed", "shown"]

S = st.session_state
CURRENT = "lx_checkpoint"


def choose(name: str) -> None:
    """Notes the checkpoint that a person chose, or that an address named."""
    S[CURRENT] = name


def current() -> str:
    """The checkpoint that was chosen last; "" before any was."""
    return str(S.get(CURRENT, ""))


def followed(page: str, shown: str, able: Collection[str]) -> str:
    """The checkpoint that a page should turn to because it was chosen on another page; "" where it should stay.

    A choice is followed once, so that a page keeps what it fell back to where the checkpoint cannot be opened.

    Arguments:
        page: The start of the page's keys in the session, e.g. "pt".
        shown: The checkpoint that the page shows.
        able: The checkpoints that it can show.
    """
    name = current()
    news = S.get(f"{page}_followed") != name
    S[f"{page}_followed"] = name
    return name if news and name != shown and name in able else ""


def shown(title: str) -> navigation.Shown | None:
    """What a page shows, for the bar; on a page without a checkpoint of its own, what was chosen last.

    Arguments:
        title: Of the page.
    """
    cards = {entry.name: entry.card for entry in checkpoint_picker.entries() if entry.card}
    key = navigation.DECIDED.get(title)
    kept = S.get(key) if key else None
    asked = getattr(kept, "model", kept) or current()
    names = [name for name in ((asked,) if isinstance(asked, str) else asked) if name in cards]
    if not names:
        return None
    card = cards[names[0]]
    told = card.title if len(names) == 1 else f"{len(names)} side by side"
    return navigation.Shown(told, data_title(card.data), _special(card))


def _special(card: Card) -> str:
    """The page that only such a model has."""
    spec = families.spec_of(card)
    return "Codes" if spec.discrete else "Time" if spec.sequence else ""
