"""Which sequence the Time page shows: by number, one after the other, at random, among those with a label."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from explorer.scene.sequences import Footage
from models.data import Attribute

__all__ = ["among", "choose_sequence"]

S = st.session_state
Choose = Callable[[int], None]
ANY = "any"


def choose_sequence(footage: Footage, shown: int, choose: Choose) -> None:
    """The sequence's number, its neighbours, one at random, and a filter for each label."""
    found = among(footage)
    last = len(footage.data) - 1
    S.time_sequence = shown
    st.number_input(
        "Sequence", 0, last, key="time_sequence", width=132,
        on_change=lambda: choose(int(S.time_sequence)), help=f"Its row in the test split, 0 to {last:,}",
    )  # fmt: skip
    told = f"of the {len(found):,} sequences that the filter leaves"
    with st.container(horizontal=True, gap="xxsmall", width="content"):
        for label, icon, key, take in (
            ("", ":material/chevron_left:", "previous", lambda: _before(found, shown)),
            ("", ":material/chevron_right:", "next", lambda: _after(found, shown)),
            ("Random", ":material/casino:", "random", lambda: int(np.random.default_rng().choice(found))),
        ):
            st.button(
                label, icon=icon, key=f"time_{key}", disabled=not len(found), help=f"{key.capitalize()} {told}",
                on_click=lambda take=take: choose(take()),
            )  # fmt: skip
    for attribute in _filters(footage):
        st.selectbox(
            attribute.title, [ANY, *attribute.labels], key=_key(attribute), width=100,
            on_change=lambda: _first(footage, shown, choose),
        )  # fmt: skip


def among(footage: Footage) -> NDArray[np.int64]:
    """Rows of the sequences that the filters leave, shape (M,), ascending."""
    kept = np.ones(len(footage.data), bool)
    for attribute in _filters(footage):
        wanted = S.get(_key(attribute), ANY)
        if wanted in attribute.labels:
            kept &= attribute.values == attribute.labels.index(wanted)
    return np.flatnonzero(kept)


def _filters(footage: Footage) -> list[Attribute]:
    """What is known of the sequences by name."""
    return [each for each in footage.data.attributes.values() if each.kind != "continuous" and each.labels]


def _first(footage: Footage, shown: int, choose: Choose) -> None:
    """Another filter: the sequence that is shown stays if it may, else the next that may is shown."""
    found = among(footage)
    if len(found) and shown not in found:
        choose(_after(found, shown))


def _after(found: NDArray[np.int64], shown: int) -> int:
    """The first of the ascending rows after `shown`, from the start again behind the last."""
    later = found[found > shown]
    return int(later[0] if len(later) else found[0])


def _before(found: NDArray[np.int64], shown: int) -> int:
    """The last of the ascending rows before `shown`, from the end again before the first."""
    earlier = found[found < shown]
    return int(earlier[-1] if len(earlier) else found[-1])


def _key(attribute: Attribute) -> str:
    return f"time_only_{attribute.name}"
