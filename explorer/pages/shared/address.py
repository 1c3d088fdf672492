"""The address bar: a copied link shows the same model, view, colours, handles and sliders again."""

from __future__ import annotations

import streamlit as st

from explorer.pages.shared import controls
from explorer.scene.loaded import Loaded
from explorer.scene.view import View
from explorer.scene.views import default_view
from explorer.workspace import stage_edit
from models.card import Entry
from models.system.settings import first_checkpoint

__all__ = ["clear", "model", "parameters", "put", "view_and_colour", "write"]

DEFAULT_MODEL = "faces-vae"
LONGEST = 4000  # characters of one parameter


def parameters() -> dict[str, str]:
    """The address's parameters, each cut to a length that no honest link has."""
    return {key: value[:LONGEST] for key, value in st.query_params.items()}


def put(wanted: dict[str, str]) -> None:
    """Puts parameters into the address bar."""
    if dict(st.query_params) != wanted:
        st.query_params.from_dict(wanted)


def clear() -> None:
    """Empties the address, so that the next model starts from its defaults."""
    st.query_params.clear()


def model(entries: list[Entry]) -> tuple[str, str]:
    """The checkpoint that the address asks for, else the default; and a sentence where it could not be had."""
    names = [entry.name for entry in entries if entry.card]
    wanted = (first_checkpoint(), DEFAULT_MODEL, *names)
    default = next((name for name in wanted if name in names), "")
    asked = parameters().get("model", default)
    if asked in names:
        return asked, ""
    broken = next((entry.error for entry in entries if entry.name == asked), None)
    clear()
    if not default:
        return "", ""
    reason = (
        f"The checkpoint {asked[:40]!r} cannot be used: {broken}"
        if broken
        else (f"The address asks for the checkpoint {asked[:40]!r}, which is not there.")
    )
    return default, f"{reason} Showing {default} instead."


def view_and_colour(loaded: Loaded) -> tuple[str, str | None, list[str]]:
    """View id and colour that the address asks for, else the defaults; and a sentence for what does not hold."""
    asked = parameters()
    problems = []
    colour = asked.get("colour", controls.default_colour(loaded))
    if colour == "none":
        colour = None
    elif colour is not None and colour not in controls.colours(loaded):
        known = ", ".join(controls.colours(loaded))
        problems.append(
            f"In the address: `colour` must be one of: {known}. Got {colour[:40]!r}. Using the default."
        )
        colour = controls.default_colour(loaded)
    return asked.get("view", default_view(loaded)), colour, problems


def write(loaded: Loaded, view: View, colour: str | None, edit: stage_edit.Edit) -> None:
    """Puts what is shown into the address bar."""
    wanted = {"model": loaded.name, "view": view.id, "colour": colour or "none"}
    wanted |= stage_edit.query(edit, controls.default_edit(view), loaded.token_of)
    if dict(st.query_params) != wanted:
        st.query_params.from_dict(wanted)
