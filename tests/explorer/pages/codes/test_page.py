"""The Codes page: data of the grid, address, images, samples, and models without codes."""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from explorer.latent.geometry.grids import as_text, from_text
from explorer.pages.codes import samples
from explorer.scene.codebook import codebooks, grids_of, latents
from explorer.scene.engine import engine
from explorer.scene.loaded import Loaded
from tests.explorer.checkpoints import CODES, train_digits
from tests.explorer.pages.reading import address, components, warnings_shown

PAGE = Path(__file__).resolve().parents[4] / "explorer" / "pages" / "codes" / "page.py"
Open = Callable[..., AppTest]


@pytest.fixture(scope="session")
def code_shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model of two levels of codes, and one without a prior."""
    folder = tmp_path_factory.mktemp("codes")
    train_digits(
        folder / "one-codes", title="One", latent=4, epochs=2, model="vq-vae", **CODES | {"prior_depth": 0}
    )
    train_digits(folder / "two-codes", title="Two", latent=4, epochs=3, model="vq-vae-2", **CODES)
    return folder


@pytest.fixture(autouse=True)
def both_shelves(place: None, shelf: Path, code_shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATENT_CHECKPOINT_DIR", f"{shelf}{os.pathsep}{code_shelf}")


@pytest.fixture
def open_codes() -> Open:
    """Opens the page at an address."""

    def opened(**params: str) -> AppTest:
        at = AppTest.from_file(os.fspath(PAGE), default_timeout=90)
        for name, value in params.items():
            at.query_params[name] = value
        return at.run()

    return opened


def grid(at: AppTest) -> dict[str, Any]:
    return next(values for values in components(at) if values["part"] == "grid")


def model(name: str = "two-codes") -> Loaded:
    return engine().open_sync(name)


def text_of(item: int, name: str = "two-codes") -> str:
    return as_text(grids_of(model(name), item))


def test_it_opens_with_two_images_and_the_data_of_the_grid(open_codes: Open) -> None:
    at = open_codes(model="two-codes")
    assert warnings_shown(at) == ""
    found, loaded = grid(at), model()
    digits = loaded.atlas.attributes["digit"].values
    other = found["images"]["b"]["item"]
    assert found["images"]["a"] == {"item": 0, "codes": text_of(0)} and digits[other] != digits[0]
    assert found["images"]["b"]["codes"] == text_of(other)
    assert found["edit"] == {"codes": None, "level": 0, "t": 0.5}
    top, bottom = found["levels"]
    assert (top["name"], top["rows"], top["columns"], top["codes"]) == ("top", 2, 2, 16)
    assert (bottom["name"], bottom["look"]) == ("bottom", [4, 4])
    assert bottom["url"] == f"/live/atlas/two-codes/codes/1?v={loaded.version}"
    assert bottom["looks"] == f"/live/atlas/two-codes/codes/1/looks?v={loaded.version}"
    assert address(at) == {"model": "two-codes", "a": "test-0", "b": f"test-{other}", "level": "top"}
    used = [(book.uses > 0).sum() for book in codebooks(loaded)]
    said = " ".join(caption.value for caption in at.caption)
    assert f"Top: {used[0]} of 16 codes used" in said and f"bottom: {used[1]} of 16 codes used" in said


def test_an_address_restores_the_page_and_is_not_rewritten(open_codes: Open) -> None:
    link = {
        "model": "two-codes",
        "a": "test-12",
        "b": f"~{text_of(5)}",
        "level": "bottom",
        "codes": text_of(7),
        "t": "0.3",
    }
    at = open_codes(**link)
    assert warnings_shown(at) == "" and address(at) == link
    found = grid(at)
    assert found["images"] == {
        "a": {"item": 12, "codes": text_of(12)},
        "b": {"item": None, "codes": text_of(5)},
    }
    assert found["edit"] == {"codes": text_of(7), "level": 1, "t": 0.3}
    assert (
        at.text_input(key="code_a_item").value == "test 12" and at.text_input(key="code_b_item").value == ""
    )


def test_invalid_parameters_are_reported_in_one_box(open_codes: Open) -> None:
    at = open_codes(model="two-codes", a="900", codes="![y](//z)", level="roof")
    said = warnings_shown(at)
    for part in (
        "`a` must be an image of this model. Got '900'",
        "`codes` must be 54 characters",
        "`level` must be one of: top",
    ):
        assert part in said
    assert len(at.warning) == 1 and grid(at)["images"]["a"]["item"] == 0


def test_another_checkpoint_replaces_one_without_codes(open_codes: Open) -> None:
    at = open_codes(model="digits-vae")
    assert "digits-vae has no discrete codes" in warnings_shown(at)
    assert grid(at)["model"]["name"] == "one-codes"


def test_without_a_checkpoint_of_codes_it_says_how_to_train_one(
    open_codes: Open, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LATENT_CHECKPOINT_DIR", str(shelf))
    at = AppTest.from_file(os.fspath(PAGE.parents[1] / "main.py"), default_timeout=90).run()
    at.switch_page("codes/page.py").run()
    assert not at.exception
    (info,) = at.info
    assert (
        "python -m models train vq-vae --data digits" in info.value
        and "python -m explorer.atlas" in info.value
    )


def test_other_images_and_the_swap(open_codes: Open) -> None:
    painted = text_of(7)
    at = open_codes(model="two-codes", a="3", b="9", codes=painted)
    first = grid(at)
    at.text_input(key="code_b_item").set_value("test 31").run()
    second = grid(at)
    assert second["images"]["b"]["item"] == 31 and second["revision"] > first["revision"]
    assert second["edit"]["codes"] == painted, "another B keeps the painted codes"
    at.button(key="cd_swap").click().run()
    third = grid(at)
    assert [third["images"][name]["item"] for name in "ab"] == [31, 3] and third["edit"]["codes"] is None
    at.selectbox(key="code_a_attribute").set_value("digit").run()
    at.get("button_group")[0].set_value(["3"]).run()  # type: ignore[attr-defined]
    at.button(key="code_a_random").click().run()
    assert model().atlas.attributes["digit"].values[grid(at)["images"]["a"]["item"]] == 3
    assert grid(at)["images"]["b"]["item"] == 3


def test_painted_codes_are_adopted_unless_outdated_or_invalid(
    open_codes: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    from explorer.components import codes as component

    at = open_codes(model="two-codes", a="3", b="9")
    sent = {
        "model": "two-codes",
        "revision": grid(at)["revision"],
        "codes": text_of(7),
        "level": 1,
        "t": 0.75,
    }
    own = component.grid
    monkeypatch.setattr(component, "grid", lambda data: (own(data), sent)[1])
    at.run()
    assert address(at) == {
        "model": "two-codes",
        "a": "test-3",
        "b": "test-9",
        "level": "bottom",
        "codes": text_of(7),
        "t": "0.75",
    }
    sent = {**sent, "revision": sent["revision"] - 1, "codes": text_of(8)}
    at.run()
    assert address(at)["codes"] == text_of(7), "painted on another image"
    sent = {**sent, "revision": grid(at)["revision"], "codes": "AAAA"}
    at.run()
    assert "`codes` must be 54 characters" in warnings_shown(at) and address(at)["codes"] == text_of(7)


def test_an_earlier_address_of_the_browser_undoes_nothing(open_codes: Open) -> None:
    asked = {"model": "two-codes", "a": "3", "b": "9"}
    at = open_codes(**asked)
    own = address(at)
    at.text_input(key="code_b_item").set_value("test 31").run()
    after, revision = address(at), grid(at)["revision"]
    for before in (own, asked):
        at.query_params.clear()
        for name, value in before.items():
            at.query_params[name] = value
        at.run()
        assert address(at) == after and grid(at)["revision"] == revision, "the address of a moment ago"
    at.query_params["b"] = "12"
    at.run()
    assert grid(at)["images"]["b"]["item"] == 12, "an address that is new is followed"


def test_samples_are_drawn_in_a_job_and_loaded_with_a_click(
    open_codes: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = open_codes(model="two-codes", a="3", b="9")
    at.number_input(key="cd_count").set_value(3).run()
    at.number_input(key="cd_seed").set_value(4).run()
    at.checkbox(key="cd_keep").check().run()
    at.button(key="cd_draw").click().run()
    at.session_state["cd_job"].wait(120)
    at.run()
    at.run()
    found = next(values for values in components(at) if values["part"] == "samples")
    top = grids_of(model(), 3)[0]
    shapes = [(2, 2), (4, 4)]
    grids = [from_text(text, shapes, 16) for text in found["codes"]]
    assert len(grids) == 3 and all(np.array_equal(each[0], top) for each in grids)
    assert found["note"] == "3 samples at temperature 1, seed 4, the top of A kept"
    raw = base64.b64decode(found["pictures"][1].removeprefix("data:image/png;base64,"))
    expected = model().decoder(latents(model(), [grids[1]]))[0, ..., 0]
    assert np.abs(np.asarray(Image.open(io.BytesIO(raw))).astype(int) - expected.astype(int)).max() <= 1

    clicked = {"model": "two-codes", "made": found["made"], "sample": 1, "side": "b", "click": 1}
    own = samples.components.samples
    monkeypatch.setattr(samples.components, "samples", lambda data: (own(data), clicked)[1])
    at.run()
    assert address(at)["b"] == f"~{found['codes'][1]}" and address(at)["a"] == "test-3"
    clicked = {**clicked, "sample": 7, "click": 2}
    at.run()
    assert address(at)["b"] == f"~{found['codes'][1]}" and not at.exception


def test_a_cancelled_job_says_so(open_codes: Open) -> None:
    at = open_codes(model="two-codes")
    at.button(key="cd_draw").click().run()
    job = at.session_state["cd_job"]
    job.cancel()
    job.wait(60)
    at.run()
    said = " ".join(caption.value for caption in at.caption)
    assert "No samples: Cancelled." in said and at.session_state["cd_job"] is None


def test_a_model_without_a_prior_says_why_there_are_no_samples(open_codes: Open) -> None:
    at = open_codes(model="one-codes")
    assert any("prior_depth=0" in info.value and "--prior-epochs" in info.value for info in at.info)
    assert not [button for button in at.button if button.key == "cd_draw"]
    assert [level["name"] for level in grid(at)["levels"]] == ["codes"]


def test_anatomy_leads_here() -> None:
    at = AppTest.from_file(os.fspath(PAGE.parents[1] / "main.py"), default_timeout=90)
    at.run()
    at.switch_page("anatomy/page.py")
    at.query_params["model"] = "two-codes"
    at.run()
    assert not at.exception
    at.button(key="an_codes").click().run()
    assert not at.exception
    assert grid(at)["model"]["name"] == "two-codes"
