"""The Time page: a sequence seen up to a frame, the model's belief, and the futures it samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import streamlit as st

from explorer.catalogue import families
from explorer.components.sequences import sequences
from explorer.pages.sequences import panels, url
from explorer.pages.sequences.choice import choose_sequence
from explorer.pages.sequences.url import Limits, Shown
from explorer.pages.shared import checkpoint_picker, controls
from explorer.pages.shared.layout import show_warnings
from explorer.pages.shared.page_state import PageState, able
from explorer.pages.shared.text import plain, with_code
from explorer.scene.forecasts import longest_jump
from explorer.scene.loaded import Loaded
from explorer.scene.sequences import SequenceCollection, sequences_of
from models.card import Card

S = st.session_state
page = PageState[Shown]("tm")
TRAIN = """```
python -m models train td-vae --data moving-digits --out runs/moving-digits-td-vae
python -m explorer.atlas moving-digits-td-vae
```"""
TRAIN_SMALL = """```
python -m models train td-vae --data moving-digits --option source=digits --out runs/small-td-vae
python -m explorer.atlas small-td-vae
```"""


def main() -> None:
    """Controls, the live sequence, and the charts below it."""
    entries = checkpoint_picker.entries()
    fit = able(entries, refusal)
    loaded = page.open_checkpoint(entries, refusal)
    if loaded is None or loaded.entry.card is None:
        show_warnings(page.problems)
        nothing_yet()
        return
    try:
        collection = sequences_of(loaded.entry.card)
    except ValueError as error:
        checkpoint_picker.button(fit, loaded, switch_model)
        show_warnings(page.problems)
        no_sequences(loaded, str(error))
        return
    limits = Limits(len(collection.data), collection.data.length, longest_jump(loaded))
    page.load(lambda query, _: url.from_query(query, limits))
    take_release(getattr(S.get("time"), "edit", None), loaded, limits)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="time-controls"):
        checkpoint_picker.button(fit, loaded, switch_model)
        choose_sequence(collection, page.shown.sequence, choose)
        panels.download(loaded, collection, page.shown)
    show_warnings(page.problems)
    st.caption(about(collection, page.shown.sequence))
    received = sequences(component_data(loaded, limits))
    if take_release(received, loaded, limits):  # after a restart of the server the page has the newer state
        st.rerun()
    panels.certainty(loaded, collection, page.shown)
    panels.against_truth(loaded, collection, page.shown)
    write_address(loaded)
    st.caption(checkpoint_picker.facts(loaded))


def refusal(card: Card) -> str:
    """Why the page cannot show a checkpoint; "" if it can."""
    if families.spec_of(card).sequence:
        return ""
    return f"{card.name} is a {families.title(card.model)}, a model of single images without time."


def take_release(received: object, loaded: Loaded, limits: Limits) -> bool:
    """Adopts the edit that the browser sent at the end of a gesture.

    Returns:
        Whether it was new and for this model.
    """

    def reader(received: object) -> Shown | None:
        if isinstance(received, Mapping) and received.get("model") != loaded.name:
            return None
        return url.from_json(received, page.shown, limits)

    return page.handle_release("time", received, reader)


def choose(sequence: int) -> None:
    """Switches to another sequence, seen up to the same frame."""
    page.update(sequence=sequence, revise=True)


def switch_model(name: str) -> None:
    """Shows another checkpoint."""
    page.switch_checkpoint(name)


def about(sequences: SequenceCollection, number: int) -> str:
    """One line on the sequence: its source and labels."""
    parts = [f"**{sequences.data.split} sequence {number}** of {plain(sequences.data.name)}"]
    parts += [f"{plain(name)} {plain(value)}" for name, value in sequences.labels(number).items()]
    return " · ".join([*parts, f"{sequences.data.length} frames"])


def component_data(loaded: Loaded, limits: Limits) -> dict[str, Any]:
    """The live component's data."""
    shown: Shown = page.shown
    return {
        "model": controls.model_data(loaded),
        "socket": "/live/time",
        "sequences": limits.count,
        "length": limits.length,
        "longest": limits.longest,
        "edit": asdict(shown),
        "revision": page.revision,
        "heard": page.heard,
    }


def nothing_yet() -> None:
    """Instructions for when there is no sequence model."""
    st.title("Time")
    st.info(
        "There is no checkpoint of a sequence model, such as TD-VAE, yet. It infers a belief about the state "
        "from the frames seen so far, and jumps to later states. Train one on moving digits, then encode "
        f"them:\n\n{TRAIN}\n\nWithout MNIST, on the bundled digits:\n\n{TRAIN_SMALL}",
        icon=":material/model_training:",
    )


def no_sequences(loaded: Loaded, reason: str) -> None:
    """Instructions for when the model's data set is not on this machine."""
    card = loaded.entry.card
    data = card.data["name"] if card else "its data set"
    st.info(
        f"{plain(loaded.name)} was trained on {plain(data)}, whose sequences are not on this machine. "
        f"{with_code(reason)}\n\nIts latents can still be explored on the Explore page. A model of sequences "
        f"that are always available:\n\n{TRAIN_SMALL}",
        icon=":material/folder_off:",
    )


def write_address(loaded: Loaded) -> None:
    """Writes what is shown to the address bar."""
    page.write_address({"model": loaded.name} | url.query(page.shown))


main()
