"""A button whose press is not lost when another run interrupts the page's run on its way to the button."""

from __future__ import annotations

from typing import Any

import streamlit as st

__all__ = ["pressed"]

S = st.session_state


def pressed(label: str, *, key: str, **options: Any) -> bool:
    """Draws a button, and tells once whether it was pressed.

    Streamlit's own button is only pressed in the run that the press starts: if a component or another control starts the
    next run before that one gets to the button, the press is lost. Here it is noted before the run, and waits.

    Arguments:
        label: Label of the button.
        key: Key of the button.
        options: Further arguments of `st.button`.
    """
    noted = f"pressed-{key}"
    st.button(label, key=key, on_click=_note, args=(noted,), **options)
    return bool(S.pop(noted, False))


def _note(key: str) -> None:
    S[key] = True
