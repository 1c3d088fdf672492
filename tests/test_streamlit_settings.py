"""Tests of Streamlit's settings, in the checkout's folder."""

from __future__ import annotations

from streamlit import config


def test_no_run_of_a_page_collects_all_garbage() -> None:
    """That takes 0.2 s and more, in which no drag gets a picture."""
    assert config.get_option("runner.postScriptGC") is False
