"""The checkpoint carried from page to page: the last one chosen on any page."""

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
    """Records the checkpoint that the user chose or an address named."""
    S[CURRENT] = name


def current() -> str:
    """The checkpoint chosen last; "" if there is none yet."""
    return str(S.get(CURRENT, ""))


def followed(page: str, shown: str, able: Collection[str]) -> str:
    """The checkpoint to switch to because it was chosen on another page; "" to keep the current one.

    A choice is followed once: if the checkpoint cannot be opened, the page keeps its replacement.

    Arguments:
        page: Prefix of the page's keys in the session, e.g. "pt".
        shown: The checkpoint that the page shows.
        able: The checkpoints that the page can show.
    """
    name = current()
    is_new = S.get(f"{page}_followed") != name
    S[f"{page}_followed"] = name
    return name if is_new and name != shown and name in able else ""


def shown(title: str) -> navigation.Shown | None:
    """The checkpoint and data that a page shows, for the bar; the last chosen if it shows none.

    Arguments:
        title: Title of the page.
    """
    cards = {entry.name: entry.card for entry in checkpoint_picker.entries() if entry.card}
    key = navigation.DECIDED.get(title)
    state = S.get(key) if key else None
    models = (state.model if state else "") or current()
    names = [name for name in models.split(",") if name in cards]
    if not names:
        return None
    card = cards[names[0]]
    label = card.title if len(names) == 1 else f"{len(names)} side by side"
    return navigation.Shown(label, data_title(card.data), _special(card))


def _special(card: Card) -> str:
    """The page that only this kind of model has; "" if none."""
    spec = families.spec_of(card)
    return "Codes" if spec.discrete else "Time" if spec.sequence else ""
