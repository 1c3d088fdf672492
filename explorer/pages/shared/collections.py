"""Collections beside a checkpoint's own images: the field that switches between them, and their place in the picker."""

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
    """The name of the checkpoint that has the weights: its own, or of a collection the one that encoded it."""
    return (entry.card.weights_of if entry.card else "") or entry.name


def family(found: Sequence[Entry], base: str) -> dict[str, str]:
    """A checkpoint and its collections that can be used: name -> what the images are called.

    Arguments:
        found: All checkpoints.
        base: Name of the checkpoint that has the weights.
    """
    ours = [entry for entry in found if entry.card and base_of(entry) == base]
    ours.sort(key=lambda entry: (entry.name != base, entry.name))
    return {entry.name: data_title(entry.card.data) for entry in ours if entry.card}


def heads(shown: Sequence[Entry]) -> list[Entry]:
    """Those of some checkpoints that have an entry of their own in a list: collections stand below their checkpoint."""
    names = {entry.name for entry in shown}
    return [entry for entry in shown if base_of(entry) == entry.name or base_of(entry) not in names]


def field(found: Sequence[Entry], loaded: Loaded, choose: Callable[[str], None]) -> None:
    """Lets one choose among a checkpoint's collections, where it has any; `choose` is called with another's name."""
    titles = family(found, base_of(loaded.entry))
    if len(titles) < 2 or loaded.name not in titles:
        return
    S.collection = loaded.name
    st.selectbox(
        "Images", list(titles), key="collection", format_func=titles.__getitem__, width=130,
        on_change=lambda: choose(S.collection),
    )  # fmt: skip


def buttons(found: Sequence[Entry], entry: Entry, present: str, choose: Callable[[str], None]) -> None:
    """The collections of a checkpoint in a list, each a button."""
    titles = family(found, entry.name)
    for name, title in titles.items():
        if name == entry.name:
            continue
        label = f"{plain(title)}, shown now" if name == present else plain(title)
        if st.button(
            label, key=f"open-{name}", icon=":material/photo_library:", disabled=name == present, width="stretch",
            help="Images that this checkpoint encoded",
        ):  # fmt: skip
            choose(name)
            st.rerun()
