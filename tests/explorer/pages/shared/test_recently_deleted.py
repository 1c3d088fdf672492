"""Deleted items are restored newest first, per model, up to a limit."""

from __future__ import annotations

from pathlib import Path

from streamlit.testing.v1 import AppTest

from explorer.pages.shared import recently_deleted

ROOT = Path(__file__).resolve().parents[4]


def session(steps: str) -> AppTest:
    """Runs lines that use `dropped` in a new session."""
    lines = f"import sys\nsys.path.insert(0, {str(ROOT)!r})\nfrom explorer.pages.shared import recently_deleted as dropped\n{steps}"
    at = AppTest.from_string(lines, default_timeout=60).run()
    assert not at.exception
    return at


def test_the_newest_deletion_of_a_model_is_restored_first() -> None:
    at = session(
        "import streamlit as st\n"
        "for model, thing in (('a', 1), ('a', 2), ('b', 3)): dropped.keep('pin', model, thing)\n"
        "st.session_state.seen = [dropped.last('pin', 'a'), dropped.last('own', 'a')]\n"
        "dropped.take('pin', 'a')\n"
        "st.session_state.seen += [dropped.last('pin', 'a'), dropped.last('pin', 'b'), dropped.last('pin', 'c')]\n"
        "for model in 'abc': dropped.take('pin', model)\n"
        "st.session_state.seen += [dropped.last('pin', 'a'), dropped.last('pin', 'b')]\n"
    )
    assert at.session_state["seen"] == [2, None, 1, 3, None, None, None]


def test_the_oldest_deletions_are_dropped() -> None:
    at = session(f"for thing in range({recently_deleted.KEPT} + 5): dropped.keep('pin', 'a', thing)")
    assert [thing for _, thing in at.session_state["pin_dropped"]] == list(
        range(5, recently_deleted.KEPT + 5)
    )
