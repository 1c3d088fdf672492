"""Chooses the sequence of the Time page: by number, previous or next, at random, filtered by label."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from explorer.pages.shared.text import plain
from explorer.scene.sequences import SequenceCollection
from models.data import Attribute

__all__ = ["among", "choose_sequence"]

S = st.session_state
Choose = Callable[[int], None]
ANY = "any"


def choose_sequence(sequences: SequenceCollection, shown: int, choose: Choose) -> None:
    """The sequence's number, buttons for the previous, next and a random one, and a filter for each label."""
    rows = among(sequences)
    last = len(sequences.data) - 1
    S.time_sequence = shown
    st.number_input(
        "Sequence",
        0,
        last,
        key="time_sequence",
        width=132,
        on_change=lambda: choose(int(S.time_sequence)),
        help=f"Its row in the test split, 0 to {last:,}",
    )
    among_text = f"of the {len(rows):,} sequences that pass the filter"
    with st.container(horizontal=True, gap="xxsmall", width="content"):
        for label, icon, key, take in (
            ("", ":material/chevron_left:", "previous", lambda: _before(rows, shown)),
            ("", ":material/chevron_right:", "next", lambda: _after(rows, shown)),
            ("Random", ":material/casino:", "random", lambda: int(np.random.default_rng().choice(rows))),
        ):
            st.button(
                label,
                icon=icon,
                key=f"time_{key}",
                disabled=not len(rows),
                help=f"{key.capitalize()} {among_text}",
                on_click=lambda take=take: choose(take()),
            )
    for attribute in _filters(sequences):
        st.selectbox(
            plain(attribute.title),
            [ANY, *attribute.labels],
            key=_key(attribute),
            width=100,
            on_change=lambda: _first(sequences, shown, choose),
        )


def among(sequences: SequenceCollection) -> NDArray[np.int64]:
    """Rows of the sequences that pass the filters, shape (M,), ascending."""
    mask = np.ones(len(sequences.data), bool)
    for attribute in _filters(sequences):
        label = S.get(_key(attribute), ANY)
        if label in attribute.labels:
            mask &= attribute.values == attribute.labels.index(label)
    return np.flatnonzero(mask)


def _filters(sequences: SequenceCollection) -> list[Attribute]:
    """The attributes of the sequences that have labels."""
    return [each for each in sequences.data.attributes.values() if each.kind != "continuous" and each.labels]


def _first(sequences: SequenceCollection, shown: int, choose: Choose) -> None:
    """Chooses the next sequence that passes the filters, unless the current one does."""
    rows = among(sequences)
    if len(rows) and shown not in rows:
        choose(_after(rows, shown))


def _after(rows: NDArray[np.int64], shown: int) -> int:
    """The first of the ascending rows after `shown`, wrapping around."""
    later = rows[rows > shown]
    return int(later[0] if len(later) else rows[0])


def _before(rows: NDArray[np.int64], shown: int) -> int:
    """The last of the ascending rows before `shown`, wrapping around."""
    earlier = rows[rows < shown]
    return int(earlier[-1] if len(earlier) else rows[-1])


def _key(attribute: Attribute) -> str:
    return f"time_only_{attribute.name}"
