"""The Directions page: sources, estimators, held directions, saved ones, files, links, errors."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from explorer.latent.directions.estimators import Sides, fit
from explorer.latent.directions.mean_difference import Direction
from explorer.scene.engine import engine
from explorer.scene.loaded import Loaded
from explorer.workspace import direction_files
from explorer.workspace.storage import Group
from tests.explorer.pages.reading import address, html, warnings_shown

PAGE = Path(__file__).resolve().parents[4] / "explorer" / "pages" / "directions" / "page.py"
Open = Callable[..., AppTest]


@pytest.fixture
def open_directions() -> Open:
    """Opens the page at an address, and waits for all metrics."""

    def opened(wait: bool = True, **params: str) -> AppTest:
        at = AppTest.from_file(str(PAGE), default_timeout=120)
        params = {name.rstrip("_"): value for name, value in params.items()}
        for name, value in params.items():
            at.query_params[name] = value
        at.run()
        return settled(at) if wait else at

    return opened


@pytest.fixture(autouse=True)
def nothing_kept(place: None) -> None:
    """Removes directions that other tests left in the model in memory."""
    loaded = model()
    for name in [n for n, d in loaded.directions.items() if d.kind == "own"]:
        loaded.drop_direction(name)
    for group in list(loaded.groups):
        loaded.drop_group(group)


def settled(at: AppTest) -> AppTest:
    assert not at.exception, at.exception[0].value
    if "dr_studies" in at.session_state:
        for study in at.session_state["dr_studies"].values():
            study.wait(120)
    return at.run()


def model(name: str = "digits-vae") -> Loaded:
    return engine().open_sync(name)


def rows(at: AppTest) -> dict[str, str]:
    """The HTML of each estimator's row."""
    parts = re.split(r'data-estimator="(\w+)"', html(at))
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def everything(at: AppTest) -> str:
    assert not at.exception, at.exception[0].value
    texts = [*at.caption, *at.markdown, *at.warning, *at.success, *at.error, *at.toast]
    return " ".join(text.value for text in texts).replace("\\", "")


def saved() -> dict[str, Direction]:
    return {name: d for name, d in model().directions.items() if d.kind == "own"}


def test_it_opens_with_an_attribute_and_five_estimators_side_by_side(open_directions: Open) -> None:
    at = open_directions(model="digits-vae")
    assert warnings_shown(at) == ""
    assert address(at) == {
        "model": "digits-vae",
        "from": "attribute:even",
        "method": "mean",
        "item": "test-0",
    }
    found = rows(at)
    assert list(found) == ["mean", "balanced", "logistic", "svm", "lda"]
    for row in found.values():
        assert row.count("<img") == 9 and re.search(r"Angle error: \d+° \(\d+°–\d+°, chance 90°\)", row)
    assert (
        len({row.partition("lx-dr-strip")[2] for row in found.values()}) == 5
    )  # no two show the same pictures
    assert len(at.get("plotly_chart")) == 2


def test_pictures_are_shown_before_the_metrics(open_directions: Open) -> None:
    at = open_directions(wait=False, model="digits-vae", from_="attribute:digit-3")
    found = rows(at)
    assert found["mean"].count("<img") == 9
    settled(at)
    assert "AUC: …" not in "".join(rows(at).values())


def test_a_link_restores_the_page(open_directions: Open) -> None:
    link = {
        "model": "digits-vae",
        "from": "attribute:ink",
        "method": "lda",
        "hold": "even,digit-3",
        "item": "test-7",
    }
    at = open_directions(**{"from_" if k == "from" else k: v for k, v in link.items()})
    assert warnings_shown(at) == "" and address(at) == link
    assert at.segmented_control(key="dr_method").value == "lda"
    assert at.multiselect(key="dr_hold").value == ["even", "digit-3"]
    assert at.text_input(key="dr_on_item").value == "test 7"


def test_held_directions_have_cosine_zero_afterwards(open_directions: Open) -> None:
    at = open_directions(model="digits-vae", from_="attribute:even", hold="digit-3,digit-4")
    lines = [line for line in everything(at).splitlines() if "Digit: " in line and line.startswith("|")]
    assert len(lines) == 2
    for line in lines:
        before, after = (cell.strip() for cell in line.split("|")[2:4])
        assert abs(float(before.replace("−", "-"))) > 0.05 and after == "0.000"
    at.multiselect(key="dr_hold").set_value([]).run()
    assert "hold" not in address(at) and "Cosine before" not in everything(at)


