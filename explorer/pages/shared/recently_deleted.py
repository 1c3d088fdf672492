"""Items deleted in this tab that can be restored, newest first."""

from __future__ import annotations

from typing import Any, cast

import streamlit as st

__all__ = ["KEPT", "keep", "last", "take"]

KEPT = 20  # of each kind


def keep(kind: str, model: str, thing: Any) -> None:
    """Remembers a deleted item; beyond `KEPT` of its kind the oldest is dropped."""
    deleted = _deleted(kind)
    deleted.append((model, thing))
    del deleted[:-KEPT]


def last(kind: str, model: str) -> Any:
    """The item of a kind and a model that was deleted last; None if there is none."""
    return next((thing for owner, thing in reversed(_deleted(kind)) if owner == model), None)


def take(kind: str, model: str) -> None:
    """Removes the item that `last` returns, after it was restored."""
    deleted = _deleted(kind)
    newest = next((index for index in reversed(range(len(deleted))) if deleted[index][0] == model), None)
    if newest is not None:
        del deleted[newest]


def _deleted(kind: str) -> list[tuple[str, Any]]:
    return cast("list[tuple[str, Any]]", st.session_state.setdefault(f"{kind}_dropped", []))
