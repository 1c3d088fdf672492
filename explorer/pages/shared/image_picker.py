"""Chooses an image: by name, or at random among those that an attribute filter leaves."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from explorer.catalogue.data_titles import pictures_key
from explorer.latent.attribute_values import extent, value_names
from explorer.pages.shared.item_field import item_field
from explorer.pages.shared.text import plain
from explorer.scene.loaded import Loaded
from models.data import Attribute

__all__ = ["WAITING", "among", "chooser", "same_image", "wait_for_originals"]

S = st.session_state
Choose = Callable[[int], None]
ANY = "any"
WAITING = ("unasked", "loading")  # states of originals that are not loaded yet


def chooser(
    loaded: Loaded,
    item: int | None,
    choose: Choose,
    tell: Callable[[str], None],
    key: str = "anatomy",
    label: str = "Image",
) -> None:
    """A field for the image's name, a button for a random image, and a filter.

    Arguments:
        loaded: The model, whose atlas has the images.
        item: Row of the atlas; None if the image shown is not in it.
        choose: Called with another row.
        tell: Called with a message if the text names no image.
        key: Prefix of the widget keys, unique for each image of a page.
        label: Label of the field.
    """
    matching = among(loaded, key)

    def put(other: int | None) -> None:
        if other is not None:
            choose(other)

    item_field(
        loaded, label, f"{key}_item", item, put, tell, empty="Sample" if item is None else "", own=False
    )
    st.button(
        "Random",
        icon=":material/casino:",
        key=f"{key}_random",
        disabled=not len(matching),
        on_click=lambda: choose(int(np.random.default_rng().choice(matching))),
        help=f"One of the {len(matching):,} images that pass the filter",
    )
    _filter(loaded, item, matching, choose, key)


def among(loaded: Loaded, key: str = "anatomy") -> NDArray[np.int64]:
    """Rows of the images that pass the filter, shape (M,)."""
    attribute = loaded.atlas.attributes.get(S.get(f"{key}_attribute", ANY))
    if attribute is None:
        return np.arange(loaded.count)
    values = attribute.values
    if attribute.kind == "continuous":
        if _key(attribute, key) not in S:
            return np.arange(loaded.count)
        low, high = S[_key(attribute, key)]
        return np.flatnonzero((values >= low) & (values <= high))
    named = value_names(attribute)
    wanted = [named.index(each) for each in S.get(_key(attribute, key), []) if each in named]
    return np.flatnonzero(np.isin(values, wanted)) if wanted else np.arange(loaded.count)


def same_image(before: Loaded, item: int, after: Loaded) -> int | None:
    """The row of the same image in another model's atlas; None if its data differ or the image is missing."""
    one, other = before.entry.card, after.entry.card
    if one is None or other is None or pictures_key(one) != pictures_key(other):
        return None
    atlas = after.atlas
    same = (atlas.ids == before.atlas.ids[item]) & (np.array(atlas.split) == before.atlas.split[item])
    rows = np.flatnonzero(same)
    return int(rows[0]) if len(rows) else None


@st.fragment(run_every=0.5)
def wait_for_originals(loaded: Loaded) -> None:
    """Reruns the page once the data set's images are loaded or known to be absent."""
    if loaded.originals.state not in WAITING:
        st.rerun()


def _filter(loaded: Loaded, item: int | None, matching: NDArray[np.int64], choose: Choose, key: str) -> None:
    attributes, count, by = loaded.atlas.attributes, len(matching), f"{key}_attribute"
    if not attributes:
        return
    chosen = S.get(by, ANY)
    label = "Filter" if chosen not in attributes else f"Filter: {plain(attributes[chosen].title)}"
    with (
        st.popover(label, icon=":material/filter_alt:", key=f"{key}_filter"),
        st.container(width=300, gap="small"),
    ):
        names = {ANY: "All images"} | {name: a.title for name, a in attributes.items()}
        if chosen not in names:
            S[by] = ANY
        st.selectbox("By", list(names), key=by, format_func=names.__getitem__)
        attribute = attributes.get(S[by])
        if attribute is not None:
            _values(attribute, _key(attribute, key))
        st.caption(f"{count:,} of {loaded.count:,} images")
        if count and item is not None and item not in matching:
            st.caption("The current image is not among them.")
        st.button(
            "Next match",
            icon=":material/skip_next:",
            width="stretch",
            disabled=not count,
            key=f"{key}_next",
            on_click=lambda: choose(_after(matching, -1 if item is None else item)),
        )


def _values(attribute: Attribute, key: str) -> None:
    """The filter's values: names to select, or a range."""
    if attribute.kind != "continuous":
        st.pills("Values", value_names(attribute), selection_mode="multi", key=key, format_func=plain)
        return
    low, high = extent(attribute)
    if low < high:
        S.setdefault(key, (low, high))
        st.slider("Range", low, high, key=key, step=(high - low) / 100, format="%.2f")


def _key(attribute: Attribute, key: str) -> str:
    return f"{key}_filter_{attribute.name}"


def _after(rows: NDArray[np.int64], item: int) -> int:
    """The first of the ascending rows after `item`, wrapping around."""
    later = rows[rows > item]
    return int(later[0] if len(later) else rows[0])
