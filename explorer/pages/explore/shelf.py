"""The shelf: pinned items, directions and views, stored with the checkpoint."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import streamlit as st

from explorer.fields import SLIDER_LIMIT
from explorer.pages.explore.state import page
from explorer.pages.shared import controls, faults, recently_deleted
from explorer.pages.shared.picture import show_picture
from explorer.pages.shared.text import plain, with_code
from explorer.scene.engine import engine
from explorer.scene.handles import Places, place_handles
from explorer.scene.loaded import Loaded
from explorer.scene.view import UnknownView, View
from explorer.scene.views import resolve
from explorer.sharing.exports import picture_png
from explorer.workspace import stage_edit
from explorer.workspace.storage import PINS_AT_MOST, Pin

__all__ = ["pinner", "row"]

COLUMNS = 10  # pins in a row
ICONS = {"item": ":material/image:", "direction": ":material/trending_flat:", "view": ":material/map:"}
ACTIONS = {
    "item": "Put handle A on it",
    "direction": "Add one unit of it to the handles that the sliders move",
    "view": "Show this map with these handles and sliders",
}


def pinner(loaded: Loaded, view: View, edit: stage_edit.Edit) -> None:
    """A menu that pins an item, a direction or the view of the stage."""
    options = ["Item of A", "Item of B", "This view"]
    options += [
        f"Direction: {loaded.directions[name].title}" for name in _moved(edit) if name in loaded.directions
    ]
    chosen = st.menu_button(
        "Pin", options, icon=":material/keep:", key="pin", help="Put it on the shelf", format_func=plain
    )
    if chosen is None:
        return
    try:
        loaded.keep_pin(_pin(loaded, view, edit, chosen))
        st.toast("Pinned to the shelf, below the stage.", icon=":material/keep:")
    except ValueError as error:
        st.toast(with_code(str(error)), icon=":material/warning:")


def _moved(edit: stage_edit.Edit) -> list[str]:
    """Directions whose slider is not 0 at one of the handles."""
    return list(dict.fromkeys([name for h in (edit.A, edit.B) for name, s in h.sliders.items() if s]))


def _pin(loaded: Loaded, view: View, edit: stage_edit.Edit, chosen: str) -> Pin:
    if chosen.startswith("Item of"):
        item = getattr(edit, chosen[-1]).item
        return Pin("item", loaded.name_of(item), str(item))
    if chosen == "This view":
        params = {"view": view.id, "colour": page.shown.colour or "none"} | stage_edit.query(
            edit, controls.default_edit(view), loaded.token_of
        )
        return Pin("view", f"View {sum(pin.kind == 'view' for pin in loaded.pins) + 1}", params)
    title = chosen.removeprefix("Direction: ")
    name = next(name for name in _moved(edit) if loaded.directions[name].title == title)
    return Pin("direction", title, name)


def row(loaded: Loaded, view: View) -> None:
    """The pins as images and buttons; nothing if there are none."""
    pins = loaded.pins
    if not pins and not recently_deleted.last("pin", loaded.name):
        return
    with st.container(border=True, key="shelf", gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"**Shelf** · {len(pins)} of {PINS_AT_MOST}", width="stretch")
            removing = st.toggle("Remove pins", key="shelf-taking") if pins else False
            _restore(loaded)
        for start in range(0, len(pins), COLUMNS):
            columns = st.columns(COLUMNS, gap="small")
            for column, (number, pin) in zip(
                columns, enumerate(pins[start : start + COLUMNS], start), strict=False
            ):
                with column:
                    _one(loaded, view, number, pin, removing)


def _one(loaded: Loaded, view: View, number: int, pin: Pin, removing: bool) -> None:
    picture, title = _picture(loaded, view, pin), plain(_title(loaded, pin))
    if picture is not None:
        show_picture(picture, pin.title)
    if removing:
        if st.button(title, key=f"pin-drop-{number}", icon=":material/close:", width="stretch"):
            with faults.reported():
                loaded.drop_pin(pin)
                recently_deleted.keep("pin", loaded.name, pin)
                st.rerun()
    elif st.button(title, key=f"pin-{number}", icon=ICONS[pin.kind], width="stretch", help=ACTIONS[pin.kind]):
        _use(loaded, view, pin)
        st.rerun()


def _title(loaded: Loaded, pin: Pin) -> str:
    """The title of a pin; for an item, its current name."""
    named = pin.kind == "item" and loaded.has(int(str(pin.value)))
    return loaded.name_of(int(str(pin.value))) if named else pin.title


def _restore(loaded: Loaded) -> None:
    last: Pin | None = recently_deleted.last("pin", loaded.name)
    if last and st.button("Restore pin", icon=":material/undo:", key="pin-back", type="tertiary"):
        with faults.reported():
            loaded.keep_pin(last)
            recently_deleted.take("pin", loaded.name)
            st.rerun()


def _picture(loaded: Loaded, view: View, pin: Pin) -> bytes | None:
    """The image of a pin: an item, or picture A of a view."""
    try:
        if pin.kind == "item" and isinstance(pin.value, str):
            z = loaded.latents([int(pin.value)])
        elif pin.kind == "view" and isinstance(pin.value, dict):
            pinned = resolve(loaded, pin.value.get("view", view.id))
            edit = _edit(loaded, pinned, pin.value)
            z = place_handles(loaded, pinned, [edit.A], edit.residual, edit.level)
        else:
            return None
    except (ValueError, KeyError, IndexError):
        return None  # it no longer exists; a click on the button reports that
    return picture_png(engine().decode_sync(loaded, np.ascontiguousarray(z), background=True)[0], 1)


def _edit(loaded: Loaded, view: View, params: dict[str, str]) -> stage_edit.Edit:
    levels = len(controls.levels(loaded))
    return stage_edit.edit_from_query(
        params, controls.default_edit(view), Places(loaded, view), loaded.directions, levels
    )[0]


def _use(loaded: Loaded, view: View, pin: Pin) -> None:
    """Performs the action of a pin (`ACTIONS`)."""
    edit = page.shown.edit
    if pin.kind == "view" and isinstance(pin.value, dict):
        try:
            pinned = resolve(loaded, pin.value.get("view", view.id))
        except UnknownView as error:
            page.report(str(error))
            return
        edit = stage_edit.settled(_edit(loaded, pinned, pin.value), Places(loaded, pinned))
        colour = pin.value.get("colour")
        colour = colour if colour in controls.colours(loaded) else None
        page.update(view=pinned.id, colour=colour, edit=edit, revise=True)
    elif pin.kind == "item" and loaded.has(item := int(str(pin.value))):
        x, y = map(float, Places(loaded, view)[item])
        page.update(edit=replace(edit, A=replace(edit.A, item=item, x=x, y=y)), revise=True)
    elif pin.kind == "direction" and pin.value in loaded.directions:
        for letter in "AB" if edit.target == "both" else edit.target:
            handle = getattr(edit, letter)
            step = min(SLIDER_LIMIT, handle.sliders.get(str(pin.value), 0.0) + 1)
            moved = replace(handle, sliders={**handle.sliders, str(pin.value): step})
            edit = replace(edit, **{letter: moved})
        page.update(edit=edit, revise=True)
    else:
        page.report(f"“{pin.title}” no longer exists.")
