"""What the pages say about this machine: settings that are wrong, and files that cannot be stored."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from explorer.pages.shared.text import plain
from models.system import settings

__all__ = ["check_settings", "reported"]

LOG = logging.getLogger(__name__)


def check_settings() -> None:
    """Shows every setting that is wrong; ends the page's run if no model can be opened with them."""
    found = settings.problems()
    for problem in found:
        show = st.error if problem.fatal else st.warning
        show(plain(problem.text), icon=":material/settings_alert:")
    if any(problem.fatal for problem in found):
        st.caption("Correct the environment, then start the explorer again.")
        st.stop()


@contextmanager
def reported(kinds: tuple[type[Exception], ...] = (ValueError, OSError)) -> Iterator[None]:
    """Runs something that stores or deletes; if it fails, the page says why and goes on.

    Arguments:
        kinds: Errors to report.
    """
    try:
        yield
    except kinds as error:
        LOG.warning("%s", error)
        st.warning(plain(str(error)), icon=":material/warning:")
