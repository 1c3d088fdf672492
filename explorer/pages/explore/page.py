"""The Explore page: choose a checkpoint, see its map, drag handles, walk, move along directions, download."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import streamlit as st

from explorer.components.stage import stage
from explorer.pages.explore import (
    first_map,
    neighbourhood,
    new_map,
    newer,
    own_images,
    selection,
    shelf,
)
from explorer.pages.explore.state import Shown, page
from explorer.pages.shared import (
    address,
    carried_checkpoint,
    checkpoint_picker,
    controls,
    downloads,
    sequence_note,
)
from explorer.pages.shared.layout import show_warnings
from explorer.pages.shared.page_state import connection_of, is_outdated
from explorer.scene.handles import Places, move_to_view
from explorer.scene.loaded import Loaded
from explorer.scene.view import UnknownView, View
from explorer.scene.views import default_view, resolve
from explorer.workspace import stage_edit
from models.card import CheckpointError

S = st.session_state


def main() -> None:
    """Controls, stage, and the edits that the stage sends."""
    entries = checkpoint_picker.entries()
    take_restore(getattr(S.get("stage"), "edit", None), entries)
    loaded = opened(entries)
    if loaded is None:
        show_warnings(page.problems)
        checkpoint_picker.nothing_yet(entries)
        return
    view = shown_view(loaded)
    take_release(getattr(S.get("stage"), "edit", None), loaded, view)
    view = chosen_view(loaded, view)
    first_map.line(loaded)
    newer.line(loaded.name, partial(show_newer, loaded))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        checkpoint_picker.button(entries, loaded, switch_model)
        controls.view_picker(loaded, view, partial(setattr, S, "wanted_view"))
        controls.colour_picker(loaded, page.shown.colour, choose_colour)
        if loaded.latent > 1:
            new_map.button(loaded)
        selection.picker(loaded)
        neighbourhood.picker(loaded, view, page.shown.edit)
        own_images.button(loaded)
        shelf.pinner(loaded, view, page.shown.edit)
        downloads.button(loaded, view, page.shown.edit, page.shown.colour)
    show_warnings(page.problems)
    selection.receive(getattr(S.get("stage"), "selection", None), loaded)
    shown = page.shown
    data = controls.stage_data(loaded, view, shown.colour, shown.edit, page.revision) | {
        "selection": selection.stage_data(loaded),
        "address": stage_edit.link(loaded.name, view.id, shown.colour, shown.edit, loaded.token_of),
        "heard": page.heard,
        "serial": page.now.serial,
    }
    result = stage(data)
    if take_release(result.edit, loaded, view):  # after a restart of the server the page has the newer state
        st.rerun()
    address.write(loaded, view, page.shown.colour, page.shown.edit)
    selection.bar(loaded)
    new_map.progress()
    shelf.row(loaded, view)
    st.caption(checkpoint_picker.facts(loaded))
    sequence_note.note(
        loaded,
        "Each point is the state that the model infers from a whole sequence, and its picture is the last "
        "frame. The path from A to B leads from one state to another; it does not show time passing.",
    )


def opened(entries: list[checkpoint_picker.Entry]) -> Loaded | None:
    """The opened model to show; on the first run the address decides.

    Later the stage writes the address itself, so it is not read again (unlike `PageState.open_checkpoint`).
    """
    state = page.now
    if not state.model:
        name, problem = address.model(entries)
        carried_checkpoint.choose(name)
        state.reset(name, {}, [problem] if problem else [])
    names = [entry.name for entry in entries if entry.card]
    follow = carried_checkpoint.followed("explore", state.model, names)
    if follow and "model" not in address.parameters():
        switch_model(follow)
    while state.model:
        try:
            return checkpoint_picker.open_model(state.model)
        except CheckpointError as error:
            entries = [entry for entry in entries if entry.name != state.model]
            other = next((entry.name for entry in entries if entry.card), "")
            state.reset(other, {}, [*state.problems, f"{error} Showing another checkpoint instead."])
            address.clear()
    return None


def take_restore(received: object, entries: list[checkpoint_picker.Entry]) -> None:
    """Restores the model, map, colour and edit that the stage's undo or the browser's Back leads to.

    Arguments:
        received: The stage's newest message, untrusted JSON.
        entries: All checkpoints.
    """
    if not isinstance(received, Mapping) or received.get("restore") is not True or not page.model:
        return

    def apply(received: Mapping[str, Any]) -> bool:
        hear(received)
        name = received.get("model")
        if name not in [entry.name for entry in entries if entry.card]:
            page.report(f"The checkpoint {str(name)[:40]!r} is no longer available, so nothing was undone.")
            page.now.revision += 1  # the stage then shows what Python has
            return False
        if name != page.model:
            selection.forget()
        page.now.reset(str(name), {}, [], previous=received)
        return True

    page.now.handle("stage", received, apply)


def shown_view(loaded: Loaded) -> View:
    """The view to show; for a newly opened model, view and edit come from the address or the defaults."""
    state = page.now
    if state.shown is not None:
        view = view_or_default(loaded, state.shown.view)
        if view.id != state.shown.view:
            edit = stage_edit.rehomed(state.shown.edit, Places(loaded, view))
            state.shown = replace(state.shown, view=view.id, edit=edit)
            state.revision += 1
        return view
    saved = state.previous
    restored = isinstance(saved, Mapping) and saved.get("model") == loaded.name
    view, shown = restored_view(loaded, saved) if restored else first_view(loaded)
    # Last, so that if Streamlit aborts this run before, the next one starts over.
    state.revision += 1
    state.shown, state.previous = shown, None
    return view


def restored_view(loaded: Loaded, saved: Mapping[str, object]) -> tuple[View, Shown]:
    """The map, colour and edit that `take_restore` accepted."""
    colour, name = saved.get("colour"), saved.get("view")
    view = view_or_default(loaded, name if isinstance(name, str) else default_view(loaded))
    places, levels = Places(loaded, view), len(controls.levels(loaded))
    edit = controls.default_edit(view)
    try:
        edit = stage_edit.edit_from_json(saved, edit, loaded.count, loaded.directions, levels, loaded.own)
        edit = stage_edit.settled(edit, places) if view.id == name else stage_edit.rehomed(edit, places)
    except ValueError as error:
        page.problems.append(f"The earlier edit cannot be restored: {error}")
    known = isinstance(colour, str) and colour in controls.colours(loaded)
    return view, Shown(view.id, str(colour) if known else None, edit)


def first_view(loaded: Loaded) -> tuple[View, Shown]:
    """Map, colour and edit of a newly opened model, from the address."""
    requested, colour, problems = address.view_and_colour(loaded)
    page.problems.extend(problems)
    view = view_or_default(loaded, requested)
    default, places = controls.default_edit(view), Places(loaded, view)
    edit, invalid = stage_edit.edit_from_query(
        address.parameters(), default, places, loaded.directions, len(controls.levels(loaded))
    )
    page.problems.extend(f"In the address: {problem} Using the default." for problem in invalid)
    edit = stage_edit.settled(edit, places) if view.id == requested else stage_edit.rehomed(edit, places)
    return view, Shown(view.id, colour, edit)


def view_or_default(loaded: Loaded, name: str) -> View:
    """The view of that name; if there is none, the default, with a message."""
    try:
        return resolve(loaded, name)
    except UnknownView as error:
        page.problems.append(f"{error} Showing the default map instead.")
        return resolve(loaded, default_view(loaded))


def take_release(received: object, loaded: Loaded, view: View) -> bool:
    """Adopts the edit that the stage sent at the end of a gesture; invalid input is reported and ignored.

    An edit based on older data than the page has sent is refused, and the stage adopts the page's.

    Returns:
        Whether the page must run again to show it.
    """

    def apply(received: object) -> bool:
        hear(received)
        if belongs_elsewhere(received, loaded, view):
            return False
        if is_outdated(received, page.revision):
            page.now.revision += 1
            return True
        try:
            levels = len(controls.levels(loaded))
            edit = stage_edit.edit_from_json(
                received, page.shown.edit, loaded.count, loaded.directions, levels, loaded.own
            )
            page.update(edit=stage_edit.settled(edit, Places(loaded, view)))
        except ValueError as error:
            page.report(f"The stage sent an invalid edit: {error}")
        return True

    return page.now.handle("stage", received, apply)


def belongs_elsewhere(received: object, loaded: Loaded, view: View) -> bool:
    """Whether an edit was made on another model or map, e.g. just before a switch or a restart."""
    if not isinstance(received, Mapping):
        return False
    made_on = (received.get("model", loaded.name), received.get("view", view.id))
    return made_on != (loaded.name, view.id)


def hear(received: object) -> None:
    """Records which message of the stage was received, to acknowledge it."""
    serial = received.get("serial") if isinstance(received, Mapping) else None
    page.now.heard, page.now.serial = connection_of(received), serial if type(serial) is int else 0


def chosen_view(loaded: Loaded, view: View) -> View:
    """The view selected since the last run, if any; the handles move to it."""
    selected = S.get("wanted_view") or view.id
    if selected == view.id:
        return view
    try:
        after = resolve(loaded, selected)
        switch_view(loaded, view, after)
    except UnknownView as error:
        page.report(str(error))
        after = view
    S.wanted_view = None
    return after


def switch_model(name: str) -> None:
    """Shows another checkpoint, from its defaults."""
    address.clear()
    selection.forget()
    page.switch_checkpoint(name)


def choose_colour(colour: str | None) -> None:
    """Colours the map by another attribute; None for none."""
    page.shown = replace(page.shown, colour=colour)


def show_newer(loaded: Loaded, name: str) -> None:
    """Shows a better version of the model, with both handles on the same images."""
    items = {letter: getattr(page.shown.edit, letter).item for letter in "AB"}
    handles = {letter.lower(): loaded.token_of(i) for letter, i in items.items() if i < loaded.count}
    colour = page.shown.colour or "none"
    switch_model(name)
    st.query_params.from_dict({"model": name, "colour": colour} | handles)


def switch_view(loaded: Loaded, before: View, after: View) -> None:
    """Shows another map of the same model; the handles keep their pictures as far as possible."""
    edit = page.shown.edit
    for name in ("A", "B"):
        handle = getattr(edit, name)
        x, y = move_to_view(loaded, before, after, handle, edit.residual)
        edit = replace(edit, **{name: replace(handle, x=x, y=y)})
    page.update(view=after.id, edit=edit, revise=True)


main()
