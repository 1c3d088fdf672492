"""The Samples page: sources, seeds, address, and a sample as a handle's item."""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import streamlit as st
from PIL import Image
from streamlit.testing.v1 import AppTest

from explorer.latent.statistics import draws
from explorer.latent.statistics.mixtures import fit
from explorer.pages.samples import panels
from explorer.scene.engine import engine
from explorer.scene.loaded import Loaded
from explorer.scene.samples import plane, traversals
from tests.explorer.checkpoints import CODES, train_digits, write_sequences
from tests.explorer.pages.reading import address, components, warnings_shown

PAGE = Path(__file__).resolve().parents[4] / "explorer" / "pages" / "samples" / "page.py"
MAIN = PAGE.parents[1] / "main.py"
Open = Callable[..., AppTest]


@pytest.fixture(scope="session")
def plain_shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a deterministic model."""
    folder = tmp_path_factory.mktemp("plain")
    train_digits(folder / "plain-ae", epochs=1, model="ae")
    return folder


@pytest.fixture(autouse=True)
def both_shelves(place: None, shelf: Path, plain_shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATENT_CHECKPOINT_DIR", f"{shelf}{os.pathsep}{plain_shelf}")


@pytest.fixture
def open_samples() -> Open:
    """Opens the page at an address."""

    def opened(**params: str) -> AppTest:
        at = AppTest.from_file(os.fspath(PAGE), default_timeout=90)
        for name, value in params.items():
            at.query_params[name] = value
        return at.run()

    return opened


def model(name: str = "digits-vae") -> Loaded:
    return engine().open_sync(name)


def gallery(at: AppTest) -> dict[str, Any]:
    (found,) = [values for values in components(at) if "sheet" in values]
    return found


def pictures(found: dict[str, Any]) -> np.ndarray:
    """The pictures (N, 8, 8) of the gallery's sheet."""
    raw = base64.b64decode(found["sheet"].removeprefix("data:image/png;base64,"))
    whole = np.asarray(Image.open(io.BytesIO(raw)))
    rows = len(whole) // 8
    return whole.reshape(rows, 8, found["columns"], 8).swapaxes(1, 2).reshape(-1, 8, 8)[: found["count"]]


def same(found: dict[str, Any], latents: np.ndarray, name: str = "digits-vae") -> bool:
    expected = model(name).decoder(np.ascontiguousarray(latents.reshape(-1, latents.shape[-1])))[..., 0]
    shown = pictures(found)
    return shown.shape == expected.shape and bool(np.abs(shown.astype(int) - expected.astype(int)).max() <= 1)


def test_the_prior_with_temperature_truncation_and_a_seed(open_samples: Open) -> None:
    at = open_samples(
        model="digits-vae", source="prior", temperature="0.7", truncation="1.5", seed="9", count="12"
    )
    assert warnings_shown(at) == "" and same(
        gallery(at), draws.prior(12, 8, 9, temperature=0.7, truncation=1.5)
    )
    link = address(at)
    assert link == {
        "model": "digits-vae",
        "show": "samples",
        "source": "prior",
        "temperature": "0.7",
        "truncation": "1.5",
        "count": "12",
        "seed": "9",
    }
    found = gallery(at)
    loaded = model()
    again = loaded.encoder(loaded.decoder(draws.prior(12, 8, 9, temperature=0.7, truncation=1.5))).mean
    assert found["percentile"] == pytest.approx(loaded.neighbours.query(again).percentile, abs=1)
    assert len(found["captions"]) == 12
    at.button(key="sm_again").click().run()
    other = gallery(at)
    assert other["made"] != found["made"] and other["sheet"] != found["sheet"]
    at.number_input(key="sm_seed").set_value(9).run()
    assert gallery(at) == found, "the same seed, the same samples"


@pytest.mark.parametrize(("unusual", "first"), [(0.0, "mixture"), (101.0, "prior")])
def test_the_mixture_is_the_default_if_the_prior_misses_the_data(
    open_samples: Open, monkeypatch: pytest.MonkeyPatch, unusual: float, first: str
) -> None:
    monkeypatch.setattr(panels, "UNUSUAL", unusual)
    at = open_samples(model="digits-vae")
    assert address(at)["source"] == first
    said = " ".join(caption.value for caption in at.caption)
    assert ("so the mixture is the default" in said) == (first == "mixture")
    assert address(open_samples(model="digits-vae", source="prior"))["source"] == "prior"


def test_the_mixture_and_the_mixture_of_one_value(open_samples: Open) -> None:
    loaded = model()
    at = open_samples(model="digits-vae", source="mixture", components="4", seed="3", count="12")
    assert same(gallery(at), fit(loaded.atlas.mean, 4).sample(12, 3))
    at.selectbox(key="sm_source").set_value("value").run()
    at.selectbox(key="sm_value").set_value("7").run()
    sevens = loaded.atlas.mean[loaded.atlas.attributes["digit"].values == 7]
    assert same(gallery(at), fit(sevens, 4).sample(12, 3))
    assert address(at)["attribute"] == "digit" and address(at)["value"] == "7"


def test_controls_that_are_no_longer_rendered_are_ignored(open_samples: Open) -> None:
    at = open_samples(model="digits-vae", source="value", attribute="digit", value="7", count="12")
    at.selectbox(key="sm_attribute").set_value("even")
    at.selectbox(key="sm_value").set_value("3").run()
    assert not at.exception and (address(at)["attribute"], address(at)["value"]) == ("even", "0")
    at.selectbox(key="sm_value").set_value(at.selectbox(key="sm_value").options[-1]).run()
    last = address(at)["value"]
    at.selectbox(key="sm_source").set_value("mixture")
    at.selectbox(key="sm_attribute").set_value("digit").run()
    assert address(at)["source"] == "mixture"
    at.selectbox(key="sm_source").set_value("value").run()
    assert (address(at)["attribute"], address(at)["value"]) == ("even", last)


