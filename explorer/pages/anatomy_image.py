"""Which image the Anatomy page shows: by number, at random, among those with an attribute."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from explorer.live.loaded import Loaded
from models.data import Attribute

__all__ = ["among", "number", "same_image"]

S = st.session_state
Choose = Callable[[int], None]
ANY = "any"


def number(loaded: Loaded, item: int, choose: Choose) -> None:
    """The image's number, and one at random among those that the filter leaves."""
    found = among(loaded)
    S.anatomy_item = item
    st.number_input(
        "Image", 0, loaded.count - 1, key="anatomy_item", width=132,
        on_change=lambda: choose(int(S.anatomy_item)), help=f"Its row in the atlas, 0 to {loaded.count - 1}",
    )  # fmt: skip
    st.button(
        "Random", icon=":material/casino:", key="anatomy_random", disabled=not len(found),
        on_click=lambda: choose(int(np.random.default_rng().choice(found))),
        help=f"One of the {len(found):,} images that the filter leaves",
    )  # fmt: skip
    _filter(loaded, len(found), item, found, choose)


def among(loaded: Loaded) -> NDArray[np.int64]:
    """Rows of the images that the filter leaves, shape (M,)."""
    attribute = loaded.atlas.attributes.get(S.get("anatomy_attribute", ANY))
    if attribute is None:
        return np.arange(loaded.count)
    values = attribute.values
    if attribute.kind == "continuous":
        low, high = S.get(_key(attribute), (float(values.min()), float(values.max())))
        return np.flatnonzero((values >= low) & (values <= high))
    wanted = S.get(_key(attribute), [])
    named = _names(attribute)
    return np.flatnonzero(
        np.isin(values, [named.index(w) for w in wanted if w in named] or range(len(named)))
    )


def same_image(before: Loaded, item: int, after: Loaded) -> int | None:
    """The row of the same image in another model's atlas; None if it is of other data, or not there."""
    one, other = before.entry.card, after.entry.card
    if one is None or other is None or one.data != other.data:
        return None
    atlas = after.atlas
    same = (atlas.ids == before.atlas.ids[item]) & (np.array(atlas.split) == before.atlas.split[item])
    found = np.flatnonzero(same)
    return int(found[0]) if len(found) else None


def _filter(loaded: Loaded, left: int, item: int, found: NDArray[np.int64], choose: Choose) -> None:
    attributes = loaded.atlas.attributes
    if not attributes:
        return
    chosen = S.get("anatomy_attribute", ANY)
    label = "Filter" if chosen not in attributes else f"Filter: {attributes[chosen].title}"
    with st.popover(label, icon=":material/filter_alt:"), st.container(width=300, gap="small"):
        names = {ANY: "All images"} | {name: a.title for name, a in attributes.items()}
        if chosen not in names:
            S.anatomy_attribute = ANY
        st.selectbox("By", list(names), key="anatomy_attribute", format_func=names.__getitem__)
        attribute = attributes.get(S.anatomy_attribute)
        if attribute is not None:
            _values(attribute)
        st.caption(f"{left:,} of {loaded.count:,} images")
        if left and item not in found:
            st.caption("The image that is shown is not among them.")
        st.button(
            "Show the next of them", icon=":material/skip_next:", width="stretch", disabled=not left,
            on_click=lambda: choose(_after(found, item)),
        )  # fmt: skip


def _values(attribute: Attribute) -> None:
    """The filter's values: names to tick, or a range."""
    if attribute.kind != "continuous":
        st.pills("Values", _names(attribute), selection_mode="multi", key=_key(attribute))
        return
    low, high = float(attribute.values.min()), float(attribute.values.max())
    if low < high:
        S.setdefault(_key(attribute), (low, high))
        st.slider("Range", low, high, key=_key(attribute), step=(high - low) / 100, format="%.2f")


def _names(attribute: Attribute) -> list[str]:
    if attribute.labels:
        return list(attribute.labels)
    return ["no", "yes"] if attribute.kind == "binary" else sorted({str(v) for v in attribute.values})


def _key(attribute: Attribute) -> str:
    return f"anatomy_filter_{attribute.name}"


def _after(found: NDArray[np.int64], item: int) -> int:
    """The first of the ascending rows after `item`, from the start again behind the last."""
    later = found[found > item]
    return int(later[0] if len(later) else found[0])
