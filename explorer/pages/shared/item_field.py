"""A text field for an item: a name, a number, or the title of one of the user's own pictures."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from explorer.pages.shared.text import plain
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
    """Shows an item's name and accepts another.

    Arguments:
        loaded: The model.
        label: Above the field.
        key: Streamlit's key.
        item: The item shown; None for none.
        choose: Called with the item entered; with None if the field is cleared and `empty` allows it.
        tell: Called with a message if the text names no item.
        empty: Placeholder while no item is chosen; "" if one is required.
        own: Whether the user's own pictures are allowed.
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
            entered = loaded.find_item(text)
            if entered >= loaded.count and not own:
                raise ValueError(
                    f"{loaded.name_of(entered)} is one of your own pictures. {loaded.atlas.names.extent}"
                )
        except ValueError as error:
            tell(str(error))
            return
        choose(entered)

    st.text_input(
        label,
        key=key,
        width=width,
        placeholder=empty or None,
        max_chars=100,
        on_change=changed,
        help=f"Its split and number in the data set, such as {plain(loaded.atlas.names.name(0))}"
        + (", or the title of one of your own pictures" if own else ""),
    )
