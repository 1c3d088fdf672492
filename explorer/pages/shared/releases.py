"""What a component sends when the hand lets go: each message is taken once, and whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

__all__ = ["take"]


def take(key: str, received: object, follow: Callable[[Any], bool]) -> bool:
    """Follows a component's newest message, unless that was done before.

    Streamlit gives a component's message to every run until the next one, and may end a run at any access to the session
    where a newer run waits. A message is therefore noted as taken only once it has been followed: a run that is ended
    in between leaves it to the next one. What follows it must come to the same when it is done again.

    Arguments:
        key: Where the session keeps the last message that was taken.
        received: The newest message, untrusted JSON; None where there is none.
        follow: Does what the message says; gives whether the page must show it.

    Returns:
        Whether it was new and the page must show it.
    """
    state = st.session_state
    if received is None or received == state.get(key):
        return False
    shows = follow(received)
    state[key] = received
    return shows