def test_saving_stores_the_direction_shown(open_directions: Open) -> None:
    at = open_directions(model="digits-vae", from_="attribute:even", method="lda")
    at.text_input(key="dr_name").set_value("Evenness").run()
    at.button(key="dr_save").click().run()
    assert "Saved Evenness" in everything(at)
    (direction,) = saved().values()
    loaded = model()
    even = loaded.atlas.attributes["even"].values == 1
    expected = fit("lda", Sides.of(loaded.atlas.mean, even, ~even))
    np.testing.assert_allclose(direction.vector, expected, rtol=1e-3, atol=1e-4)
    assert (direction.name, direction.title) == ("own-evenness", "Evenness")
    assert direction.made == "attribute Even; LDA"
    assert (direction.count_with, direction.count_without) == (even.sum(), (~even).sum())
    at.button(key="dr_save").click().run()
    assert sorted(saved()) == ["own-evenness", "own-evenness-2"]


def test_a_direction_has_a_default_name_until_one_is_typed(open_directions: Open) -> None:
    at = open_directions(model="digits-vae", from_="attribute:even", method="lda")
    assert at.text_input(key="dr_name").placeholder == "Even, LDA"
    at.text_input(key="dr_name").set_value("Evenness")
    at.button(key="dr_save").click().run()  # at once, as by a click that also leaves the field
    assert [direction.title for direction in saved().values()] == ["Evenness"]
    at.segmented_control(key="dr_method").set_value("mean").run()
    at.button(key="dr_save").click().run()
    assert sorted(direction.title for direction in saved().values()) == ["Even, mean difference", "Evenness"]


def test_held_directions_are_saved_and_reported(open_directions: Open) -> None:
    at = open_directions(model="digits-vae", from_="attribute:even", hold="digit-3")
    at.button(key="dr_save").click().run()
    (direction,) = saved().values()
    assert abs(direction.vector @ model().directions["digit-3"].vector) < 1e-4
    assert direction.made == "attribute Even; mean difference; held fixed: Digit: 3"


def test_a_saved_direction_is_used_renamed_deleted_and_restored(open_directions: Open) -> None:
    loaded = model()
    loaded.keep_direction(
        replace(loaded.directions["even"], name="own-calm", title="Calm", kind="own", group="Yours")
    )
    at = open_directions(model="digits-vae")
    at.button(key="dr_use_own-calm").click().run()
    assert address(at)["from"] == "attribute:own-calm" and list(rows(at)) == ["mean"]
    at.text_input(key="dr_title_own-calm").set_value("Calmer").run()
    at.button(key="dr_rename_own-calm").click().run()
    assert saved()["own-calm"].title == "Calmer"
    at.button(key="dr_drop_own-calm").click().run()
    assert saved() == {} and "no direction 'own-calm'" in warnings_shown(at)
    at.button(key="dr_undo").click().run()
    assert saved()["own-calm"].title == "Calmer" and warnings_shown(at) == ""
    assert "dr_undo" not in [button.key for button in at.button]


@pytest.mark.parametrize("write", [direction_files.as_json, direction_files.as_safetensors])
def test_a_direction_is_imported(open_directions: Open, write: Callable[..., bytes]) -> None:
    loaded = model()
    vector = np.arange(1, 9, dtype=np.float32)
    data = write(loaded.entry, Direction(vector, "own-far", "Far", "Yours", 1, 2, "own", "elsewhere"))
    at = open_directions(model="digits-vae")
    at.file_uploader(key="dr_file_0").set_value(("far.json", data, "application/json")).run()
    assert "Imported Far" in everything(at)
    np.testing.assert_array_equal(saved()["own-far"].vector, vector)


def test_a_direction_of_another_checkpoint_is_refused(open_directions: Open) -> None:
    flat = model("flat-vae")
    data = direction_files.as_json(
        flat.entry, Direction(np.ones(2, np.float32), "own-far", "Far", "Yours", 0, 0, "own")
    )
    at = open_directions(model="digits-vae")
    at.file_uploader(key="dr_file_0").set_value(("far.json", data, "application/json")).run()
    assert "belongs to another checkpoint, flat-vae" in everything(at) and "digits-vae" in everything(at)
    assert saved() == {}


