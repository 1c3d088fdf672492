"""The Time page: a sequence that a model sees up to a frame, what it then believes, and the futures it imagines."""

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
from explorer.pages.shared.layout import warn_of
from explorer.pages.shared.page_state import PageState, able
from explorer.pages.shared.text import plain
from explorer.scene.forecasts import longest_jump
from explorer.scene.loaded import Loaded
from explorer.scene.sequences import Footage, footage
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
    """Controls, the live sequence, and the charts under it."""
    entries = checkpoint_picker.entries()
    fit = able(entries, refusal)
    loaded = page.open_checkpoint(entries, refusal)
    if loaded is None or loaded.entry.card is None:
        warn_of(page.problems)
        nothing_yet()
        return
    try:
        film = footage(loaded.entry.card)
    except ValueError as error:
        checkpoint_picker.button(fit, loaded, switch_model)
        warn_of(page.problems)
        no_sequences(loaded, str(error))
        return
    limits = Limits(len(film.data), film.data.length, longest_jump(loaded))
    page.load(lambda query, _: url.from_query(query, limits))
    take_release(getattr(S.get("time"), "edit", None), loaded, limits)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="time-controls"):
        checkpoint_picker.button(fit, loaded, switch_model)
        choose_sequence(film, page.shown.sequence, choose)
        panels.download(loaded, film, page.shown)
    warn_of(page.problems)
    st.caption(about(film, page.shown.sequence))
    kept = sequences(component_data(loaded, limits))
    if take_release(kept, loaded, limits):  # a page that outlived the server knows more than the new session
        st.rerun()
    panels.certainty(loaded, film, page.shown)
    panels.against_truth(loaded, film, page.shown)
    write_address(loaded)
    st.caption(checkpoint_picker.facts(loaded))


def refusal(card: Card) -> str:
    """Why a checkpoint has no course of time to show."""
    if families.spec_of(card).sequence:
        return ""
    return f"{card.name} is a {families.title(card.model)}, which takes single images: it has no time."


def take_release(received: object, loaded: Loaded, limits: Limits) -> bool:
    """Takes over what the browser sent when the hand let go.

    Returns:
        Whether it was new and for this model.
    """

    def reader(received: object) -> Shown | None:
        if isinstance(received, Mapping) and received.get("model") != loaded.name:
            return None
        return url.from_json(received, page.shown, limits)

    return page.handle_release("time", received, reader)


def choose(sequence: int) -> None:
    """Another sequence, seen as far."""
    page.update(sequence=sequence, revise=True)


def switch_model(name: str) -> None:
    """Shows another checkpoint."""
    page.switch_checkpoint(name)


def about(film: Footage, number: int) -> str:
    """One line on the sequence: where it is from, and what is known of it."""
    parts = [f"**{film.data.split} sequence {number}** of {plain(film.data.name)}"]
    parts += [f"{plain(name)} {plain(value)}" for name, value in film.labels(number).items()]
    return " · ".join([*parts, f"{film.data.length} frames"])


def component_data(loaded: Loaded, limits: Limits) -> dict[str, Any]:
    """What the live sequence is told."""
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
    """What to do where there is no model of sequences."""
    st.title("Time")
    st.info(
        "A model of sequences, such as TD-VAE, has no checkpoint yet. It learns what it believes of a world's state "
        "from frames seen so far, and jumps to states further on. Train one on digits that wander, then encode them:"
        f"\n\n{TRAIN}\n\nWithout MNIST, on the digits that come along:\n\n{TRAIN_SMALL}",
        icon=":material/model_training:",
    )  # fmt: skip


def no_sequences(loaded: Loaded, reason: str) -> None:
    """What to do where the model's data set is not on this machine."""
    card = loaded.entry.card
    data = card.data["name"] if card else "its data set"
    st.info(
        f"{plain(loaded.name)} was trained on {plain(data)}, whose sequences are not on this machine, so there is "
        f"nothing to show it. {plain(reason)}\n\nIts codes can still be looked at under Explore. A model of "
        f"sequences that are always there:\n\n{TRAIN_SMALL}",
        icon=":material/folder_off:",
    )  # fmt: skip


def write_address(loaded: Loaded) -> None:
    """Puts what is shown into the address bar."""
    page.write_address({"model": loaded.name} | url.query(page.shown))


main()
