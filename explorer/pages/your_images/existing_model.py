"""Encodes the user's images with an existing checkpoint instead of training one."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from explorer.catalogue import families
from explorer.jobs import collections
from explorer.jobs.image_reading import ImageSummary
from explorer.jobs.image_sources import ImageSource
from explorer.jobs.runner import Job, start
from explorer.pages.shared import checkpoint_picker, navigation
from explorer.pages.shared.text import with_code
from models.card import Card

__all__ = ["fitting", "show"]


def show(source: ImageSource, summary: ImageSummary) -> None:
    """A selectbox of checkpoints, closest in image shape first; the map opens once the images are encoded."""
    with st.expander("Use an existing checkpoint instead", icon=":material/bolt:", key="yi_existing"):
        cards = fitting([entry.card for entry in checkpoint_picker.entries() if entry.card], summary)
        if not cards:
            st.caption("There is no checkpoint of single images.")
            return
        st.caption(
            "Nothing is trained: the checkpoint encodes your images. It suits images like those it was trained on."
        )
        titles = {card.name: f"{card.title} · {_size(card)}" for card in cards}
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            name = st.selectbox(
                "Checkpoint", list(titles), format_func=titles.__getitem__, key="yi_with", width=360
            )
            running = source.encoding is not None and source.encoding.running
            if st.button("Encode and open the map", key="yi_encode_with", disabled=running) and name:
                request = collections.Request(name, source.path, source.labels)
                source.encoding = start(collections.encode, request, key=("collection", source.path))
        if source.encoding is not None:
            _progress(source)


def fitting(cards: list[Card], summary: ImageSummary) -> list[Card]:
    """The checkpoints that take single images and have images of their own, the closest in shape first."""
    specs = [(card, families.spec_of(card)) for card in cards if not card.weights_of]
    able = [card for card, spec in specs if spec.encodes and not spec.sequence]
    channels, side = (1 if summary.grey else 3), int(summary.proposal["size"])

    def distance(card: Card) -> tuple[bool, int, str]:
        shape = card.config["image_shape"]
        return shape[0] != channels, abs(max(shape[1:]) - side), card.title

    return sorted(able, key=distance)


def _size(card: Card) -> str:
    channels, height, width = card.config["image_shape"]
    return f"{width}×{height} {'grey' if channels == 1 else 'colour'}"


@st.fragment(run_every=0.5)
def _progress(source: ImageSource) -> None:
    """Progress and Cancel; opens Explore at the end, or shows the error."""
    job: Job | None = source.encoding
    if job is None:
        return
    if job.running:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.progress(job.share, with_code(job.what))
            if st.button("Cancel", key="yi_cancel_encoding", icon=":material/stop:"):
                job.cancel()
        return
    if job.result is None:
        st.warning(with_code(job.error or "The images could not be encoded."), icon=":material/error:")
        return
    source.encoding = None
    folder = Path(str(job.result["folder"]))
    if collections.lacks_map(folder):
        collections.start_map(folder)
    checkpoint_picker.refresh(folder.name)
    navigation.go("Explore", folder.name)
