"""The line above the stage while a model is trained further, or once a better version exists."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from explorer.jobs.trainings import Trainings
from tests.explorer.pages.conftest import Open
from tests.explorer.pages.reading import address


def test_a_model_without_a_training_has_no_line(open_page: Open) -> None:
    at = open_page(model="digits-vae")
    assert not at.exception and "newer-show" not in [button.key for button in at.button]


def test_a_better_version_is_offered_and_shown_with_the_same_images(
    open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Trainings, "newer", lambda _, name: "flat-vae" if name == "digits-vae" else "")
    at = open_page(model="digits-vae", colour="even", a="test-7", b="train-3")
    assert "A better version has been trained." in [each.value for each in at.markdown]
    assert address(at)["model"] == "digits-vae", "it is not shown without a click"
    at.button(key="newer-show").click().run()
    asked = address(at)
    assert asked["model"] == "flat-vae" and asked["colour"] == "even"
    assert asked["a"].startswith("test-7,") and asked["b"].startswith("train-3,")
    assert "newer-show" not in [button.key for button in at.button]


def test_a_running_training_shows_the_time_left(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    training: Any = SimpleNamespace(name="photos-vae", seconds_left=130.0, what="Step 2 of 9")
    monkeypatch.setattr(Trainings, "of", lambda _, name: training)
    at = open_page(model="digits-vae")
    assert "Still training: about 2 min left." in [each.value.replace("\\", "") for each in at.caption]
    assert "newer-watch" in [button.key for button in at.button]
