"""Selected images: on the map, by a filter or a search; stored as named groups."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Literal

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
from explorer.pages.shared.text import plain, with_code
from explorer.scene.loaded import Loaded
from explorer.sharing.exports import items_csv
from explorer.workspace.selection_bits import as_bits, from_bits
from explorer.workspace.storage import Group
from models.data.ends import ENDS

__all__ = ["bar", "chosen", "forget", "picker", "put", "receive", "stage_data"]

S = st.session_state
OPERATIONS = {"Select": "replace", "Add": "add", "Intersect": "within"}


def chosen(loaded: Loaded) -> tuple[int, ...]:
    """Selected rows of the atlas, ascending."""
    model, items = S.get("selection", ("", ()))
    return items if model == loaded.name else ()


def stage_data(loaded: Loaded) -> dict[str, Any]:
    """The selection for the stage; `revision` increases when the page, not the stage, changes it."""
    return {"bits": as_bits(chosen(loaded), loaded.count), "revision": S.get("selection_revision", 0)}


def receive(received: object, loaded: Loaded) -> bool:
    """Adopts what was selected on the map; invalid input is ignored.

    Returns:
        Whether it was new.
    """

    def apply(received: object) -> bool:
        if not isinstance(received, Mapping) or received.get("model") != loaded.name:
            return False
        try:
            S.selection = (loaded.name, from_bits(received.get("bits"), loaded.count))
        except ValueError:
            return False
        return True

    return page.now.handle("selection", received, apply)


def forget() -> None:
    """Clears the selection, when another model is opened."""
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
            method = st.segmented_control(
                "Select by",
                ["Filter", "Search", "Groups"],
                default="Filter",
                key="select-way",
                label_visibility="collapsed",
                width="stretch",
            )
            {"Filter": _filter, "Search": _search, "Groups": _groups}[method or "Filter"](loaded)


def _filter(loaded: Loaded) -> None:
    """Selects by the values of attributes."""
    attributes = loaded.atlas.attributes
    if not attributes:
        st.caption(
            "This collection has no attributes. Select on the map with Box or Lasso, or search by number."
        )
        return
    names = st.multiselect(
        "Attributes",
        list(attributes),
        format_func=lambda name: attributes[name].title,
        key="filter-names",
        placeholder="Choose what to filter by",
    )
    conditions = {name: _condition(name, attributes[name]) for name in names}
    rows = np.flatnonzero(matching(attributes, conditions, loaded.count)) if names else np.zeros(0, int)
    st.caption(f"{len(rows):,} of {loaded.count:,} images" if names else "Images must meet every condition.")
    _offer(loaded, rows.tolist(), "filter")


def _condition(name: str, attribute: Any) -> Any:
    """The widget for one attribute's condition."""
    key = f"filter-{name}"
    if attribute.kind == "binary":
        labels = attribute.labels or ("no", "yes")
        value = st.segmented_control(
            plain(attribute.title),
            labels,
            default=labels[1],
            key=key,
            required=True,
            format_func=plain,
        )
        return value != labels[0]
    if attribute.kind == "categorical":
        return st.multiselect(plain(attribute.title), attribute.labels, default=attribute.labels[:1], key=key)
    low, high = extent(attribute)
    if low == high:
        st.caption(f"{plain(attribute.title)} is {low:g} for all images.")
        return low, high
    return st.slider(plain(attribute.title), low, high, (low, high), key=key)


def _search(loaded: Loaded) -> None:
    """Selects by names, numbers and words."""
    card = loaded.entry.card
    ends = ENDS.get(card.data["name"], {}) if card else {}
    text = st.text_input(
        "Search",
        key="search-text",
        placeholder=example(loaded.atlas.attributes, loaded.atlas.names, loaded.count),
        help="Names, numbers and ranges, and words in labels, file names and captions. Space means AND, "
        "a comma means OR. The name of a continuous attribute finds its highest third.",
    )
    titles = {item: own.title for item, own in loaded.own.items()}
    try:
        texts = loaded.text_searches if text.strip() else ()
        items = search(text, loaded.atlas.attributes, loaded.atlas.names, titles, ends, texts)
    except ValueError as error:
        st.warning(with_code(str(error)))
        items = []
    rows = [item for item in items if item < loaded.count]
    if text and len(items) > len(rows):
        st.caption("Your own pictures: " + ", ".join(plain(titles[i]) for i in items if i in titles))
    if rows:
        st.caption(f"{len(rows):,} of {loaded.count:,} images")
    _offer(loaded, rows, "search")


