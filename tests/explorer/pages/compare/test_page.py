"""The Compare page: choice, address, errors, the component's data, and the sections."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from explorer.pages.compare import metrics, pictures
from models import checkpoint
from models.base import LatentSpec
from models.card import ATLAS, write_card
from tests.explorer.pages.reading import address, component, components, html, warnings_shown

PAGE = Path(__file__).resolve().parents[4] / "explorer" / "pages" / "compare" / "page.py"
Open = Callable[..., AppTest]
BOTH = "flat-vae,digits-vae"


@pytest.fixture
def open_compare() -> Open:
    """Opens the page at an address."""

    def opened(**params: str) -> AppTest:
        at = AppTest.from_file(os.fspath(PAGE), default_timeout=60)
        for name, value in params.items():
            at.query_params[name] = value
        return at.run()

    return opened


def names(at: AppTest) -> list[str]:
    return [model["name"] for model in component(at)["models"]]


def test_it_opens_with_the_first_series(open_compare: Open) -> None:
    at = open_compare()
    assert warnings_shown(at) == ""
    found = component(at)
    assert names(at) == ["flat-vae", "digits-vae"]
    assert [model["view"]["id"] for model in found["models"]] == ["raw", "umap"]
    assert [model["kind"] for model in found["models"]] == ["VAE", "VAE"]
    assert found["count"] == 400 and found["shape"] == [1, 8, 8]
    assert found["colour"]["labels"] == list("0123456789")
    assert found["models"][1]["view"]["url"].startswith(f"/live/compare/{BOTH}/view/digits-vae/umap?v=")
    assert found["state"] == {"item": 0, "drives": [], "selection": None}
    assert address(at) == {"models": BOTH, "item": "test-0", "colour": "digit", "below": "reconstructions"}
    assert len(json.dumps(found)) < 4000


def test_an_address_restores_the_page_and_is_not_rewritten(open_compare: Open) -> None:
    link = {
        "models": "digits-vae,flat-vae",
        "item": "test-12",
        "drives": "1,0.5,-0.25_0,0,1",
        "select": "0,-1,-1,1,-1,0,2",
        "colour": "ink",
        "below": "samples",
    }
    at = open_compare(**link)
    assert warnings_shown(at) == "" and address(at) == link
    found = component(at)
    assert found["state"]["drives"] == [{"by": 1, "x": 0.5, "y": -0.25}, {"by": 0, "x": 0.0, "y": 1.0}]
    assert found["state"]["selection"] == {"by": 0, "corners": [-1.0, -1.0, 1.0, -1.0, 0.0, 2.0]}
    assert found["colour"]["name"] == "ink"


def test_invalid_parameters_are_reported_once(open_compare: Open) -> None:
    at = open_compare(
        models=f"{BOTH},nowhere", item="x", drives="9,0,0", select="![x](//y)", colour="love", below="?"
    )
    said = warnings_shown(at)
    for part in ("'nowhere'", "`item` must", "`drives[0].by` must", "`select` must", "'love'"):
        assert part in said, part
    assert len(at.warning) == 1 and r"\!\[x\](" in at.warning[0].value
    assert address(at)["below"] == "reconstructions"
    at.segmented_control(key="compare_below").set_value("samples").run()
    assert address(at)["below"] == "samples"


def test_a_broken_model_is_left_out_with_its_reason(open_compare: Open) -> None:
    at = open_compare(models="rotten-vae,digits-vae")
    assert "'rotten-vae' cannot be used" in warnings_shown(at) and "SHA-256" in warnings_shown(at)
    assert names(at) == ["digits-vae", "flat-vae"], "a single model is complemented by another"
    assert any("hollow-vae" in each.value for each in at.markdown), "all unusable checkpoints are listed"


def test_a_model_without_an_atlas_says_how_to_build_it(
    open_compare: Open, shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("digits-vae", "flat-vae"):
        shutil.copytree(shelf / name, tmp_path / name)
    shutil.copytree(shelf / "flat-vae", tmp_path / "new-vae")
    (tmp_path / "new-vae" / ATLAS).unlink()
    card = tmp_path / "new-vae" / "card.json"
    card.write_text(card.read_text().replace('"flat-vae"', '"new-vae"'))
    monkeypatch.setenv("LATENT_CHECKPOINT_DIR", str(tmp_path))
    at = open_compare(models="digits-vae,new-vae")
    assert "python -m explorer.atlas new-vae" in warnings_shown(at)
    assert names(at) == ["digits-vae", "flat-vae"]


def test_fewer_than_two_ask_for_more(open_compare: Open) -> None:
    at = open_compare()
    at.multiselect(key="compare_pick").set_value(["flat-vae"]).run()
    assert not at.exception and "Choose 2 to 6 models of Digits" in at.info[0].value
    assert not components(at)
    at.multiselect(key="compare_pick").set_value(["digits-vae", "flat-vae"]).run()
    assert names(at) == ["digits-vae", "flat-vae"]


def test_a_new_address_is_followed_and_an_earlier_one_undoes_nothing(open_compare: Open) -> None:
    first = {"models": BOTH, "item": "test-3"}
    at = open_compare(**first)
    at.multiselect(key="compare_pick").set_value(["digits-vae", "flat-vae"]).run()
    at.query_params.clear()
    for name, value in first.items():
        at.query_params[name] = value
    at.run()
    assert names(at) == ["digits-vae", "flat-vae"], "the browser still has the first address"
    at.query_params["models"], at.query_params["item"] = BOTH, "test-9"
    at.run()
    assert names(at) == ["flat-vae", "digits-vae"] and address(at)["item"] == "test-9"


def test_a_suggested_series_is_one_click_away(open_compare: Open) -> None:
    at = open_compare(models="digits-vae,flat-vae", item="7")
    (series,) = [button for button in at.button if (button.key or "").startswith("series-")]
    assert series.label == "VAE with 2 and 8 dimensions"
    before = component(at)["revision"]
    series.click().run()
    assert names(at) == ["flat-vae", "digits-vae"]
    assert component(at)["state"]["item"] == 7 and component(at)["revision"] > before, "the image stays"


def test_colours(open_compare: Open) -> None:
    at = open_compare()
    at.selectbox(key="compare_colour_by").set_value("ink").run()
    assert address(at)["colour"] == component(at)["colour"]["name"] == "ink"
    at.selectbox(key="compare_colour_by").set_value("none").run()
    assert address(at)["colour"] == "none" and component(at)["colour"] is None


def test_one_checkpoint_alone_says_what_is_needed(
    open_compare: Open, tiny_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LATENT_CHECKPOINT_DIR", str(tiny_checkpoint.parent))
    at = open_compare()
    assert not at.exception and "Two checkpoints of one data set are needed" in at.info[0].value


# Sections


def test_reconstructions_of_the_same_images_with_their_errors(open_compare: Open) -> None:
    at = open_compare()
    shown = html(at)
    comparison = opened()
    errors = pictures.errors(comparison)
    assert errors is not None
    for model, item in ((0, 0), (1, 9)):
        assert f">{errors[model, item]:.4f}</span>" in shown
    assert shown.count('alt="Digits of t') == shown.count('alt="Flat of t') == 10
    means = ", ".join(f"{letter} {mean:.4f}" for letter, mean in zip("AB", errors.mean(1), strict=True))
    assert any(means in caption.value for caption in at.caption)


def test_images_where_the_models_differ_most(open_compare: Open) -> None:
    at = open_compare()
    at.selectbox(key="compare_order").set_value("differ").run()
    errors = pictures.errors(opened())
    assert errors is not None
    most = int(np.argmax(np.abs(errors[0] - errors[1])))
    assert f"{errors[0, most]:.4f}" in html(at)


def test_selected_images(open_compare: Open) -> None:
    comparison = opened()
    xy = comparison.positions(0)
    gaps = np.sort(np.linalg.norm(xy[:, None] - xy, axis=2), axis=1)[:, 1]
    alone = int(gaps.argmax())
    x, y = (float(v) for v in xy[alone])
    box = f"0,{x - 0.001},{y - 0.001},{x + 0.001},{y - 0.001},{x + 0.001},{y + 0.001},{x - 0.001},{y + 0.001}"
    at = open_compare(models=BOTH, select=box)
    at.selectbox(key="compare_order").set_value("selected").run()
    assert html(at).count('alt="Flat of t') == 1
    assert f'alt="Flat of {comparison.models[0].name_of(alone)},' in html(at)
    nowhere = open_compare(models=BOTH, select="0,1e5,1e5,1e5,100001,100001,1e5")
    nowhere.selectbox(key="compare_order").set_value("selected").run()
    assert "No image is inside the selection" in nowhere.info[0].value


def test_samples_are_drawn_only_with_a_prior(open_compare: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    at = open_compare(below="samples")
    first = html(at)
    assert first.count('alt="Sample of Flat"') == first.count('alt="Sample of Digits"') == 24
    at.number_input(key="compare_seed").set_value(7).run()
    assert html(at) != first
    at.number_input(key="compare_seed").set_value(0).run()
    assert html(at) == first, "the same seed draws the same"
    at.slider(key="compare_temperature").set_value(0.0).run()
    cold = re.findall(r'<img[^>]+alt="Sample of Digits"[^>]*>', html(at))
    assert len(cold) == 24 and len(set(cold)) == 1, "at temperature 0 every draw is the prior's mean"
    at.slider(key="compare_temperature").set_value(1.0).run()
    assert html(at) == first
    model = opened().models[1].decoder.model
    monkeypatch.setattr(model, "spec", LatentSpec((8,), prior=False, likelihood="none"))
    pictures._blocks.clear()
    at = open_compare(below="samples")
    assert 'alt="Sample of Digits"' not in html(at)
    assert "VAE has no prior" in html(at)
    pictures._blocks.clear()
    monkeypatch.setattr(model, "spec", LatentSpec((8,), discrete=True))
    assert "from its learnt prior" in html(open_compare(below="samples"))
    pictures._blocks.clear()


def test_the_series_over_the_dimension(open_compare: Open) -> None:
    at = open_compare(below="dimensions")
    shown = html(at)
    assert "2 dimensions" in shown and "8 dimensions, samples" in shown
    assert shown.count('alt="Reconstruction with 2 dimensions"') == 10
    assert any("python -m models evaluate" in caption.value for caption in at.caption), "no metrics yet"


def test_metrics_are_a_table_with_units_and_protocols(
    open_compare: Open, shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = open_compare(below="metrics")
    assert "was evaluated yet" in at.info[0].value
    for name, value, protocol in (("digits-vae", 0.01, "all"), ("flat-vae", 0.05, "half")):
        shutil.copytree(shelf / name, tmp_path / name)
        entry = checkpoint.read(tmp_path / name)
        assert entry.card is not None
        figures = {
            "mse": {"value": value, "unit": "per pixel", "protocol": protocol, "command": "x"},
            "kl": {"value": 3.0, "unit": "nats", "protocol": "one", "command": "x"},
        }
        from dataclasses import replace

        write_card(entry.path, replace(entry.card, metrics=figures))
    monkeypatch.setenv("LATENT_CHECKPOINT_DIR", str(tmp_path))
    at = open_compare(models=BOTH, below="metrics")
    wide, long = (frame.value for frame in at.dataframe)
    assert list(wide["MSE (per pixel) ≠"]) == [0.05, 0.01]
    assert list(wide["KL (nats)"]) == [3.0, 3.0]
    assert list(wide["Dimensions"]) == [2, 8]
    assert list(long["Protocol"]) == ["half", "one", "all", "one"]
    assert any(
        "are not comparable: they were measured with different protocols" in caption.value
        for caption in at.caption
    )
    assert metrics._comparable("decoded latent, all; runs of seeds 0, 1") == metrics._comparable(
        "decoded posterior mean, all"
    ), "the same protocol"
    assert metrics._comparable("all") != metrics._comparable("half")
    at = open_compare(models=BOTH, below="dimensions")
    assert any("half" in caption.value for caption in at.caption), "the charts name their protocol"
    mse, kl = specs(at)
    assert mse["data"][0]["x"] == [2, 8] and mse["data"][0]["y"] == [0.05, 0.01]
    assert kl["layout"]["yaxis"]["title"]["text"] == "KL (nats)"


def test_latent_spaces_are_compared(open_compare: Open) -> None:
    at = open_compare(below="spaces")
    assert not at.exception
    assert "lxc-matrix" in html(at)
    (chart,) = specs(at)
    flat, deep = chart["data"]
    assert (flat["name"], deep["name"]) == ("A", "B")
    assert flat["y"][-1] == pytest.approx(1) and len(flat["x"]) == 2 and len(deep["x"]) == 8
    table = at.dataframe[0].value
    assert list(table["Dimensions"]) == [2, 8]
    assert 1 <= table["Effective"][0] <= 2 and table["First two"][0] == pytest.approx(100)
    assert (table["Same digit"] > 15).all(), "ten digits: chance is 10 %"


def specs(at: AppTest) -> list[dict[str, Any]]:
    """The Plotly specifications of a page's charts."""
    return [json.loads(each.proto.spec) for each in at.get("plotly_chart")]  # type: ignore[attr-defined]


def opened() -> Any:
    """The page's comparison of the two models."""
    from explorer.scene.comparison import compare_models
    from explorer.scene.engine import engine
    from explorer.scene.views import default_view, resolve

    models = [engine().open_sync(name) for name in BOTH.split(",")]
    return compare_models(models, [resolve(model, default_view(model)) for model in models])
