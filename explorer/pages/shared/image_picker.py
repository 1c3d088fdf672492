"""Which image a page shows: by name, at random, among those with an attribute."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from explorer.catalogue.data_titles import pictures_key
from explorer.latent.attribute_values import extent, value_names
from explorer.pages.shared.item_field import item_field
from explorer.scene.loaded import Loaded
from models.data import Attribute

__all__ = ["WAITING", "among", "chooser", "same_image", "wait_for_originals"]

S = st.session_state
Choose = Callable[[int], None]
ANY = "any"
WAITING = ("unasked", "loading")  # states of originals that are on their way


def chooser(
    loaded: Loaded,
    item: int | None,
    choose: Choose,
    tell: Callable[[str], None],
    key: str = "anatomy",
    label: str = "Image",
) -> None:
    """The image's name, and one at random among those that the filter leaves.

    Arguments:
        loaded: The model, whose atlas has the images.
        item: Row of the atlas; None where what is shown is none of its images.
        choose: Called with another row.
        tell: Called with a sentence where what was typed names no image.
        key: Start of Streamlit's keys, its own for each image of a page.
        label: Over the name.
    """
    found = among(loaded, key)

    def put(other: int | None) -> None:
        if other is not None:
            choose(other)

    item_field(
        loaded, label, f"{key}_item", item, put, tell, empty="Sample" if item is None else "", own=False
    )
    st.button(
        "Random", icon=":material/casino:", key=f"{key}_random", disabled=not len(found),
        on_click=lambda: choose(int(np.random.default_rng().choice(found))),
        help=f"One of the {len(found):,} images that the filter leaves",
    )  # fmt: skip
    _filter(loaded, item, found, choose, key)


def among(loaded: Loaded, key: str = "anatomy") -> NDArray[np.int64]:
    """Rows of the images that the filter leaves, shape (M,)."""
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
    """The row of the same image in another model's atlas; None if it is of other data, or not there."""
    one, other = before.entry.card, after.entry.card
    if one is None or other is None or pictures_key(one) != pictures_key(other):
        return None
    atlas = after.atlas
    same = (atlas.ids == before.atlas.ids[item]) & (np.array(atlas.split) == before.atlas.split[item])
    found = np.flatnonzero(same)
    return int(found[0]) if len(found) else None


@st.fragment(run_every=0.5)
def wait_for_originals(loaded: Loaded) -> None:
    """Runs the page again once the data set's pictures are here, or known not to be."""
    if loaded.originals.state not in WAITING:
        st.rerun()


def _filter(loaded: Loaded, item: int | None, found: NDArray[np.int64], choose: Choose, key: str) -> None:
    attributes, left, by = loaded.atlas.attributes, len(found), f"{key}_attribute"
    if not attributes:
        return
    chosen = S.get(by, ANY)
    label = "Filter" if chosen not in attributes else f"Filter: {attributes[chosen].title}"
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
        st.caption(f"{left:,} of {loaded.count:,} images")
        if left and item is not None and item not in found:
            st.caption("The image that is shown is not among them.")
        st.button(
            "Show the next of them", icon=":material/skip_next:", width="stretch", disabled=not left,
            key=f"{key}_next", on_click=lambda: choose(_after(found, -1 if item is None else item)),
        )  # fmt: skip


def _values(attribute: Attribute, key: str) -> None:
    """The filter's values: names to tick, or a range."""
    if attribute.kind != "continuous":
        st.pills("Values", value_names(attribute), selection_mode="multi", key=key)
        return
    low, high = extent(attribute)
    if low < high:
        S.setdefault(key, (low, high))
        st.slider("Range", low, high, key=key, step=(high - low) / 100, format="%.2f")


def _key(attribute: Attribute, key: str) -> str:
    return f"{key}_filter_{attribute.name}"


def _after(found: NDArray[np.int64], item: int) -> int:
    """The first of the ascending rows after `item`, from the start again behind the last."""
    later = found[found > item]
    return int(later[0] if len(later) else found[0])
