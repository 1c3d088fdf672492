"""Messages of the stage on Explore: outdated releases, and undo across models and maps."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from explorer.components.stage import Received
from explorer.pages.shared.widget_values import SHOWN
from tests.explorer.pages.conftest import Open
from tests.explorer.pages.reading import address, warnings_shown

Data = dict[str, Any]
Say = Callable[..., Data]


@pytest.fixture
def page(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> tuple[AppTest, Say]:
    """The page with a fake stage that records its data, and a function that sends its messages."""
    noted: list[Data] = []

    def stage(data: Data, key: str = "stage") -> Received:
        noted.append(deepcopy(data))
        return Received(None, None)

    monkeypatch.setattr("explorer.components.stage.stage", stage)
    at = open_page()

    def say(**more: Any) -> Data:
        """Sends the page's edit with some fields replaced; returns the page's answer."""
        if more:
            last = noted[-1]
            colour = last["colour"] and last["colour"]["name"]
            where = {"model": last["model"]["name"], "view": last["view"]["id"], "colour": colour}
            message = last["edit"] | where | {"revision": last["revision"], "serial": len(noted)} | more
            at.session_state["stage"] = Received(message, None)
        at.run()
        assert not at.exception
        return noted[-1]

    return at, say


def test_a_release_based_on_older_data_is_refused_and_answered(
    page: tuple[AppTest, Say],
) -> None:
    at, say = page
    first = say()
    moved = say(A=first["edit"]["A"] | {"x": 0.25})
    assert moved["edit"]["A"]["x"] == 0.25 and moved["revision"] == first["revision"]
    at.selectbox(key="view_kind").set_value("pca").run()
    at.selectbox(key="view_kind").set_value("umap").run()
    changed = say()
    late = say(A=first["edit"]["A"] | {"x": 0.75}, revision=first["revision"])
    assert late["edit"] == changed["edit"]
    assert late["revision"] == changed["revision"] + 1, "the stage must take the page's edit"


def test_undo_restores_map_colour_and_edit(page: tuple[AppTest, Say]) -> None:
    at, say = page
    first = say()
    before = first["edit"] | {"A": first["edit"]["A"] | {"x": 0.25, "sliders": {"ink": 0.5}}}
    at.selectbox(key="view_kind").set_value("pca").run()
    at.selectbox(key="colour_by").set_value("none").run()
    say(frames=5)
    back = say(**before, view="umap", colour="ink", restore=True, revision=first["revision"])
    assert (back["view"]["id"], back["colour"]["name"]) == ("umap", "ink")
    assert back["edit"] == before and back["serial"] > first["serial"]
    assert address(at)["a_with"] == "ink:0.5"
    at.selectbox(key="colour_by").set_value("digit").run()
    again = say(**before, view="umap", colour="ink", restore=True)
    assert again["colour"]["name"] == "ink", "the same step twice"


def test_a_map_that_an_aborted_run_left_in_its_select_box_does_not_undo_a_restore(
    page: tuple[AppTest, Say],
) -> None:
    at, say = page
    say()
    back = say(view="pca", restore=True)
    assert back["view"]["id"] == "pca"
    at.session_state[SHOWN] = {"view_kind": "umap"}  # the run was aborted, so the browser still shows
    at.selectbox(key="view_kind").set_value("umap")  # the former map, and reports it with the next message
    again = say(view="pca", restore=True)
    assert again["view"]["id"] == "pca"
    assert at.selectbox(key="view_kind").value == "pca"


def test_undo_restores_the_model(page: tuple[AppTest, Say]) -> None:
    at, say = page
    first = say()
    at.button(key="checkpoint").click().run()
    # AppTest closes a dialog at each run: open it and choose at once.
    at.button(key="open-flat-vae").click()
    at.button(key="checkpoint").click().run()
    assert say()["model"]["name"] == "flat-vae"
    back = say(**first["edit"], model="digits-vae", view="umap", colour="digit", restore=True)
    assert back["model"]["name"] == "digits-vae" and back["edit"] == first["edit"]
    assert warnings_shown(at) == ""


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"model": "gone-vae"}, "'gone-vae' is no longer available"),
        ({"model": ["x"]}, "no longer available"),
        ({"view": "umap-00000000"}, "umap-00000000"),
        ({"view": 7, "colour": []}, ""),
        ({"A": {"item": -1}}, "`A.item` must be a whole number"),
    ],
)
def test_a_failed_restore_is_reported_and_the_page_continues(
    page: tuple[AppTest, Say], wrong: Data, said: str
) -> None:
    at, say = page
    first = say()
    after = say(**wrong, restore=True)
    assert said in warnings_shown(at)
    assert (after["model"]["name"], after["view"]["id"]) == ("digits-vae", "umap")
    assert after["revision"] > first["revision"]