def test_the_caption_on_drawn_latents_is_true(open_samples: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    for unusual, said in ((0.0, True), (101.0, False)):
        monkeypatch.setattr(panels, "UNUSUAL", unusual)
        at = open_samples(model="digits-vae", source="prior", count="12")
        assert (
            any("drawn latents are far from those of the images" in each.value for each in at.caption) == said
        )


def test_a_plane_has_no_choice_of_dimensions(open_samples: Open) -> None:
    assert at_keys(open_samples(model="digits-vae", show="traversals")) >= {"sm_rows"}
    at = open_samples(model="flat-vae", show="traversals")
    assert "sm_rows" not in at_keys(at) and len(gallery(at)["rows"]) == 2


def at_keys(at: AppTest) -> set[str | None]:
    return {box.key for box in at.selectbox}


def test_near_an_image(open_samples: Open) -> None:
    at = open_samples(model="digits-vae", source="near", item="31", radius="0.25", count="12", seed="1")
    assert same(gallery(at), draws.near(model().atlas.mean[31], 0.25, 12, 1))
    at.text_input(key="sm_item").set_value("test 4000").run()
    assert "There is no item test 4000" in warnings_shown(at) and address(at)["item"] == "test-31"


def test_dimensions_and_the_plane(open_samples: Open) -> None:
    at = open_samples(model="digits-vae", show="traversals", item="5", rows="5", reach="2")
    rows = traversals(model(), 5, 5, 2.0)
    found = gallery(at)
    assert same(found, rows.latents) and found["rows"] == rows.names and found["heads"] == rows.heads
    assert any("ordered by KL" in caption.value for caption in at.caption)
    at.button(key="sm_item_off").click().run()
    assert "item" not in address(at) and same(gallery(at), traversals(model(), None, 5, 2.0).latents)
    at = open_samples(model="flat-vae", show="manifold", side="9")
    assert same(gallery(at), plane(model("flat-vae"), 9), "flat-vae") and gallery(at)["captions"] == []


def test_a_deterministic_model_says_that_it_has_no_prior(open_samples: Open) -> None:
    at = open_samples(model="plain-ae", source="prior")
    assert "`source` must be one of: mixture, near, value" in warnings_shown(at)
    assert address(at)["source"] == "mixture"
    assert any("has no prior" in caption.value for caption in at.caption)
    at = open_samples(model="plain-ae", show="traversals")
    assert any("the variance of the images' latents" in caption.value for caption in at.caption)


def test_a_click_puts_a_handle_on_exactly_this_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    from explorer.components import samples as component

    at = AppTest.from_file(os.fspath(MAIN), default_timeout=90).run()
    at.switch_page("samples/page.py")
    at.query_params["model"], at.query_params["count"], at.query_params["seed"] = "digits-vae", "12", "2"
    at.query_params["source"] = "prior"
    at.run()
    clicked = {"made": gallery(at)["made"], "index": 4, "click": 1}
    own = component.gallery
    monkeypatch.setattr(component, "gallery", lambda data, **rest: (own(data, **rest), clicked)[1])
    at.run()
    at.run()
    assert gallery(at)["selected"] == 4
    clicked = {"made": "another", "index": 5, "click": 2}
    at.run()
    clicked = {"made": gallery(at)["made"], "index": 12, "click": 3}
    at.run()
    assert gallery(at)["selected"] == 4, "an unknown picture is ignored"
    loaded = model()
    try:
        for _ in range(2):  # the second time it is the same item
            at.button(key="sm_handle_a").click().run()
            assert not at.exception
            (kept,) = loaded.own.values()
            assert np.array_equal(kept.z, draws.prior(12, 8, 2)[4]) and kept.title == "Sample 5, seed 2"
            assert address(at)["a"].split(",")[0] == str(kept.item)
            at.query_params.clear()  # as a link between the pages does
            at.switch_page("samples/page.py").run()
            assert gallery(at)["selected"] == 4
    finally:
        for item in list(loaded.own):
            loaded.drop_own(item)


def test_codes_and_sequences_link_to_their_pages(
    open_samples: Open, tmp_path: Path, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train_digits(tmp_path / "codes-only", latent=4, epochs=1, model="vq-vae", **CODES | {"prior_depth": 0})
    write_sequences(tmp_path / "moving-td")
    monkeypatch.setenv("LATENT_CHECKPOINT_DIR", f"{shelf}{os.pathsep}{tmp_path}")
    assert "are on the Codes page" in warnings_shown(open_samples(model="codes-only"))
    assert "are on the Time page" in warnings_shown(open_samples(model="moving-td"))
    monkeypatch.setenv("LATENT_CHECKPOINT_DIR", str(tmp_path))
    st.cache_data.clear()
    at = open_samples()
    assert not at.exception and "python -m models train vae --data digits" in at.info[0].value
    assert {button.key for button in at.button} >= {"sm_to_Codes", "sm_to_Time"}


def test_invalid_parameters_are_reported_in_one_box(open_samples: Open) -> None:
    at = open_samples(model="digits-vae", seed="-1", show="![x](y)", temperature="9")
    said = warnings_shown(at)
    for part in ("`seed` must be a whole number", "`show` must be one of", "`temperature` must be a number"):
        assert part in said
    assert len(at.warning) == 1 and gallery(at)["count"] == 48