def _offer(loaded: Loaded, rows: list[int], key: str) -> None:
    """Buttons that make the rows the selection, or combine them with the current one."""
    before, matches = set(chosen(loaded)), set(rows)
    results = {"replace": matches, "add": before | matches, "within": before & matches}
    with st.container(horizontal=True, gap="small"):
        for label, name in OPERATIONS.items():
            disabled = not rows or (name != "replace" and not before)
            kind: Literal["primary", "secondary"] = "primary" if name == "replace" else "secondary"
            if st.button(label, key=f"{key}-{name}", disabled=disabled, type=kind):
                put(loaded, results[name])
                st.rerun()


def _groups(loaded: Loaded) -> None:
    """The stored groups: select, download, delete, restore."""
    groups = loaded.groups
    if not groups:
        st.caption(
            "No group yet. Select images with Box or Lasso on the map, by a filter or a search, then name "
            "the selection below the stage."
        )
    for group in groups.values():
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            shown = f"{plain(group.title)} · {len(group.items):,}"
            if st.button(shown, key=f"group-{group.name}", help=plain(group.note) or None, width="stretch"):
                put(loaded, group.items)
                st.rerun()
            file_button(
                st,
                "CSV",
                f"{group.name}.csv",
                partial(items_csv, loaded.atlas, group.items),
                f"group-csv-{group.name}",
                type="tertiary",
                help="Images of the group as CSV",
            )
            if st.button("Delete", key=f"group-drop-{group.name}", type="tertiary", help="Can be restored"):
                with faults.reported():
                    loaded.drop_group(group.name)
                    recently_deleted.keep("group", loaded.name, group)
                    st.rerun()
    last: Group | None = recently_deleted.last("group", loaded.name)
    if last and st.button(f"Restore “{plain(last.title)}”", icon=":material/undo:", key="group-back"):
        with faults.reported():
            loaded.keep_group(last)
            recently_deleted.take("group", loaded.name)
            st.rerun()


def bar(loaded: Loaded) -> None:
    """The current selection: how it differs from the rest, fields to store it as a group, CSV."""
    items = chosen(loaded)
    if not items:
        return
    with st.container(border=True, key="selection-bar", gap="small"):
        st.markdown(
            f"**{len(items):,} images selected** · {_difference(loaded, items)}", help=tooltip("difference")
        )
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            title = st.text_input("Name", key="group-title", max_chars=TITLE_LENGTH, width=200)
            note = st.text_input("Note", key="group-note", max_chars=NOTE_LENGTH, width=300)
            name = slug(title)
            known = name in loaded.groups
            if st.button(
                "Replace group" if known else "Save as group",
                icon=":material/bookmark_add:",
                disabled=not name,
                key="group-keep",
                help="Groups are stored, and can define directions." if name else "Enter a name first.",
            ):
                _keep(loaded, Group(name, title.strip(), items, note.strip()))
            file_button(
                st,
                "CSV",
                f"{loaded.name}-selection.csv",
                partial(items_csv, loaded.atlas, items),
                "selection-csv",
                icon=":material/download:",
            )
            if st.button("Clear", icon=":material/close:", key="selection-clear"):
                put(loaded, ())
                st.rerun()


def _keep(loaded: Loaded, group: Group) -> None:
    try:
        loaded.keep_group(group)
    except ValueError as error:
        st.warning(with_code(str(error)))
        return
    st.toast(f"Group “{group.title}” saved with {len(group.items):,} images.", icon=":material/bookmark:")


def _difference(loaded: Loaded, items: tuple[int, ...]) -> str:
    """Attributes in which the selection differs from the rest by more than chance."""
    if reason := unsupported("difference", min(len(items), loaded.count - len(items))):
        return reason
    differences = telling(loaded.atlas.attributes, items, loaded.count)
    if not differences:
        return "no attribute differs from the rest by more than chance"
    kinds = {attribute.title: attribute.kind for attribute in loaded.atlas.attributes.values()}

    def text(title: str, value: float) -> str:
        return f"{value:.2f}" if kinds.get(title) == "continuous" else f"{100 * value:.0f} %"

    return " · ".join(
        f"{plain(each.title)} {text(each.title, each.inside)} ({text(each.title, each.interval[0])} to "
        f"{text(each.title, each.interval[1])}; others {text(each.title, each.outside)})"
        for each in differences[:4]
    )
