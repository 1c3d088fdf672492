"""The collections that a checkpoint has encoded: a field to switch, and buttons in the picker."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from explorer.catalogue.data_titles import data_title
from explorer.pages.shared.text import plain
from explorer.scene.loaded import Loaded
from models.card import Entry

__all__ = ["base_of", "buttons", "family", "field", "heads"]

S = st.session_state


def base_of(entry: Entry) -> str:
    """The name of the checkpoint that has the weights; for a collection, the one that encoded it."""
    return (entry.card.weights_of if entry.card else "") or entry.name


def family(checkpoints: Sequence[Entry], base: str) -> dict[str, str]:
    """A checkpoint and its usable collections: name -> title of the images.

    Arguments:
        checkpoints: All checkpoints.
        base: Name of the checkpoint that has the weights.
    """
    members = [entry for entry in checkpoints if entry.card and base_of(entry) == base]
    members.sort(key=lambda entry: (entry.name != base, entry.name))
    return {entry.name: data_title(entry.card.data) for entry in members if entry.card}


def heads(shown: Sequence[Entry]) -> list[Entry]:
    """The entries to list separately: a collection is listed below its checkpoint if that is among them."""
    names = {entry.name for entry in shown}
    return [entry for entry in shown if base_of(entry) == entry.name or base_of(entry) not in names]


def field(checkpoints: Sequence[Entry], loaded: Loaded, choose: Callable[[str], None]) -> None:
    """A selectbox of a checkpoint's collections, if it has any; `choose` is called with the selected name."""
    titles = family(checkpoints, base_of(loaded.entry))
    if len(titles) < 2 or loaded.name not in titles:
        return
    S.collection = loaded.name
    st.selectbox(
        "Images",
        list(titles),
        key="collection",
        format_func=titles.__getitem__,
        width=130,
        on_change=lambda: choose(S.collection),
    )


def buttons(checkpoints: Sequence[Entry], entry: Entry, present: str, choose: Callable[[str], None]) -> None:
    """A button for each collection of a checkpoint."""
    titles = family(checkpoints, entry.name)
    for name, title in titles.items():
        if name == entry.name:
            continue
        label = f"{plain(title)}, shown now" if name == present else plain(title)
        if st.button(
            label,
            key=f"open-{name}",
            icon=":material/photo_library:",
            disabled=name == present,
            width="stretch",
            help="Images that this checkpoint encoded",
        ):
            choose(name)
            st.rerun()
