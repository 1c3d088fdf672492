"""A new UMAP map: settings, progress, cancel. A job fits it."""

from __future__ import annotations

import streamlit as st

from explorer.atlas.umap_maps import MapSettings, Request, fit_map
from explorer.fields import SEED_AT_MOST
from explorer.jobs.runner import Job, start
from explorer.pages.explore.state import page
from explorer.pages.shared.layout import job_notice
from explorer.pages.shared.text import with_code
from explorer.scene.loaded import Loaded

__all__ = ["button", "progress"]

S = st.session_state


def button(loaded: Loaded) -> None:
    """A button that opens the dialog; disabled while a map is being fitted."""
    busy = bool(S.get("map_job"))
    about = "A map is being fitted" if busy else "Fit a UMAP map with other settings"
    if st.button("New map", icon=":material/scatter_plot:", help=about, disabled=busy):
        _dialog(loaded)


def progress() -> None:
    """Shows the progress of the map being fitted, if any."""
    if S.get("map_job"):
        _progress()


@st.dialog("Fit a new UMAP map")
def _dialog(loaded: Loaded) -> None:
    st.caption(
        f"Lays out the {loaded.count:,} images of {loaded.name} again. It takes about a minute; the stage "
        "stays usable."
    )
    neighbours = st.slider(
        "Neighbours", 2, 100, 30, help="Few: local detail and small islands. Many: the overall shape."
    )
    min_dist = st.slider(
        "Minimum distance", 0.0, 0.99, 0.3, 0.01, help="Small: tight clusters. Large: an even spread."
    )
    seed = st.number_input("Seed", 0, SEED_AT_MOST, 42, help="The same seed gives the same map.")
    settings = MapSettings(neighbours, min_dist, int(seed))
    if st.button("Fit", type="primary", icon=":material/play_arrow:"):
        request = Request(loaded.name, neighbours, min_dist, settings.seed)
        S.map_job = start(fit_map, request, key=("map", loaded.name, loaded.version, settings.view))
        S.map_job_model = loaded.name
        st.rerun()


@st.fragment(run_every=0.5)
def _progress() -> None:
    """Progress and Cancel; at the end the map is selected, or the error shown."""
    job: Job | None = S.get("map_job")
    if job is None:
        return
    if job.running:
        if job_notice(job.share, job.what, "cancel-map"):
            job.cancel()
        return
    del S.map_job
    if job.result and S.map_job_model == page.model:
        S.wanted_view = str(job.result["view"])
        st.toast("The new map is ready.", icon=":material/scatter_plot:")
    elif job.result:
        st.toast(
            f"The new map of {S.map_job_model} is ready; choose it under Map.", icon=":material/scatter_plot:"
        )
    else:
        st.toast(f"No new map: {with_code(str(job.error))}", icon=":material/info:")
    st.rerun()
