"""The Time page: a sequence that a model sees up to a frame, what it then believes, and the futures it imagines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import streamlit as st

from explorer.catalogue import families
from explorer.components.sequences import sequences
from explorer.pages.sequences import panels, url
from explorer.pages.sequences.choice import choose_sequence
from explorer.pages.sequences.url import Limits, Shown
from explorer.pages.shared import address, checkpoint_picker, controls, opening, releases
from explorer.pages.shared.layout import warn_of
from explorer.pages.shared.text import plain
from explorer.scene.forecasts import longest_jump
from explorer.scene.loaded import Loaded
from explorer.scene.sequences import Footage, footage
from models.card import Card

S = st.session_state
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
    able = opening.able(entries, refusal)
    loaded = opening.opened("tm", entries, refusal)
    if loaded is None or loaded.entry.card is None:
        warn_of(S.tm_problems)
        nothing_yet()
        return
    try:
        film = footage(loaded.entry.card)
    except ValueError as error:
        checkpoint_picker.button(able, loaded, switch_model)
        warn_of(S.tm_problems)
        no_sequences(loaded, str(error))
        return
    limits = Limits(len(film.data), film.data.length, longest_jump(loaded))
    settle(limits)
    take_release(getattr(S.get("time"), "edit", None), loaded, limits)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="time-controls"):
        checkpoint_picker.button(able, loaded, switch_model)
        choose_sequence(film, S.tm_shown.sequence, choose)
        panels.download(loaded, film, S.tm_shown)
    warn_of(S.tm_problems)
    st.caption(about(film, S.tm_shown.sequence))
    kept = sequences(component_data(loaded, limits))
    if take_release(kept, loaded, limits):  # a page that outlived the server knows more than the new session
        st.rerun()
    panels.certainty(loaded, film, S.tm_shown)
    panels.against_truth(loaded, film, S.tm_shown)
    write_address(loaded)
    st.caption(checkpoint_picker.facts(loaded))


def refusal(card: Card) -> str:
    """Why a checkpoint has no course of time to show."""
    if families.spec_of(card).sequence:
        return ""
    return f"{card.name} is a {families.title(card.model)}, which takes single images: it has no time."


def settle(limits: Limits) -> None:
    """Fills in what is shown: from the address, or the defaults."""
    if S.tm_shown is not None:
        return
    S.tm_revision = S.get("tm_revision", 0) + 1
    S.tm_shown, problems = url.from_query(S.tm_asked, limits)
    S.tm_problems += [f"In the address: {problem} Using the default." for problem in problems]


def take_release(received: object, loaded: Loaded, limits: Limits) -> bool:
    """Takes over what the browser sent when the hand let go; what does not hold is told and left.

    Returns:
        Whether it was new and for this model.
    """

    def follow(received: object) -> bool:
        if isinstance(received, Mapping) and received.get("model") != loaded.name:
            return False
        S.tm_problems = []
        try:
            S.tm_shown = url.from_json(received, S.tm_shown, limits)
        except ValueError as error:
            S.tm_problems = [f"The browser sent an edit that does not hold: {error}"]
        return True

    return releases.take("tm_received", received, follow)


def choose(sequence: int) -> None:
    """Another sequence, seen as far."""
    S.tm_shown = replace(S.tm_shown, sequence=sequence)
    S.tm_revision += 1
    S.tm_problems = []


def switch_model(name: str) -> None:
    """Shows another checkpoint."""
    opening.leave("tm", name)


def about(film: Footage, number: int) -> str:
    """One line on the sequence: where it is from, and what is known of it."""
    parts = [f"**{film.data.split} sequence {number}** of {plain(film.data.name)}"]
    parts += [f"{plain(name)} {plain(value)}" for name, value in film.labels(number).items()]
    return " · ".join([*parts, f"{film.data.length} frames"])


def component_data(loaded: Loaded, limits: Limits) -> dict[str, Any]:
    """What the live sequence is told."""
    shown: Shown = S.tm_shown
    return {
        "model": controls.model_data(loaded),
        "socket": "/live/time",
        "sequences": limits.count,
        "length": limits.length,
        "longest": limits.longest,
        "edit": asdict(shown),
        "revision": S.tm_revision,
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
    address.put("tm", {"model": loaded.name} | url.query(S.tm_shown))


main()
