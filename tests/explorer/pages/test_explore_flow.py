"""The pages with a flow: separate levels, exact likelihood, and no gauge."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.explorer.checkpoints import train_digits
from tests.explorer.pages.conftest import MAIN, Open
from tests.explorer.pages.reading import address, component, components, warnings_shown


@pytest.fixture(scope="module")
def flows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a flow of two levels and a VAE."""
    folder = tmp_path_factory.mktemp("flows")
    train_digits(folder / "digits-flow", title="Flow", epochs=1, model="real-nvp")
    train_digits(folder / "digits-vae", epochs=1)
    return folder


@pytest.fixture(autouse=True)
def on_the_shelf(flows: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATENT_CHECKPOINT_DIR", str(flows))


def test_the_stage_receives_levels_and_likelihoods(open_page: Open) -> None:
    data = component(open_page(model="digits-flow", view="pca"))
    assert [level["grid"] for level in data["levels"]] == ["2×2", "2×2", "4×4"]
    assert data["likelihood"] == "/live/atlas/digits-flow/likelihood/pca"
    plain = component(open_page(model="digits-vae"))
    assert (plain["levels"], plain["likelihood"]) == ([], None)


def test_a_link_names_the_level_that_moves(open_page: Open) -> None:
    at = open_page(model="digits-flow", view="pca", a="3", b="8", level="2")
    assert warnings_shown(at) == "" and component(at)["edit"]["level"] == 2
    assert address(at)["level"] == "2"


@pytest.mark.parametrize(
    ("model", "level"), [("digits-flow", "4"), ("digits-flow", "two"), ("digits-vae", "1")]
)
def test_an_unknown_level_is_reported(open_page: Open, model: str, level: str) -> None:
    at = open_page(model=model, level=level)
    assert "`level` must be one of: 0" in warnings_shown(at)
    assert component(at)["edit"]["level"] == 0 and "level" not in address(at)


def test_no_page_shows_the_gauge_of_a_flow() -> None:
    for page, parameters in (("paths", {}), ("paths", {"shape": "grid"}), ("samples", {})):
        at = AppTest.from_file(os.fspath(MAIN.with_name(page) / "page.py"), default_timeout=90)
        for name, value in ({"model": "digits-flow", "view": "pca"} | parameters).items():
            at.query_params[name] = value
        at.run()
        assert warnings_shown(at) == ""
        data = [values for values in components(at) if "ways" in values or "captions" in values]
        assert data and "ercentile up to" not in str(data)
        for part in [*data, *(way for values in data for way in values.get("ways", ()))]:
            assert part.get("percentile", []) == []
        assert "ercentile" not in " ".join(caption.value for caption in at.caption)
        assert "off the data" not in str([chart.proto.spec for chart in at.get("plotly_chart")])  # type: ignore[attr-defined]
    assert address(at)["source"] == "prior"
