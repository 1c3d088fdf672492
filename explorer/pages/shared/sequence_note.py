"""A note on sequence models on pages of single images, with a link to the Time page."""

from __future__ import annotations

import streamlit as st

from explorer.pages.shared import navigation
from explorer.scene.loaded import Loaded

__all__ = ["note"]


def note(loaded: Loaded, text: str) -> None:
    """Shows the note and a button to the Time page; nothing for a model of single images.

    Arguments:
        loaded: The model.
        text: What the page shows of a sequence.
    """
    if not loaded.decoder.model.spec.sequence:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.info(text, icon=":material/movie:")
        if st.button("See it over time", icon=":material/timeline:", key="to-time"):
            navigation.go("Time", loaded.name)
