"""A button that makes a file on the click and has the browser save it, or says why it cannot.

Streamlit's own download button gives its file a new id in each run and forgets the old one, so a click that comes
between a change and the end of its run finds nothing. This one is an ordinary button in a fragment: Streamlit queues
its click behind the run that is under way, and the file is made of what that run shows.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import streamlit as st

from explorer.components.delivery import deliver
from explorer.pages.shared.text import plain

__all__ = ["file_button"]

LOG = logging.getLogger(__name__)


def file_button(place: Any, label: str, file: str, make: Callable[[], bytes], key: str, **more: Any) -> None:
    """Shows the button.

    Arguments:
        place: Where: a container, or `st`.
        label: Of the button.
        file: What the file is called.
        make: Makes its bytes; called on the click.
        key: Streamlit's key.
        more: Further arguments of `st.button`.
    """
    if place is st:
        _shown(label, file, make, key, more)
    else:
        with place:
            _shown(label, file, make, key, more)


@st.fragment
def _shown(label: str, file: str, make: Callable[[], bytes], key: str, more: dict[str, Any]) -> None:
    with st.container(key=f"lx-file-{key}", gap=None, width=more.get("width", "content")):
        if not st.button(label, key=key, **more):
            return
        try:
            data = make()
        except Exception as error:  # whatever it is, the person is told; the log has the rest
            LOG.exception("%s could not be made", file)
            reason = str(error)[:300] or type(error).__name__
            st.warning(f"{plain(file)} could not be made: {plain(reason)}", icon=":material/error:")
            return
        deliver(data, file, f"{key}-delivery")
