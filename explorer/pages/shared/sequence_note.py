"""What holds of a model of sequences on a page of single images, and the way to the page of its own."""

from __future__ import annotations

import streamlit as st

from explorer.pages.shared import navigation
from explorer.scene.loaded import Loaded

__all__ = ["note"]


def note(loaded: Loaded, words: str) -> None:
    """Says what holds here, with a button to the Time page; nothing for a model of images.

    Arguments:
        loaded: What the page shows.
        words: What is shown of a sequence here.
    """
    if not loaded.decoder.model.spec.sequence:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.info(words, icon=":material/movie:")
        if st.button("See it over time", icon=":material/timeline:", key="to-time"):
            navigation.go("Time", loaded.name)
