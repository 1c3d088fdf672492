"""The field that names one item: its name is shown, and a name, a number or the title of an own picture can be typed."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from explorer.scene.loaded import Loaded

__all__ = ["item_field"]

S = st.session_state


def item_field(
    loaded: Loaded,
    label: str,
    key: str,
    item: int | None,
    choose: Callable[[int | None], None],
    tell: Callable[[str], None],
    *,
    empty: str = "",
    own: bool = True,
    width: int = 140,
) -> None:
    """Shows an item's name and takes another one.

    Arguments:
        loaded: The model.
        label: Above the field.
        key: Streamlit's key.
        item: What is shown; None for none.
        choose: Called with another item; with None where the field is emptied and `empty` says what that means.
        tell: Called with a sentence where the text names no item.
        empty: What is shown while no item is chosen; "" where there must be one.
        own: Whether own pictures are items here.
        width: In pixels.
    """
    S[key] = "" if item is None else loaded.name_of(item)

    def changed() -> None:
        text = str(S[key] or "").strip()
        if not text:
            if empty:
                choose(None)
            return
        try:
            found = loaded.find_item(text)
            if found >= loaded.count and not own:
                raise ValueError(
                    f"{loaded.name_of(found)} is one of your own pictures. {loaded.atlas.names.extent}"
                )
        except ValueError as error:
            tell(str(error))
            return
        choose(found)

    st.text_input(
        label, key=key, width=width, placeholder=empty or None, max_chars=100, on_change=changed,
        help=f"Its split and number in the data set, such as {loaded.atlas.names.name(0)}"
        + (", or the title of one of your own pictures" if own else ""),
    )  # fmt: skip
