"""Filters and sorts a list of checkpoints (search, data set, family), and previews each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

import streamlit as st

from explorer.catalogue import families as zoo
from explorer.catalogue.data_titles import data_name
from explorer.live.routes import preview_address
from models import FAMILIES
from models.card import Card, Entry

__all__ = ["by_name", "by_showcase", "fits", "narrowed", "preview"]

FIRST = ("lpc-sprites", "faces")  # data sets whose images are recognised at once come first
NUMBERS = re.compile(r"(\d+)")


def narrowed(usable: Sequence[Entry], key: str) -> list[Entry]:
    """Shows a search field and two filters; returns the checkpoints that pass, in their original order.

    Arguments:
        usable: Checkpoints with a card.
        key: Prefix of the widget keys, unique for each list.
    """
    cards = [entry.card for entry in usable if entry.card]
    data_sets = sorted({data_name(card.data) for card in cards}, key=_data_rank)
    families = [family for family in FAMILIES if any(card.model == family for card in cards)]
    text = st.text_input(
        "Search",
        key=f"{key}_search",
        placeholder="Name, data set or model",
        width=230,
        persist_state="session",
        icon=":material/search:",
    )
    data = st.multiselect(
        "Data set", data_sets, key=f"{key}_data", placeholder="All", width=230, persist_state="session"
    )
    family = st.multiselect(
        "Family",
        families,
        key=f"{key}_family",
        format_func=zoo.title,
        placeholder="All",
        width=230,
        persist_state="session",
    )
    return [entry for entry in usable if entry.card and fits(entry.card, text or "", data, family)]


def fits(card: Card, text: str, data: Sequence[str] = (), family: Sequence[str] = ()) -> bool:
    """Whether a checkpoint matches every search word, and the data sets and families if given."""
    fields = [
        card.name,
        card.title,
        card.description,
        data_name(card.data),
        card.model,
        zoo.title(card.model),
    ]
    searched = " ".join(fields).casefold()
    return (
        all(word in searched for word in text.casefold().split())
        and (not data or data_name(card.data) in data)
        and (not family or card.model in family)
    )


def by_showcase(entry: Entry) -> tuple[object, ...]:
    """Sort key of checkpoints: sprites and faces first, then by data set and title."""
    if entry.card is None:
        return len(FIRST) + 1, entry.name, []
    return *_data_rank(data_name(entry.card.data)), by_name(entry.card.title)


def by_name(title: str) -> list[tuple[int, str]]:
    """Sort key of titles: natural order ("5-D" before "10-D"), ignoring case."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in NUMBERS.split(title.casefold())]


def preview(entry: Entry) -> None:
    """Six images that a checkpoint decodes; reserves their height before they load."""
    source = escape(preview_address(entry.name, entry.version), quote=True)
    name = escape(entry.name, quote=True)
    _, height, width = entry.card.config["image_shape"] if entry.card else (1, 1, 1)
    st.html(
        f'<img class="lx-preview" loading="lazy" src="{source}" alt="Six pictures that {name} decodes" '
        f'style="aspect-ratio:{6 * width}/{height};width:100%;border-radius:6px;image-rendering:pixelated;'
        'display:block;background:#8882">'
    )


def _data_rank(name: str) -> tuple[int, str]:
    return FIRST.index(name) if name in FIRST else len(FIRST), name
