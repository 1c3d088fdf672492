"""A value that an aborted run has left in the browser is no choice; every other change is one."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest


def script() -> None:
    import streamlit as st

    from explorer.pages.shared import widget_values

    state = st.session_state
    state.setdefault("page", "a")
    state.setdefault("calls", [])

    def choose() -> None:
        state.page = state.box
        state.calls = [*state.calls, state.box]

    if wanted := state.pop("wanted", None):  # what Back leads to
        state.page = wanted
    widget_values.give("box", state.page)
    st.selectbox("Box", ["a", "b", "c"], key="box", on_change=widget_values.choice("box", choose))
    if not state.pop("abort", False):
        widget_values.arrived()


def test_a_report_of_what_the_browser_shows_is_no_choice() -> None:
    at = AppTest.from_function(script).run()
    at.session_state["wanted"], at.session_state["abort"] = "b", True
    at.run()  # the browser never sees "b"
    at.selectbox[0].set_value("a").run()  # and reports "a" with the next run
    assert at.session_state["calls"] == [] and at.session_state["page"] == "b"
    assert at.selectbox[0].value == "b"


def test_every_choice_counts_also_back_to_a_former_value() -> None:
    at = AppTest.from_function(script).run()
    at.session_state["abort"] = True
    at.selectbox[0].set_value("b").run()  # chosen, and the run is aborted
    at.selectbox[0].set_value("a").run()
    assert at.session_state["calls"] == ["b", "a"]
    at.session_state["wanted"] = "c"
    at.run()
    at.selectbox[0].set_value("a").run()
    assert at.session_state["calls"] == ["b", "a", "a"] and at.selectbox[0].value == "a"
