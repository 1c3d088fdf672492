"""Values that a page gives its widgets: what an aborted run has left in the browser is not taken for a choice.

A run may be aborted after it has given a widget a value and before the browser has it. The browser then reports the
value before with the next run, and Streamlit calls `on_change` as if the user had chosen it. Nobody can choose what a
widget shows already: a report of exactly that is ignored.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

__all__ = ["arrived", "choice", "give"]

S = st.session_state
GIVEN, SHOWN = "lx_given_values", "lx_shown_values"  # keys in the session: values by the widget's key


def give(key: str, value: object) -> None:
    """Gives a widget its value, before it is made."""
    S.setdefault(GIVEN, {})[key] = value
    S[key] = value


def arrived() -> None:
    """The run is complete, so the browser shows what the widgets were given."""
    S.setdefault(SHOWN, {}).update(S.get(GIVEN, {}))


def choice(key: str, choose: Callable[[], Any]) -> Callable[[], None]:
    """Returns the `on_change` of a widget; `choose` is called if the user has chosen another value."""

    def changed() -> None:
        shown = S.get(SHOWN)
        if shown is not None:
            if key in shown and shown[key] == S[key]:
                return
            shown[key] = S[key]
        choose()

    return changed
