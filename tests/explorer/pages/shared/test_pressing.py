"""Tests of the button whose press is not lost."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

SCRIPT = """
import streamlit as st
from explorer.pages.shared.pressing import pressed

S = st.session_state
S.setdefault("count", 0)
if S.pop("interrupt", False):
    st.stop()
if pressed("Go", key="go"):
    S.count += 1
"""


def test_a_press_counts_once_also_after_a_run_that_did_not_get_to_the_button() -> None:
    at = AppTest.from_string(SCRIPT).run()
    at.button(key="go").click().run()
    assert at.session_state["count"] == 1
    at.run()
    assert at.session_state["count"] == 1
    at.session_state["interrupt"] = True
    at.button(key="go").click().run()
    assert at.session_state["count"] == 1
    at.run()
    assert at.session_state["count"] == 2
