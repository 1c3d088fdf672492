"""The address bar: a copied link restores the model, view, colours, handles and sliders."""

from __future__ import annotations

import streamlit as st

from explorer.pages.shared import controls
from explorer.scene.loaded import Loaded
from explorer.scene.view import View
from explorer.scene.views import default_view
from explorer.workspace import stage_edit
from models.card import Entry
from models.system.printable import printable
from models.system.settings import first_checkpoint

__all__ = ["clear", "model", "parameters", "put", "view_and_colour", "write"]

DEFAULT_MODEL = "faces-vae"
LENGTH_LIMIT = 4000  # characters of one parameter


def parameters() -> dict[str, str]:
    """The address's parameters, each printable and truncated to `LENGTH_LIMIT` characters."""
    return {key: printable(value[:LENGTH_LIMIT]) for key, value in st.query_params.items()}


def put(query: dict[str, str]) -> None:
    """Writes parameters to the address bar, unless it has them already."""
    if dict(st.query_params) != query:
        st.query_params.from_dict(query)


def clear() -> None:
    """Clears the address, so that the next model starts from its defaults."""
    st.query_params.clear()


def model(entries: list[Entry]) -> tuple[str, str]:
    """The checkpoint named in the address, else the default; and a message if that is unavailable."""
    names = [entry.name for entry in entries if entry.card]
    candidates = (first_checkpoint(), DEFAULT_MODEL, *names)
    default = next((name for name in candidates if name in names), "")
    requested = parameters().get("model", default)
    if requested in names:
        return requested, ""
    error = next((entry.error for entry in entries if entry.name == requested), None)
    clear()
    if not default:
        return "", ""
    reason = (
        f"The checkpoint {requested[:40]!r} cannot be used: {error}"
        if error
        else f"The address names the checkpoint {requested[:40]!r}, which does not exist."
    )
    return default, f"{reason} Showing {default} instead."


def view_and_colour(loaded: Loaded) -> tuple[str, str | None, list[str]]:
    """View id and colour from the address, else the defaults; and a message for each invalid parameter."""
    query = parameters()
    problems = []
    colour = query.get("colour", controls.default_colour(loaded))
    if colour == "none":
        colour = None
    elif colour is not None and colour not in controls.colours(loaded):
        known = ", ".join(controls.colours(loaded))
        problems.append(
            f"In the address: `colour` must be one of: {known}. Got {colour[:40]!r}. Using the default."
        )
        colour = controls.default_colour(loaded)
    return query.get("view", default_view(loaded)), colour, problems


def write(loaded: Loaded, view: View, colour: str | None, edit: stage_edit.Edit) -> None:
    """Writes the address of what the stage shows."""
    query = {"model": loaded.name, "view": view.id, "colour": colour or "none"}
    put(query | stage_edit.query(edit, controls.default_edit(view), loaded.token_of))
