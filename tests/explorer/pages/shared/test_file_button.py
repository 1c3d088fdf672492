"""Tests of the download button: generated on click, sent to the browser, or the error shown."""

from __future__ import annotations

from pathlib import Path

from starlette.applications import Starlette
from starlette.testclient import TestClient
from streamlit.testing.v1 import AppTest

from explorer.live import made_files
from explorer.live.routes import routes

PAGES = Path(__file__).resolve().parents[4] / "explorer" / "pages"


def script() -> None:
    import streamlit as st

    from explorer.pages.shared.file_button import file_button

    made = st.session_state.setdefault("made", [])

    def make() -> bytes:
        made.append(st.session_state.size)
        if st.session_state.size == "none":
            raise ValueError("There is *nothing* to write.")
        return f"of size {st.session_state.size}".encode()

    st.selectbox("Size", ["small", "large", "none"], key="size")
    file_button(st.columns(2)[1], "Take", "größe & more.txt", make, "take", width="stretch")


def test_a_file_is_generated_on_click_from_what_is_shown() -> None:
    at = AppTest.from_function(script).run()
    assert at.session_state.made == []
    at.selectbox(key="size").set_value("large")  # the same run takes the change and the click
    at.button(key="take").click().run()
    assert not at.exception and at.session_state.made == ["large"]
    token, held = next(reversed(made_files._held.items()))
    client = TestClient(Starlette(routes=routes()))
    answer = client.get("/" + made_files.address(token))
    assert answer.content == held.data == b"of size large"
    assert (
        answer.headers["content-disposition"]
        == "attachment; filename*=UTF-8''gr%C3%B6%C3%9Fe%20%26%20more.txt"
    )
    assert answer.headers["x-content-type-options"] == "nosniff"
    at.run()
    assert at.session_state.made == ["large"]  # another run does not make it again


def test_a_file_that_cannot_be_generated_is_reported() -> None:
    at = AppTest.from_function(script).run()
    at.selectbox(key="size").set_value("none")
    at.button(key="take").click().run()
    assert not at.exception
    assert at.warning[0].value == "größe \\& more.txt could not be made: There is \\*nothing\\* to write."


def test_every_download_of_the_pages_uses_this_button() -> None:
    users = [
        path.name for path in PAGES.rglob("*.py") if "download_button(" in path.read_text(encoding="utf-8")
    ]
    assert users == []
