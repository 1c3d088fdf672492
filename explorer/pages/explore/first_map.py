"""A line above the stage once the UMAP map of a new collection is fitted; until then PCA is shown."""

from __future__ import annotations

import streamlit as st

from explorer.atlas.storage import stored_maps
from explorer.pages.shared import checkpoint_picker
from explorer.scene.loaded import Loaded, stamp
from models.data import OWN

__all__ = ["line"]

S = st.session_state
EVERY = 3.0  # seconds between two checks of the atlas


def line(loaded: Loaded) -> None:
    """Shows the line if the map is still missing from what is shown."""
    card = loaded.entry.card
    if card and card.data["name"] == OWN and "umap" not in loaded.atlas.maps and loaded.latent > 2:
        _line(loaded)


@st.fragment(run_every=EVERY)
def _line(loaded: Loaded) -> None:
    if stamp(loaded.entry) == loaded.stamp or "umap" not in stored_maps(loaded.entry):
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="lx-first-map"):
        st.markdown("The UMAP map of these images is ready.", width="content")
        if st.button("Show it", type="primary", key="first-map-show"):
            checkpoint_picker.refresh(loaded.name)
            S.wanted_view = "umap"
            st.rerun()
