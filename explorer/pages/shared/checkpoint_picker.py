"""The checkpoint picker: a preview and facts of each checkpoint, or the reason why it cannot be used."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

import streamlit as st

from explorer.atlas.storage import stored_rows
from explorer.catalogue import families
from explorer.catalogue.data_titles import data_name
from explorer.jobs.early_models import is_superseded
from explorer.latent.neighbours.approximate import EXACT_AT_MOST
from explorer.pages.shared import collections, navigation
from explorer.pages.shared.checkpoint_filter import by_showcase, narrowed, preview
from explorer.pages.shared.text import plain
from explorer.scene.engine import engine
from explorer.scene.loaded import Loaded, find
from models import checkpoint
from models.card import ATLAS, NAME, WEIGHTS, Card, Entry, weights_file
from models.card import roots as card_roots

__all__ = ["Entry", "button", "entries", "facts", "nothing_yet", "open_model", "refresh", "summary"]

LIST_HEIGHT = 560  # pixels
PICTURES = {
    "decoded": (),
    "nearest": ("nothing is decoded: each picture is that of the nearest item",),
    "none": ("the items have no pictures, so each picture is blank",),
}  # what `LatentSpec.pictures` means, in words
STYLE = (
    "<style>.st-key-pick-filters { min-height: 4.6rem; }</style>"  # the height before its fields are rendered
)


@st.cache_data(ttl=10, show_spinner=False)
def _scan(roots: tuple[bytes, ...]) -> list[Entry]:
    folders = [Path(os.fsdecode(root)) for root in roots]
    return [_checked(entry) if entry.card else entry for entry in checkpoint.scan(*folders)]


def _checked(entry: Entry) -> Entry:
    """The entry, with an error if it cannot be shown; its files are read once, and again when they change."""
    files = [weights_file(entry.path, entry.card) if entry.card else entry.path / WEIGHTS, entry.path / ATLAS]
    facts = [(f.stat().st_mtime_ns, f.stat().st_size) if f.is_file() else None for f in files]
    reason = _reason(entry, (os.fsencode(entry.path), entry.version, *facts))
    return Entry(entry.name, entry.path, error=reason) if reason else entry


@st.cache_data(max_entries=200, show_spinner=False)
def _reason(_entry: Entry, mark: tuple[object, ...]) -> str | None:
    """Why a checkpoint cannot be shown; `mark` changes with its files."""
    if not (_entry.path / ATLAS).is_file():
        return f"{_entry.name} has no {ATLAS} yet. Build it: `python -m explorer.atlas {_entry.name}`."
    return checkpoint.verify(_entry).error


def entries() -> list[Entry]:
    """All checkpoints, broken ones with their error; scanned again after ten seconds, or for one that an address names."""
    folders = card_roots()
    roots = tuple(map(os.fsencode, folders))  # Streamlit cannot hash a name that is not UTF-8
    scanned = _scan(roots)
    named = st.query_params.get("model", "")
    unknown = NAME.fullmatch(named) and named not in {entry.name for entry in scanned}
    if unknown and any((folder / named).is_dir() for folder in folders):  # made since
        _scan.clear()
        scanned = _scan(roots)
    return scanned


def refresh(name: str | None = None) -> None:
    """Scans for checkpoints at once; with a name, also reloads that one if its files changed."""
    _scan.clear()
    if name is not None:
        with contextlib.suppress(ValueError):  # reported when it is opened
            engine().open_sync(name)


def open_model(name: str) -> Loaded:
    """Opens a checkpoint in the engine, with a spinner meanwhile.

    Raises:
        CheckpointError: If it is broken.
    """
    ready = engine().peek(name)
    if ready is not None:
        return ready
    with st.spinner(f"Opening {name} …{_first_time(name)}"):
        return engine().open_sync(name)


def _first_time(name: str) -> str:
    """What the first opening of a large atlas does besides reading it; "" for others."""
    try:
        count = stored_rows(find(name))
    except ValueError:  # reported when it is opened
        return ""
    if count <= EXACT_AT_MOST:
        return ""
    return f" The first time, the neighbour index of its {count:,} images is built, which is then kept."


def button(checkpoints: list[Entry], loaded: Loaded, choose: Callable[[str], None]) -> None:
    """A button with the current checkpoint's title that opens the picker."""
    card = loaded.entry.card
    with st.container(width="content", gap=None):
        st.html('<div style="font-size:.875rem;line-height:1.5rem;padding-bottom:.25rem">Checkpoint</div>')
        titles = {entry.name: entry.card.title for entry in checkpoints if entry.card}
        title = titles.get(collections.base_of(loaded.entry), card.title if card else loaded.name)
        if st.button(
            plain(title),
            icon=":material/grid_view:",
            help=f"{plain(title)}: choose another checkpoint",
            key="checkpoint",
        ):
            _dialog(checkpoints, loaded.name, choose)
    collections.field(checkpoints, loaded, choose)


