"""A download button that makes its file on the click, or shows why it cannot.

Streamlit's own download button gives its file a new id in each run and drops the old one, so a click during a
run fails. This one is an ordinary button in a fragment: Streamlit queues the click behind the current run,
and the file is made from what that run shows.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import streamlit as st

from explorer.components.delivery import deliver
from explorer.pages.shared.text import plain, with_code

__all__ = ["file_button"]

LOG = logging.getLogger(__name__)


def file_button(place: Any, label: str, file: str, make: Callable[[], bytes], key: str, **more: Any) -> None:
    """Shows the button.

    Arguments:
        place: A container, or `st`.
        label: Label of the button.
        file: Name of the file.
        make: Returns its bytes; called on the click.
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
        except Exception as error:  # any failure is shown; the traceback is in the log
            LOG.exception("%s could not be made", file)
            reason = str(error)[:300] or type(error).__name__
            st.warning(f"{plain(file)} could not be made: {with_code(reason)}", icon=":material/error:")
            return
        deliver(data, file, f"{key}-delivery")
