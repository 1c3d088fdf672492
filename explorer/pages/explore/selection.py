"""Images that are meant together: selected on the map, by a filter or a search, and kept as named groups."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import streamlit as st

from explorer.fields import NOTE_LENGTH, TITLE_LENGTH
from explorer.latent.attribute_values import extent
from explorer.latent.directions.mean_difference import slug
from explorer.latent.statistics.registry import tooltip, unsupported
from explorer.latent.statistics.selection import example, matching, search, telling
from explorer.pages.explore.state import page
from explorer.pages.shared import faults, recently_deleted
from explorer.pages.shared.file_button import file_button
from explorer.pages.shared.text import plain
from explorer.scene.loaded import Loaded
from explorer.sharing.exports import items_csv
from explorer.workspace.storage import Group
from models.data.ends import ENDS

__all__ = ["bar", "chosen", "forget", "picker", "put", "take", "told"]

S = st.session_state
FIXED = {"Select": "replace", "Add": "add", "Keep only": "within"}


def chosen(loaded: Loaded) -> tuple[int, ...]:
    """Rows of the atlas that are selected, ascending."""
    model, items = S.get("selection", ("", ()))
    return items if model == loaded.name else ()


def told(loaded: Loaded) -> dict[str, Any]:
    """The selection as the stage is told it; its revision rises when the page, not the hand, has changed it."""
    return {"items": list(chosen(loaded)), "revision": S.get("selection_revision", 0)}


def take(received: object, loaded: Loaded) -> bool:
    """Takes over what was selected on the map; what is not valid is left.

    Returns:
        Whether it was new.
    """

    def apply(received: object) -> bool:
        if not isinstance(received, Mapping) or received.get("model") != loaded.name:
            return False
        items = received.get("items")
        if not isinstance(items, list) or len(items) > loaded.count:
            return False
        if any(type(item) is not int or not 0 <= item < loaded.count for item in items):
            return False
        S.selection = (loaded.name, tuple(sorted(set(items))))
        return True

    return page.now.handle("selection", received, apply)


def forget() -> None:
    """Selects nothing, for another model."""
    S.pop("selection", None)


def put(loaded: Loaded, items: Any) -> None:
    """Selects items from the page."""
    S.selection = (loaded.name, tuple(sorted({int(item) for item in items})))
    S.selection_revision = S.get("selection_revision", 0) + 1


def picker(loaded: Loaded) -> None:
    """A popover that selects by filter, search or group."""
    with st.popover("Select", icon=":material/filter_alt:", key="select-open", on_change="rerun") as opened:
        if not opened.open:
            return
        with st.container(width=360, gap="small"):
            way = st.segmented_control(
                "Select by", ["Filter", "Search", "Groups"], default="Filter", key="select-way",
                label_visibility="collapsed", width="stretch",
            )  # fmt: skip
            {"Filter": _filter, "Search": _search, "Groups": _groups}[way or "Filter"](loaded)


def _filter(loaded: Loaded) -> None:
    """By the values of attributes."""
    attributes = loaded.atlas.attributes
    if not attributes:
        st.caption(
            "This collection has no attributes. Select on the map with Box or Lasso, or search by number."
        )
        return
    names = st.multiselect(
        "Attributes", list(attributes), format_func=lambda name: attributes[name].title, key="filter-names",
        placeholder="Choose what to filter by",
    )  # fmt: skip
    conditions = {name: _condition(name, attributes[name]) for name in names}
    found = np.flatnonzero(matching(attributes, conditions, loaded.count)) if names else np.zeros(0, int)
    st.caption(f"{len(found):,} of {loaded.count:,} images" if names else "Every condition must hold.")
    _offer(loaded, found.tolist(), "filter")


def _condition(name: str, attribute: Any) -> Any:
    """The widget for one attribute's condition."""
    key = f"filter-{name}"
    if attribute.kind == "binary":
        words = attribute.labels or ("no", "yes")
        wanted = st.segmented_control(attribute.title, words, default=words[1], key=key, required=True)
        return wanted != words[0]
    if attribute.kind == "categorical":
        return st.multiselect(attribute.title, attribute.labels, default=attribute.labels[:1], key=key)
    low, high = extent(attribute)
    if low == high:
        st.caption(f"{attribute.title} is {low:g} everywhere.")
        return low, high
    return st.slider(attribute.title, low, high, (low, high), key=key)