def test_two_saved_groups(open_directions: Open) -> None:
    loaded = model()
    loaded.keep_group(Group("left", "Left", tuple(range(40))))
    loaded.keep_group(Group("right", "Right", tuple(range(60, 120))))
    at = open_directions(model="digits-vae", from_="groups:@left~@right")
    assert warnings_shown(at) == "" and "From 60 images **Right** to 40 **Left**" in everything(at)
    assert "Few images: 40 with" in rows(at)["mean"]
    at.selectbox(key="dr_without").set_value("rest").run()
    assert address(at)["from"] == "groups:@left~rest" and "From 360 images" in everything(at)


def test_groups_by_value_and_the_hint_to_saved_ones(open_directions: Open) -> None:
    at = open_directions(model="digits-vae")
    at.selectbox(key="dr_kind").set_value("groups").run()
    assert address(at)["from"] == "groups:even=even~rest"
    assert "Save as group" in everything(at)
    at.multiselect(key="dr_with_by").set_value(["digit"]).run()
    assert address(at)["from"] == "groups:digit=9~rest"
    at.pills(key="dr_with_digit").set_value(["3", "5"]).run()
    assert address(at)["from"] == "groups:digit=3|5~rest"


def test_two_images_and_components(open_directions: Open) -> None:
    at = open_directions(model="digits-vae", from_="items:3,9")
    assert list(rows(at)) == ["mean"] and rows(at)["mean"].count("<img") == 9
    at.button(key="dr_swap").click().run()
    assert address(at)["from"] == "items:test-9,test-3"
    at.text_input(key="dr_end").set_value("test 9").run()
    assert "must not be the same" in warnings_shown(at)
    at.selectbox(key="dr_kind").set_value("pc").run()
    assert address(at)["from"] == "pc:1" and warnings_shown(at) == ""
    at.selectbox(key="dr_component").set_value("2").run()
    assert "Principal component 2" in rows(at)["mean"]


def test_expressions_of_directions_and_of_images(open_directions: Open) -> None:
    at = open_directions(model="digits-vae", from_="expression:even - 0.5*ink")
    assert list(rows(at)) == ["mean"] and warnings_shown(at) == ""
    at.text_input(key="dr_expression").set_value("even + frown").run()
    assert "no direction 'frown'" in warnings_shown(at)
    assert address(at)["from"] == "expression:even + frown"
    at.text_input(key="dr_expression").set_value("#1 + #2 - #3").run()
    assert warnings_shown(at) == "" and not rows(at)
    loaded = model()
    z = loaded.atlas.mean[1] + loaded.atlas.mean[2] - loaded.atlas.mean[3]
    near = [int(i) for i in loaded.neighbours.nearest(z[None], 9)[0][0] if i not in (1, 2, 3)][:6]
    shown = re.findall(r"<figcaption>(test \d+|train \d+)<br>digit", html(at))
    assert shown == [loaded.atlas.names.name(row) for row in near]


def test_invalid_parameters_are_reported_and_ignored(open_directions: Open) -> None:
    at = open_directions(model="digits-vae", from_="attribute:smile", method="magic", hold="x", item="99999")
    for said in (
        "no direction 'smile'",
        "`method` must be",
        "`hold` must",
        "`item` must",
        "Using the default",
    ):
        assert said in warnings_shown(at)
    assert address(at)["from"] == "attribute:even"


def test_a_missing_model_and_the_last_chosen_one(open_directions: Open) -> None:
    at = open_directions(model="flow-vae")
    assert "flow-vae" in warnings_shown(at)
    at = AppTest.from_file(str(PAGE), default_timeout=120)
    at.session_state["lx_checkpoint"] = "flat-vae"
    assert address(at.run())["model"] == "flat-vae"


def test_without_checkpoints_it_says_what_to_do(
    open_directions: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LATENT_CHECKPOINT_DIR", str(tmp_path))
    at = open_directions()
    assert not at.exception and "python -m models train" in at.info[0].value
