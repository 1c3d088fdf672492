"""The Explore page: controls, address, errors, and the stage's data."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from explorer.latent.directions.mean_difference import Direction
from explorer.scene.engine import Engine
from models.card import ATLAS
from tests.explorer.pages.conftest import Open
from tests.explorer.pages.reading import address, component, components, warnings_shown


def test_it_opens_with_the_default_map_and_colours(open_page: Open) -> None:
    at = open_page()
    assert warnings_shown(at) == ""
    found = address(at)
    assert (found["model"], found["view"], found["colour"]) == ("digits-vae", "umap", "digit")
    assert found.keys() == {"model", "view", "colour", "a", "b"}
    data = component(at)
    assert data["model"]["shape"] == [1, 8, 8] and data["model"]["count"] == 400
    assert data["view"]["url"].startswith("/live/atlas/digits-vae/view/umap?v=")
    assert data["colour"]["labels"] == list("0123456789")
    assert {d["slug"] for d in data["directions"]} == {f"digit-{n}" for n in range(10)} | {"even", "ink"}
    assert data["edit"]["A"]["item"] != data["edit"]["B"]["item"]


def test_another_map_moves_the_handles_to_their_items_there(open_page: Open) -> None:
    at = open_page()
    before = component(at)
    at.selectbox(key="view_kind").set_value("pca").run()
    after = component(at)
    assert address(at)["view"] == after["view"]["id"] == "pca"
    assert after["view"]["linear"] and after["revision"] == before["revision"] + 1
    assert after["edit"]["A"]["item"] == before["edit"]["A"]["item"]
    assert after["edit"]["A"]["x"] != before["edit"]["A"]["x"]
    at.selectbox(key="view_kind").set_value("umap").run()
    assert component(at)["edit"] == before["edit"]


def test_two_dimensions_are_swapped_if_chosen_twice(open_page: Open) -> None:
    at = open_page()
    at.selectbox(key="view_kind").set_value("dims").run()
    first = address(at)["view"]
    _, i, j = first.split("-")
    at.selectbox(key="Dimension_x").set_value(j).run()
    assert address(at)["view"] == f"dims-{j}-{i}"
    free = next(d for d in "01234567" if d not in (i, j))
    at.selectbox(key="Dimension_y").set_value(free).run()
    assert address(at)["view"] == f"dims-{j}-{free}"


def test_a_plane_of_two_directions_and_an_invalid_one(open_page: Open) -> None:
    at = open_page()
    at.selectbox(key="view_kind").set_value("plane").run()
    assert address(at)["view"] == "plane-digit-0--digit-1"
    at.selectbox(key="Direction_y").set_value("ink").run()
    assert address(at)["view"] == "plane-digit-0--ink"
    assert component(at)["view"]["axes"] == ["Digit: 0", "Ink"]


def test_colours(open_page: Open) -> None:
    at = open_page()
    at.selectbox(key="colour_by").set_value("ink").run()
    assert address(at)["colour"] == component(at)["colour"]["name"] == "ink"
    at.selectbox(key="colour_by").set_value("none").run()
    assert address(at)["colour"] == "none" and component(at)["colour"] is None
    at.selectbox(key="colour_by").set_value("neighbour_distance").run()
    assert component(at)["colour"]["kind"] == "continuous"


def test_an_address_restores_the_page_and_is_not_rewritten(open_page: Open) -> None:
    link = {
        "model": "digits-vae",
        "view": "pca",
        "colour": "ink",
        "a": "test-12,0.5,-0.25",
        "a_with": "digit-3:1.5",
        "b": "test-40,-1,1",
        "path": "great-circle",
        "frames": "7",
        "residual": "fade",
        "target": "A",
    }
    at = open_page(**link)
    assert warnings_shown(at) == ""
    assert address(at) == link
    edit = component(at)["edit"]
    assert edit["A"] == {"item": 12, "x": 0.5, "y": -0.25, "sliders": {"digit-3": 1.5}}
    assert (edit["path"], edit["frames"], edit["residual"], edit["target"]) == (
        "great-circle",
        7,
        "fade",
        "A",
    )


def test_a_link_to_unmoved_handles_leaves_them_exactly_on_their_items(open_page: Open) -> None:
    at = open_page()
    again = open_page(**address(at))
    assert component(again)["edit"] == component(at)["edit"]


def test_an_older_link_with_rows_is_rewritten_with_names(open_page: Open) -> None:
    at = open_page(model="digits-vae", view="pca", a="310", b="test-40")
    assert [component(at)["edit"][name]["item"] for name in "AB"] == [310, 40]
    assert [address(at)[name].split(",")[0] for name in "ab"] == ["train-10", "test-40"]
    assert component(open_page(**address(at)))["edit"] == component(at)["edit"] and warnings_shown(at) == ""


def test_invalid_parameters_are_replaced_and_reported_once(open_page: Open) -> None:
    nonsense = {
        "colour": "love",
        "a": "x",
        "a_with": "evil:1",
        "b": "99999",
        "frames": "1e9",
        "path": "![x](//y)",
    }
    at = open_page(view="atlantis", **nonsense)
    said = warnings_shown(at)
    for part in ("'atlantis'", "'love'", "`a` must", "'evil'", "`b` must name an item", "`frames`", "`path`"):
        assert part in said, part
    assert len(at.warning) == 1
    assert r"\!\[x\](" in at.warning[0].value, "an address must not embed a picture"
    assert address(at).keys() == {"model", "view", "colour", "a", "b"}
    at.selectbox(key="view_kind").set_value("pca").run()
    assert warnings_shown(at) == ""


@pytest.mark.parametrize("name", ["../../etc", "", "x" * 5000, "digits-vae "])
def test_an_unknown_checkpoint_is_replaced_by_the_default(open_page: Open, name: str) -> None:
    at = open_page(model=name, view="atlantis")
    said = warnings_shown(at)
    assert (
        "which does not exist. Showing digits-vae instead." in said
        and "atlantis" not in said
        and len(said) < 200
    )
    assert (address(at)["model"], address(at)["view"]) == ("digits-vae", "umap")


def test_positions_on_a_missing_map_are_not_used_on_another(open_page: Open) -> None:
    at = open_page(view="umap-00000000", a="12,999,999", a_with="ink:1")
    assert "umap-00000000" in warnings_shown(at) and address(at)["view"] == "umap"
    edit = component(at)["edit"]
    assert edit["A"]["item"] == 12 and edit["A"]["sliders"] == {"ink": 1.0}
    assert abs(edit["A"]["x"]) < 100


@pytest.mark.parametrize(("name", "why"), [("rotten-vae", "SHA-256"), ("hollow-vae", "has no card.json")])
def test_an_address_of_a_broken_checkpoint_shows_another_and_the_reason(
    open_page: Open, name: str, why: str
) -> None:
    at = open_page(model=name, a="3,1,1", a_with="beard:1")
    said = warnings_shown(at)
    assert why in said and "beard" not in said
    assert address(at)["model"] == "digits-vae"


def test_the_picker_opens_another_and_lists_broken_ones(open_page: Open) -> None:
    at = open_page(a="12,1,1", colour="ink")
    at.button(key="checkpoint").click().run()
    assert not at.exception
    assert at.button(key="open-digits-vae").disabled
    shown = " ".join(text.value for text in at.text) + " ".join(text.value for text in at.markdown)
    assert "hollow-vae" in shown and "has no card.json" in shown
    assert "rotten-vae" in shown and "has the SHA-256" in shown
    assert "open-rotten-vae" not in [button.key for button in at.button]
    # AppTest closes a dialog at each run: open it and choose at once.
    at.button(key="open-flat-vae").click()
    at.button(key="checkpoint").click().run()
    found = address(at)
    assert (found["model"], found["view"], found["colour"]) == ("flat-vae", "raw", "digit")
    assert warnings_shown(at) == ""


def test_a_two_dimensional_model_shows_any_view_that_its_address_names(open_page: Open) -> None:
    for view in ("raw", "pca", "dims-1-0", "plane-even--ink"):
        at = open_page(model="flat-vae", view=view)
        assert warnings_shown(at) == "" and address(at)["view"] == view


def test_without_any_checkpoint_it_says_what_to_do(
    open_page: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LATENT_CHECKPOINT_DIR", str(tmp_path))
    at = open_page(model="faces-vae", a="1,2,3")
    assert not at.exception
    assert "python -m models train vae --data digits" in at.info[0].value
    assert not components(at)


def test_a_checkpoint_without_an_atlas_says_how_to_build_one(
    open_page: Open, copy_of_tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (copy_of_tiny / ATLAS).unlink()
    monkeypatch.setenv("LATENT_CHECKPOINT_DIR", str(copy_of_tiny.parent))
    at = open_page()
    assert "python -m explorer.atlas tiny-vae" in at.text[0].value
    assert "No checkpoint can be used yet" in at.info[0].value


def test_the_data_of_the_stage_are_small(open_page: Open) -> None:
    assert len(json.dumps(component(open_page()))) < 8_000


def test_new_directions_come_first(open_page: Open, pages_engine: Engine) -> None:
    loaded = pages_engine.open_sync("digits-vae")
    vector = np.ones(loaded.latent, np.float32)
    names = ["own-first", "own-second"]
    try:
        for name in [*names, "own-first"]:  # saved again, it is the newest
            loaded.keep_direction(Direction(vector, name, name, "Yours", 5, 5, "own"))
        slugs = [direction["slug"] for direction in component(open_page())["directions"]]
        assert slugs[:3] == ["own-first", "own-second", "even"]
    finally:
        for name in names:
            loaded.drop_direction(name)