def _search(loaded: Loaded) -> None:
    """By names, numbers and words."""
    card = loaded.entry.card
    ends = ENDS.get(card.data["name"], {}) if card else {}
    text = st.text_input(
        "Search", key="search-text",
        placeholder=example(loaded.atlas.attributes, loaded.atlas.names, loaded.count),
        help="Names, numbers and ranges, and words in labels, file names and captions. Words of one part must all hold; commas add parts up. "
        "The name of a scale finds its highest third.",
    )  # fmt: skip
    titles = {item: own.title for item, own in loaded.own.items()}
    try:
        texts = [each.values for each in loaded.atlas.texts.values()]
        found = search(text, loaded.atlas.attributes, loaded.atlas.names, titles, ends, texts)
    except ValueError as error:
        st.warning(plain(str(error)))
        found = []
    rows = [item for item in found if item < loaded.count]
    if text and len(found) > len(rows):
        st.caption("Among your own pictures: " + ", ".join(plain(titles[i]) for i in found if i in titles))
    if rows:
        st.caption(f"{len(rows):,} of {loaded.count:,} images")
    _offer(loaded, rows, "search")


def _offer(loaded: Loaded, found: list[int], key: str) -> None:
    """Buttons that make what was found the selection, or join it with the present one."""
    before = set(chosen(loaded))
    with st.container(horizontal=True, gap="small"):
        for label, how in FIXED.items():
            off = not found or (how != "replace" and not before)
            if st.button(
                label, key=f"{key}-{how}", disabled=off, type="primary" if how == "replace" else "secondary"
            ):
                joined = {"replace": set(found), "add": before | set(found), "within": before & set(found)}[
                    how
                ]
                put(loaded, joined)
                st.rerun()


def _groups(loaded: Loaded) -> None:
    """The groups that are kept: show, delete, have back."""
    groups = loaded.groups
    if not groups:
        st.caption(
            "No group yet. Select images with Box or Lasso on the map, by a filter or a search, then give them a name "
            "below the stage."
        )
    for group in groups.values():
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            shown = f"{plain(group.title)} · {len(group.items):,}"
            if st.button(shown, key=f"group-{group.name}", help=plain(group.note) or None, width="stretch"):
                put(loaded, group.items)
                st.rerun()
            file_button(
                st, "CSV", f"{group.name}.csv", partial(items_csv, loaded.atlas, group.items), f"group-csv-{group.name}",
                type="tertiary", help="Its images as CSV",
            )  # fmt: skip
            if st.button(
                "Delete", key=f"group-drop-{group.name}", type="tertiary", help="It can be brought back"
            ):
                with faults.reported():
                    loaded.drop_group(group.name)
                    recently_deleted.keep("group", loaded.name, group)
                    st.rerun()
    last: Group | None = recently_deleted.last("group", loaded.name)
    if last and st.button(f"Bring back “{plain(last.title)}”", icon=":material/undo:", key="group-back"):
        with faults.reported():
            loaded.keep_group(last)
            recently_deleted.take("group", loaded.name)
            st.rerun()


def bar(loaded: Loaded) -> None:
    """What is selected: what sets it apart, a name to keep it by, its images as a table."""
    items = chosen(loaded)
    if not items:
        return
    with st.container(border=True, key="selection-bar", gap="small"):
        st.markdown(
            f"**{len(items):,} images selected** · {_apart(loaded, items)}", help=tooltip("difference")
        )
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            title = st.text_input("Name", key="group-title", max_chars=TITLE_LENGTH, width=200)
            note = st.text_input("Note", key="group-note", max_chars=NOTE_LENGTH, width=300)
            name = slug(title)
            known = name in loaded.groups
            if st.button(
                "Replace group" if known else "Keep as group", icon=":material/bookmark_add:", disabled=not name,
                key="group-keep",
                help="Groups make directions, and stay for later." if name else "Give it a name first.",
            ):  # fmt: skip
                _keep(loaded, Group(name, title.strip(), items, note.strip()))
            file_button(
                st, "CSV", f"{loaded.name}-selection.csv", partial(items_csv, loaded.atlas, items), "selection-csv",
                icon=":material/download:",
            )  # fmt: skip
            if st.button("Clear", icon=":material/close:", key="selection-clear"):
                put(loaded, ())
                st.rerun()


def _keep(loaded: Loaded, group: Group) -> None:
    try:
        loaded.keep_group(group)
    except ValueError as error:
        st.warning(plain(str(error)))
        return
    st.toast(f"“{group.title}” is kept with {len(group.items):,} images.", icon=":material/bookmark:")


def _apart(loaded: Loaded, items: tuple[int, ...]) -> str:
    """What the selection has more or less of than the rest, as far as chance does not explain it."""
    if reason := unsupported("difference", min(len(items), loaded.count - len(items))):
        return reason
    found = telling(loaded.atlas.attributes, items, loaded.count)
    if not found:
        return "no attribute differs from the rest by more than chance"
    kinds = {attribute.title: attribute.kind for attribute in loaded.atlas.attributes.values()}

    def said(title: str, value: float) -> str:
        return f"{value:.2f}" if kinds.get(title) == "continuous" else f"{100 * value:.0f} %"

    return " · ".join(
        f"{plain(each.title)} {said(each.title, each.inside)} ({said(each.title, each.interval[0])} to "
        f"{said(each.title, each.interval[1])}; others {said(each.title, each.outside)})"
        for each in found[:4]
    )
