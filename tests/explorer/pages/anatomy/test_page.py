"""The Anatomy page: image, address, metrics against direct calls of the model, and deterministic encoders."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest
from torch.distributions import Normal, kl_divergence

from explorer.jobs import likelihood_estimates
from explorer.pages.anatomy import charts, panels
from explorer.scene.engine import engine
from explorer.scene.inspection import encode_item
from explorer.scene.loaded import Loaded
from tests.explorer.checkpoints import train_digits
from tests.explorer.pages.reading import address, components, html, warnings_shown

PAGE = Path(__file__).resolve().parents[4] / "explorer" / "pages" / "anatomy" / "page.py"
Open = Callable[..., AppTest]


@pytest.fixture(scope="session")
def point_shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a deterministic encoder."""
    folder = tmp_path_factory.mktemp("points")
    train_digits(folder / "digits-ae", title="Points", latent=6, epochs=2, model="ae")
    train_digits(folder / "digits-flow", title="Flow", epochs=1, model="real-nvp")
    train_digits(folder / "digits-codes", title="Codes", latent=4, epochs=2, model="vq-vae")
    return folder


@pytest.fixture(autouse=True)
def both_shelves(place: None, shelf: Path, point_shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATENT_CHECKPOINT_DIR", f"{shelf}{os.pathsep}{point_shelf}")


@pytest.fixture
def open_anatomy() -> Open:
    """Opens the page at an address, with the data set's pictures loaded."""

    def opened(**params: str) -> AppTest:
        with_originals(params.get("model", "digits-vae"))
        at = AppTest.from_file(os.fspath(PAGE), default_timeout=60)
        for name, value in params.items():
            at.query_params[name] = value
        return at.run()

    return opened


def with_originals(name: str) -> Loaded:
    loaded = engine().open_sync(name)
    loaded.originals.start()
    end = time.monotonic() + 120  # the pictures come from a process that gives way to all others
    while loaded.originals.state != "ready" and time.monotonic() < end:
        time.sleep(0.02)
    assert loaded.originals.state == "ready"
    return loaded


def parts(at: AppTest) -> dict[str, dict[str, Any]]:
    """The data of each component, by its part."""
    return {values["part"]: values for values in components(at)}


def headings(at: AppTest) -> list[str]:
    return [each.value.removeprefix("##### ") for each in at.markdown if each.value.startswith("##### ")]


def test_it_opens_with_an_image_at_its_mean(open_anatomy: Open) -> None:
    at = open_anatomy(model="digits-vae")
    assert warnings_shown(at) == ""
    found = parts(at)
    assert found.keys() == {"image", "divergence"}
    image = found["image"]
    assert image["model"] | {"version": ""} == {
        "name": "digits-vae",
        "title": "Digits",
        "version": "",
        "shape": [1, 8, 8],
        "latent": 8,
        "count": 400,
    }
    assert image["edit"] == {"item": 0, "draw": None, "turn": {}}
    assert image["probabilistic"] is True and image["likelihood"] is True
    across, up = image["dims"]
    assert image["view"]["id"] == f"dims-{across}-{up}"
    assert image["view"]["url"].startswith(f"/live/atlas/digits-vae/view/dims-{across}-{up}?v=")
    assert address(at) == {"model": "digits-vae", "item": "test-0", "dims": f"{across}-{up}"}
    atlas = engine().open_sync("digits-vae").atlas
    assert atlas.std is not None
    kl = (0.5 * (atlas.mean**2 + atlas.std**2 - 1 - 2 * np.log(atlas.std))).mean(0)
    assert [across, up] == list(np.argsort(-kl)[:2]), "the two dimensions with the largest KL"


def test_each_panel_has_its_equation_and_a_paper(open_anatomy: Open) -> None:
    at = open_anatomy(model="digits-vae")
    assert headings(at) == [
        "From the image to its posterior, to a latent, and back",
        "The bound and its two terms",
        "KL of each dimension",
        "Estimates of log p(x) over the number of samples",
        "The divergence has a direction",
    ]
    assert len(at.latex) == 5
    assert sum("](https://" in caption.value for caption in at.caption) == 5


def test_the_bound_and_its_terms_are_the_models(open_anatomy: Open) -> None:
    at = open_anatomy(model="digits-vae", item="7")
    loaded = with_originals("digits-vae")
    encoded = encode_item(loaded, 7)
    assert encoded.std is not None and encoded.source == "original"
    q = Normal(torch.from_numpy(encoded.mean).double(), torch.from_numpy(encoded.std).double())
    kl = kl_divergence(q, Normal(torch.zeros(8).double(), 1.0))
    x = torch.from_numpy(encoded.picture).permute(2, 0, 1)[None].float() / 255
    torch.manual_seed(0)
    with torch.inference_mode():
        z = q.sample((4000,)).float()
        cost = float(loaded.decoder.model.nll(z, x.expand(4000, -1, -1, -1)).mean())  # type: ignore[operator]
    shown = {metric.label: float(metric.value.replace("−", "-").replace(",", "")) for metric in at.metric}
    assert shown["KL, nats"] == pytest.approx(float(kl.sum()), abs=0.06)
    assert shown["Reconstruction, nats"] == pytest.approx(cost, abs=1.5)
    assert shown["−ELBO, nats"] == pytest.approx(shown["Reconstruction, nats"] + shown["KL, nats"], abs=0.11)


def test_an_address_restores_the_page_and_is_not_rewritten(open_anatomy: Open) -> None:
    link = {"model": "digits-vae", "item": "test-12", "dims": "3-1", "draw": "4", "turn": "1:-2,3:0.5"}
    at = open_anatomy(**link)
    assert warnings_shown(at) == "" and address(at) == link
    image = parts(at)["image"]
    assert image["dims"] == [3, 1]
    assert image["edit"] == {"item": 12, "draw": 4, "turn": {"1": -2.0, "3": 0.5}}


def test_invalid_parameters_are_reported_in_one_box(open_anatomy: Open) -> None:
    at = open_anatomy(model="digits-vae", item="400", dims="2-2", draw="x", turn="![y](//z)")
    said = warnings_shown(at)
    for part in (
        "`item` must be an image of this model. Got '400'",
        "`dims` must be two different",
        "`draw` must",
        "`turn` must be dimensions such as",
    ):
        assert part in said, part
    assert len(at.warning) == 1 and r"\!\[y\](" in at.warning[0].value
    assert address(at)["item"] == "test-0"


def test_another_model_replaces_a_missing_or_broken_one(open_anatomy: Open) -> None:
    at = AppTest.from_file(os.fspath(PAGE), default_timeout=60)
    at.query_params["model"] = "rotten-vae"
    at.run()
    assert "rotten-vae" in warnings_shown(at)
    assert parts(at)["image"]["model"]["name"] != "rotten-vae"


def test_a_flow_shows_the_density_of_the_image(open_anatomy: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    at = open_anatomy(model="digits-flow", item="3")
    assert "An exact density, a bound on log P(x)" in headings(
        at
    ) and "What a deterministic latent lacks" not in headings(at)
    shown = {metric.label: float(metric.value.replace("−", "-").replace(",", "")) for metric in at.metric}
    parts = [shown[f"{name}, nats"] for name in ("Latent", "Volume", "Noise")]
    assert shown["log P(x) ≥, nats"] == pytest.approx(sum(parts), abs=0.16)
    assert shown["Bits/dim ≤"] == pytest.approx(-shown["log P(x) ≥, nats"] / (64 * np.log(2)), abs=0.01)


def test_discrete_codes_have_no_posterior(open_anatomy: Open) -> None:
    at = open_anatomy(model="digits-codes", item="3")
    assert any("no posterior" in info.value for info in at.info)
    assert "What a deterministic latent lacks" not in headings(at)


def test_another_image_is_shown_at_its_mean(open_anatomy: Open) -> None:
    at = open_anatomy(model="digits-vae", item="12", draw="4", turn="3:0.5")
    before = parts(at)["image"]
    at.text_input(key="anatomy_item").set_value("test 31").run()
    after = parts(at)["image"]
    assert after["edit"] == {"item": 31, "draw": None, "turn": {}}
    assert after["revision"] > before["revision"] and after["dims"] == before["dims"]
    assert address(at)["item"] == "test-31" and "draw" not in address(at)


def test_a_filter_leaves_the_images_of_a_digit(open_anatomy: Open) -> None:
    at = open_anatomy(model="digits-vae")
    at.selectbox(key="anatomy_attribute").set_value("digit").run()
    at.get("button_group")[0].set_value(["3"]).run()  # type: ignore[attr-defined]
    digits = engine().open_sync("digits-vae").atlas.attributes["digit"].values
    assert any(f"{(digits == 3).sum()} of 400 images" in caption.value for caption in at.caption)
    at.button(key="anatomy_random").click().run()
    assert digits[parts(at)["image"]["edit"]["item"]] == 3


def test_choosing_other_dimensions_keeps_eps(open_anatomy: Open) -> None:
    at = open_anatomy(model="digits-vae", dims="3-1", turn="3:0.5")
    at.selectbox(key="Dimension_x").set_value("5").run()
    image = parts(at)["image"]
    assert image["dims"] == [5, 1] and image["edit"]["turn"] == {"3": 0.5}
    assert address(at)["dims"] == "5-1"


def test_a_deterministic_encoder_says_what_it_lacks_and_shows_where_it_fails(open_anatomy: Open) -> None:
    at = open_anatomy(model="digits-ae", item="3")
    assert warnings_shown(at) == ""
    found = parts(at)
    assert found.keys() == {"image"}, "no divergence without a posterior"
    assert found["image"]["probabilistic"] is False and found["image"]["likelihood"] is False
    assert headings(at) == ["From the image to its latent and back", "What a deterministic latent lacks"]
    words = " ".join(caption.value for caption in at.caption)
    assert "Latents between and beyond those of the images are not constrained" in words
    for part in ("**continuity**", "**completeness**", "no ELBO", "no prior to sample"):
        assert part in words
    assert not at.metric and not [button for button in at.button if button.key == "an_draw"]
    first = html(at)
    assert first.count('alt="Decoded latent, ') == 18
    assert "off the data" in first, "the line leaves the data"
    at.button(key="an_another_line").click().run()
    second = html(at)
    assert second != first and second.count('alt="Decoded latent, ') == 18
    assert parts(at)["image"]["edit"]["item"] == 3


def test_a_deterministic_encoder_cannot_be_sampled(open_anatomy: Open) -> None:
    at = open_anatomy(model="digits-ae", draw="3")
    assert "no posterior to draw from" in warnings_shown(at)
    assert "draw" not in address(at)


def test_originals_loaded_during_encoding_are_not_missed(
    open_anatomy: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = with_originals("digits-vae")
    get = loaded.originals.get

    def late(items: Any) -> Any:
        """No pictures at first; they are loaded right afterwards."""
        if loaded.originals.state == "ready":
            return get(items)
        monkeypatch.setattr(loaded.originals, "state", "ready")
        return [None] * len(items)

    monkeypatch.setattr(loaded.originals, "state", "loading")
    monkeypatch.setattr(loaded.originals, "start", lambda: None)
    monkeypatch.setattr(loaded.originals, "get", late)
    at = AppTest.from_file(os.fspath(PAGE), default_timeout=60)
    at.query_params["model"] = "digits-vae"
    at.run()
    assert not at.exception
    shown = float(next(metric.value for metric in at.metric if metric.label == "KL, nats"))
    encoded = encode_item(loaded, 0)
    assert encoded.source == "original" and encoded.std is not None
    kl = 0.5 * (encoded.mean**2 + encoded.std**2 - 1 - 2 * np.log(encoded.std)).sum()
    assert shown == pytest.approx(float(kl), abs=0.06)


# Estimates


class Ready:
    """A finished job with these results."""

    made: ClassVar[list[tuple[Any, likelihood_estimates.Request]]] = []
    result: dict[str, Any] | None = None
    running, error, share, what, partial = False, None, 1.0, "Done", None

    def __init__(self, function: Any, request: likelihood_estimates.Request) -> None:
        self.made.append((function, request))
        rng = np.random.default_rng(0)
        naive, weights = rng.normal(-60, 8, 900), rng.normal(-42, 1.5, 900)
        self.result = likelihood_estimates.curves(naive, weights)

    def cancel(self) -> None:
        raise AssertionError("It is not to be cancelled.")


def test_estimates_are_computed_in_a_job_and_stay(
    open_anatomy: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(panels, "start", Ready)
    monkeypatch.setattr(panels, "SAMPLES", 900)
    at = open_anatomy(model="digits-vae", item="9")
    at.button(key="an_draw").click().run()
    at.run()
    assert not at.exception
    function, request = Ready.made[-1]
    loaded = with_originals("digits-vae")
    assert function is likelihood_estimates.estimate and Path(request.model).name == "digits-vae"
    np.testing.assert_array_equal(request.picture, encode_item(loaded, 9).picture)
    (said,) = [caption.value for caption in at.caption if caption.value.startswith("After 900")]
    curves = at.session_state["an_curves"][("digits-vae", loaded.version, 9, "original")]
    for name in ("bound", "importance", "naive"):
        assert charts.short(curves[name][-1]) in said
    assert at.button(key="an_draw").label == "Draw 3,600 samples", (
        "all samples are drawn, and more are offered"
    )
    at.text_input(key="anatomy_item").set_value("test 10").run()
    assert [button for button in at.button if button.key == "an_draw"], "another image, other estimates"
    at.text_input(key="anatomy_item").set_value("test 9").run()
    assert any(caption.value.startswith("After 900") for caption in at.caption)


def test_each_step_offers_four_times_the_samples_up_to_a_limit() -> None:
    assert [panels._next_samples(count) for count in (0, 250, 5_000, 20_000, 80_000, 100_000)] == [
        5_000,
        5_000,
        20_000,
        80_000,
        100_000,
        0,
    ]
