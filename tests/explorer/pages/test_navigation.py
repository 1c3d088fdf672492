"""The way from one page to another, also where a word of the browser crosses it."""

from __future__ import annotations

import os

from streamlit.testing.v1 import AppTest

from explorer.pages.navigation import Way
from tests.explorer.pages.conftest import MAIN
from tests.explorer.pages.reading import address


def under_way(way: Way, **stale: str) -> AppTest:
    """A run that the browser asked for while the pages changed: on Explore, with an address of its own."""
    at = AppTest.from_file(os.fspath(MAIN), default_timeout=60)
    at.session_state["lx_way"] = way
    for name, value in stale.items():
        at.query_params[name] = value
    return at.run()


def test_an_address_of_before_does_not_win_over_the_one_that_was_meant() -> None:
    way = Way("Outliers", "Explore", {"model": "digits-vae", "a": "12"})
    at = under_way(way, model="digits-vae", score="kl", share="5")
    assert not at.exception
    assert address(at)["a"].split(",")[0] == "12" and "score" not in address(at)
    assert at.session_state["lx_way"] is None
    at.query_params["a"] = "7"
    assert address(at.run())["a"].split(",")[0] == "12", "the page follows its address once"


def test_a_way_that_was_lost_is_gone_once_more_and_only_once() -> None:
    way = Way("Explore", "Anatomy", {"model": "flat-vae"})
    at = under_way(way, model="digits-vae")
    assert not at.exception
    assert address(at)["model"] == "flat-vae" and at.session_state["lx_page"] == "Anatomy"
    assert at.session_state["lx_way"] is None
    at = under_way(Way("Explore", "Anatomy", {"model": "flat-vae"}, again=True), model="digits-vae")
    assert at.session_state["lx_page"] == "Explore" and at.session_state["lx_way"] is None


def test_who_went_elsewhere_stays_there() -> None:
    at = under_way(Way("Outliers", "Models", {"model": "flat-vae"}), model="digits-vae")
    assert at.session_state["lx_page"] == "Explore" and at.session_state["lx_way"] is None
