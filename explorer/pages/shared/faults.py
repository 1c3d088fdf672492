"""Reports invalid settings, and files that cannot be stored."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from explorer.pages.shared.text import with_code
from models.system import settings

__all__ = ["check_settings", "reported"]

LOG = logging.getLogger(__name__)


def check_settings() -> None:
    """Shows every invalid setting; stops the run if no model can be opened with them."""
    problems = settings.problems()
    for problem in problems:
        show = st.error if problem.fatal else st.warning
        show(with_code(problem.text), icon=":material/settings_alert:")
    if any(problem.fatal for problem in problems):
        st.caption("Correct the environment, then start the explorer again.")
        st.stop()


@contextmanager
def reported(kinds: tuple[type[Exception], ...] = (ValueError, OSError)) -> Iterator[None]:
    """Runs code that stores or deletes; if it fails, the page shows why and continues.

    Arguments:
        kinds: Errors to report.
    """
    try:
        yield
    except kinds as error:
        LOG.warning("%s", error)
        st.warning(with_code(str(error)), icon=":material/warning:")