@st.dialog("Choose a checkpoint", width="large")
def _dialog(checkpoints: list[Entry], present: str, choose: Callable[[str], None]) -> None:
    names = {entry.name for entry in checkpoints if entry.card}
    usable = [
        entry
        for entry in checkpoints
        if entry.card and (entry.name == present or not is_superseded(entry.name, names))
    ]
    usable.sort(key=by_showcase)
    st.html(STYLE)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="pick-filters"):
        shown = narrowed(usable, "pick")
    count = f"{len(shown)} of {len(usable)}" if len(shown) < len(usable) else f"{len(usable)}"
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(f"{count} checkpoints", width="stretch")
        if st.button(
            "Use your own images", icon=":material/photo_library:", key="pick-yours", type="tertiary"
        ):
            navigation.show(navigation.YOUR_IMAGES, {})
    with st.container(height=LIST_HEIGHT, border=False, key="pick-list"):  # fixed while the list is filtered
        if not shown:
            st.info("No checkpoint fits. Clear the search or a filter.", icon=":material/search_off:")
        listed = collections.heads(shown)
        for start in range(0, len(listed), 2):
            for column, entry in zip(st.columns(2), listed[start : start + 2], strict=False):
                with column.container(border=True, height="stretch"):
                    _one(entry, present, choose)
                    collections.buttons(checkpoints, entry, present, choose)
        _broken(checkpoints)


def _one(entry: Entry, present: str, choose: Callable[[str], None]) -> None:
    card = entry.card
    if card is None:
        return
    preview(entry)
    st.markdown(f"**{plain(card.title)}** · {plain(card.description or card.data['name'])}")
    st.caption(plain(" · ".join(summary(card))))
    st.space("stretch")
    name = "Shown now" if entry.name == present else "Open"
    if st.button(name, key=f"open-{entry.name}", disabled=entry.name == present, width="stretch"):
        choose(entry.name)
        st.rerun()


def summary(card: Card) -> list[str]:
    """Short facts of a card: family, latent size, image size, and its main metrics if measured."""
    shape = card.config.get("image_shape", [0, 0, 0])
    size = f"{shape[2]}×{shape[1]} {'colour' if shape[0] == 3 else 'grey'}"
    facts = [families.title(card.model), families.extent(families.spec_of(card)), size]
    for name, form in (
        ("psnr", "PSNR {:.1f} dB"),
        ("bits_per_dim", "{:.2f} bits/dim"),
        ("elbo", "ELBO {:,.1f} nats"),
        ("active_units", "{:.0f} active dimensions"),
    ):
        metric = card.metrics.get(name)
        if isinstance(metric, dict) and isinstance(metric.get("value"), int | float):
            facts.append(form.format(metric["value"]).replace("-", "−"))
    return facts


def facts(loaded: Loaded) -> str:
    """One line on the model shown and the source of its images."""
    card = loaded.entry.card
    if card is None:
        return loaded.name
    spec = loaded.decoder.model.spec
    what = "sequences" if spec.sequence else "items" if spec.pictures == "none" else "images"
    parts = [*summary(card), f"{loaded.count:,} {what} of {data_name(card.data)}", *PICTURES[spec.pictures]]
    if loaded.originals.state == "absent":
        parts.append("its images are not on this machine, so the nearest are shown as reconstructions")
    return f"**{plain(card.name)}** · {plain(' · '.join(parts))}"


def nothing_yet(checkpoints: list[Entry]) -> None:
    """Instructions for when no checkpoint can be used."""
    st.title("Latent Explorer")
    st.info(
        "No checkpoint can be used yet. Train one on your own images, on the page Your images, or on the "
        "bundled digits:\n\n"
        "```\npython -m models train vae --data digits --out runs/digits-vae\n"
        "python -m explorer.atlas digits-vae\n```",
        icon=":material/model_training:",
    )
    _broken(checkpoints)


def _broken(checkpoints: list[Entry]) -> None:
    broken = [entry for entry in checkpoints if entry.error]
    if broken:
        with st.expander(f"{len(broken)} cannot be used", icon=":material/warning:"):
            for entry in broken:
                st.markdown(f"**{plain(entry.name)}**")
                st.text(entry.error or "")
