"""The Time page: controls, address, metrics against the model, and its messages without a model."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from explorer.pages.compare.pictures import why_no_prior
from explorer.pages.sequences import charts, panels, url
from explorer.pages.sequences.choice import among
from explorer.pages.sequences.url import Limits, Shown
from explorer.pages.shared import navigation
from explorer.scene.engine import engine
from explorer.scene.forecasts import errors, follow, futures, uncertainty
from explorer.scene.loaded import Loaded
from explorer.scene.sequences import SequenceCollection, sequences_of
from explorer.sharing import exports
from models import checkpoint
from models.card import write_card
from tests.explorer.checkpoints import write_sequences
from tests.explorer.pages.reading import address, component, components, warnings_shown

PAGE = Path(__file__).resolve().parents[4] / "explorer" / "pages" / "sequences" / "page.py"
NAME = "small-td-vae"
Open = Callable[..., AppTest]


@pytest.fixture(scope="session")
def moving_shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a sequence model."""
    folder = tmp_path_factory.mktemp("moving")
    write_sequences(folder / NAME)
    return folder


@pytest.fixture
def both_shelves(place: None, shelf: Path, moving_shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATENT_CHECKPOINT_DIR", f"{shelf}{os.pathsep}{moving_shelf}")


@pytest.fixture
def open_time() -> Open:
    """Opens the page at an address."""

    def opened(**params: str) -> AppTest:
        at = AppTest.from_file(os.fspath(PAGE), default_timeout=60)
        for name, value in params.items():
            at.query_params[name] = value
        return at.run()

    return opened


@pytest.fixture
def moving(both_shelves: None) -> Loaded:
    return engine().open_sync(NAME)


@pytest.fixture
def sequences(moving: Loaded) -> SequenceCollection:
    assert moving.entry.card is not None
    return sequences_of(moving.entry.card)


def text(at: AppTest) -> str:
    """All text of the page."""
    parts = [*at.markdown, *at.caption, *at.info, *at.warning]
    return " ".join(element.value for element in parts).replace("\\", "")


def charts_of(at: AppTest) -> list[Any]:
    return [element.proto for element in at.get("plotly_chart")]  # type: ignore[attr-defined]


def test_the_page_shows_only_sequence_models(both_shelves: None, open_time: Open) -> None:
    at = open_time()
    data = component(at)
    assert data["model"]["name"] == NAME and data["socket"] == "/live/time"
    assert (data["sequences"], data["length"], data["longest"]) == (300, 10, 4)
    usual = url.default(Limits(300, 10, 4))
    assert data["edit"] == {name: int(v) for name, v in url.query(usual).items()}
    assert address(at) == {"model": NAME} | url.query(usual)
    assert "test sequence 0" in text(at) and "Direction" in text(at)
    titles = [
        json.loads(chart.spec)["layout"]["yaxis"].get("title", {}).get("text") for chart in charts_of(at)
    ]
    assert titles[0] == "jumps in the true direction, %", "the most certain dimensions come first"
    assert titles[2] == "differential entropy, nats" and len(titles) == 4
    said = text(at)
    assert (
        "can be negative" in said
        and "may therefore rise while the belief becomes more informed. Here it goes from" in said
    )
    assert "and the share of jumps in the true direction from" in said
    assert warnings_shown(at) == ""


def test_a_link_restores_the_page_and_reports_invalid_parameters(both_shelves: None, open_time: Open) -> None:
    asked = {"sequence": "12", "seen": "4", "jump": "2", "samples": "3", "seed": "9", "by": "2", "steps": "5"}
    at = open_time(model=NAME, **asked)
    assert component(at)["edit"] == {name: int(value) for name, value in asked.items()}
    assert address(at) == {"model": NAME} | asked and warnings_shown(at) == ""
    at = open_time(model=NAME, **(asked | {"seen": "11"}))
    assert "`seen` must be a whole number in 1..10. Got 11. Using the default." in warnings_shown(at)
    assert component(at)["edit"]["seen"] == 6


def test_a_model_of_images_is_refused_with_its_reason(both_shelves: None, open_time: Open) -> None:
    at = open_time(model="digits-vae")
    assert "digits-vae is a VAE, a model of single images without time." in warnings_shown(at)
    assert component(at)["model"]["name"] == NAME
    at = open_time(model="nobody")
    assert "'nobody', which does not exist" in warnings_shown(at)


def test_sequences_are_chosen_by_number_neighbour_and_label(
    both_shelves: None, open_time: Open, sequences: SequenceCollection
) -> None:
    at = open_time(model=NAME, sequence="299", seen="3")
    at.button(key="time_next").click().run()
    edit = component(at)["edit"]
    assert (edit["sequence"], edit["seen"]) == (0, 3)
    at.button(key="time_previous").click().run()
    assert component(at)["edit"]["sequence"] == 299
    at.number_input(key="time_sequence").set_value(41).run()
    before = component(at)
    assert before["edit"]["sequence"] == 41 and address(at)["sequence"] == "41"
    at.selectbox(key="time_only_digit").set_value("3").run()
    at.selectbox(key="time_only_direction").set_value("left").run()
    digit, direction = (sequences.data.attributes[name].values for name in ("digit", "direction"))
    fitting = np.flatnonzero((digit == 3) & (direction == 0))
    first = component(at)["edit"]["sequence"]
    assert first in fitting and component(at)["revision"] > before["revision"]
    for _ in range(3):
        at.button(key="time_random").click().run()
        assert component(at)["edit"]["sequence"] in fitting
    at.button(key="time_next").click().run()
    assert component(at)["edit"]["sequence"] in fitting


def test_all_sequences_are_there_without_a_filter(both_shelves: None, sequences: SequenceCollection) -> None:
    np.testing.assert_array_equal(among(sequences), np.arange(300))


def test_there_is_no_comparison_if_all_frames_are_seen(both_shelves: None, open_time: Open) -> None:
    at = open_time(model=NAME, seen="10")
    assert "The sequence has 10 frames" in text(at)
    assert len(charts_of(at)) == 3
    at = open_time(model=NAME, seen="8", by="1", steps="6")
    assert "4 of 6 steps are beyond the end of the sequence." in text(at)


@pytest.mark.parametrize("figure", ["squared", "nll", "position", "right"])
def test_each_metric_has_its_chart(both_shelves: None, open_time: Open, figure: str) -> None:
    at = open_time(model=NAME, seen="5")
    at.segmented_control(key="time_figure").set_value(figure).run()
    assert not at.exception and len(charts_of(at)) == 4
    said = "Position of the digit by circular" if figure == "position" else panels.EXPLANATIONS[figure]
    assert said in text(at)


def test_the_chart_of_errors_shows_the_errors(moving: Loaded, sequences: SequenceCollection) -> None:
    followed = follow(moving, sequences, 7)
    found = errors(moving, sequences, followed, 4, 9, 2, 1)
    figure = charts.errors(found.frames, found.squared, "squared error", 3, found.still)
    lines = {line.name: np.array(line.y) for line in figure.data}
    np.testing.assert_allclose(lines[f"mean of {len(found.squared)}"], found.squared.mean(0))
    np.testing.assert_allclose(lines["last seen frame, repeated"], found.still)
    np.testing.assert_allclose(lines["middle 80 %"], np.quantile(found.squared, 0.1, axis=0))
    assert sum(line.name == "samples shown" for line in figure.data) == 3
    assert list(figure.data[0].x) == [6, 8, 10]


def test_the_spread_map_sorts_dimensions_within_layers(moving: Loaded, sequences: SequenceCollection) -> None:
    std = uncertainty(moving, follow(moving, sequences, 7)).std
    figure = charts.state_spread(std, 3, 4)
    names = [row[0] for row in figure.data[0].text]
    assert sorted(names[:3]) == ["z² 0", "z² 1", "z² 2"] and sorted(names[3:]) == ["z¹ 3", "z¹ 4", "z¹ 5"]
    change = np.log(std).std(0)
    assert change[[int(name[3:]) for name in names[:3]]].tolist() == sorted(change[:3], reverse=True)
    np.testing.assert_allclose(10 ** np.array(figure.data[0].z)[0], std[:, int(names[0][3:])])


def test_the_download_is_the_shown_animation(moving: Loaded, sequences: SequenceCollection) -> None:
    shown = Shown(sequence=7, seen=6, jump=1, samples=2, seed=3, by=2, steps=3)
    pictures = panels.future_frames(moving, sequences, shown)
    followed = follow(moving, sequences, 7)
    assert pictures.shape == (3 + 3, 8 + 4, 3 * (8 + 4), 1)  # frames 2, 4, 6, then 8, 10 and beyond
    inner = pictures[:, 2:-2].reshape(6, 8, 3, 12, 1)[:, :, :, 2:-2].transpose(2, 0, 1, 3, 4)
    for row in inner:
        np.testing.assert_array_equal(row[:3], followed.frames[[1, 3, 5]])
    np.testing.assert_array_equal(inner[0, 3:5], followed.frames[[7, 9]])
    assert (inner[0, 5] == panels.GROUND).all()  # beyond the end
    z = futures(moving, followed, 6, 3, 2, 3)[:2]
    expected = moving.decoder(z.reshape(6, 6)).reshape(2, 3, 8, 8, 1)
    assert np.abs(inner[1:, 3:].astype(int) - expected).max() <= 1
    for kind in ("GIF", "WEBP"):
        image = Image.open(io.BytesIO(exports.animation(pictures, kind, scale=2, back=False)))
        assert (image.n_frames, image.size) == (6, (72, 24))


def test_without_a_sequence_model_the_page_says_how_to_train_one(open_time: Open) -> None:
    at = open_time()
    assert not at.exception
    assert "python -m models train td-vae --data moving-digits" in text(at)
    assert not components(at)


def test_without_the_data_set_the_page_says_which_and_what_to_do(
    place: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, open_time: Open
) -> None:
    write_sequences(tmp_path / "shelf" / "far-td-vae")
    entry = checkpoint.read(tmp_path / "shelf" / "far-td-vae")
    assert entry.card is not None
    data = {"name": "moving-digits", "options": {}}
    write_card(entry.path, replace(entry.card, data=data))
    monkeypatch.setenv("LATENT_CHECKPOINT_DIR", str(tmp_path / "shelf"))
    (tmp_path / "nothing").mkdir()
    monkeypatch.setenv("LATENT_DATA_DIR", str(tmp_path / "nothing"))
    at = open_time()
    assert not at.exception
    assert "moving-digits, whose sequences are not on this machine" in text(at)
    assert str(tmp_path / "nothing" / "mnist") in text(at) and "--option source=digits" in text(at)
    assert not components(at)


@pytest.mark.parametrize(
    ("page", "words"), [("explore", "it does not show time passing"), ("anatomy", "this one frame")]
)
def test_other_pages_link_here(
    moving: Loaded, monkeypatch: pytest.MonkeyPatch, page: str, words: str
) -> None:
    at = AppTest.from_file(os.fspath(PAGE.parents[1] / page / "page.py"), default_timeout=60)
    at.query_params["model"] = NAME
    at.run()
    assert words in text(at) and "60 sequences of moving-digits" in text(at)
    assert "deterministic" not in text(at)
    gone: list[tuple[str, str]] = []
    monkeypatch.setattr(navigation, "go", lambda title, name: gone.append((title, name)))
    at.button(key="to-time").click().run()
    assert gone == [("Time", NAME)]
    at = AppTest.from_file(os.fspath(PAGE.parents[1] / page / "page.py"), default_timeout=60)
    at.query_params["model"] = "digits-vae"
    at.run()
    assert not at.exception and not [each for each in at.button if each.key == "to-time"]


def test_cards_link_here_and_compare_says_why_there_are_no_samples(
    both_shelves: None, moving: Loaded
) -> None:
    at = AppTest.from_file(os.fspath(PAGE.parents[1] / "model_cards" / "page.py"), default_timeout=60).run()
    assert not at.exception
    assert [each.key for each in at.button if each.label == "Time"] == [f"card-time-{NAME}"]
    assert "The Time page samples futures" in why_no_prior(moving)
