"""What was deleted in a session and can be had back, the newest first."""

from __future__ import annotations

from typing import Any

import streamlit as st

__all__ = ["KEPT", "keep", "last", "take"]

KEPT = 20  # of each kind


def keep(kind: str, model: str, thing: Any) -> None:
    """Keeps what was deleted; beyond `KEPT` of its kind the oldest is gone."""
    held = _held(kind)
    held.append((model, thing))
    del held[:-KEPT]


def last(kind: str, model: str) -> Any:
    """What was deleted last of a kind and a model; None where there is nothing."""
    return next((thing for owner, thing in reversed(_held(kind)) if owner == model), None)


def take(kind: str, model: str) -> None:
    """Forgets what `last` gives: it is back."""
    held = _held(kind)
    newest = next((place for place in reversed(range(len(held))) if held[place][0] == model), None)
    if newest is not None:
        del held[newest]


def _held(kind: str) -> list[tuple[str, Any]]:
    held: list[tuple[str, Any]] = st.session_state.setdefault(f"{kind}_dropped", [])
    return held
