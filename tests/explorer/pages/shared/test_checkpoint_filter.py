"""Tests of filtering and sorting checkpoints, and of the picker."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from explorer.pages.shared.checkpoint_filter import by_showcase, fits
from models.card import Card, Entry
from tests.explorer.pages.conftest import Open


def card(name: str, data: str, model: str = "vae", title: str = "") -> Card:
    return Card(
        name=name,
        title=title or name,
        description="",
        model=model,
        config={"image_shape": [1, 8, 8]},
        data={"name": data},
        weights_sha256="0" * 64,
    )


def test_sprites_and_faces_come_first() -> None:
    cards = [
        card("mnist-vae-10d", "mnist"),
        card("fashion-vae", "fashion-mnist"),
        card("faces-vae", "faces"),
        card("mnist-vae-5d", "mnist"),
        card("sprites-vae", "lpc-sprites"),
    ]
    entries = sorted((Entry(each.name, Path(each.name), each) for each in cards), key=by_showcase)
    assert [entry.name for entry in entries] == [
        "sprites-vae",
        "faces-vae",
        "fashion-vae",
        "mnist-vae-5d",
        "mnist-vae-10d",
    ]


@pytest.mark.parametrize(
    ("asked", "there"),
    [
        ({"text": ""}, True),
        ({"text": "FACES beta"}, True),
        ({"text": "faces digits"}, False),
        ({"text": "β-vae"}, True),
        ({"text": "", "data": ["faces"], "family": ["beta-vae"]}, True),
        ({"text": "", "data": ["mnist"]}, False),
        ({"text": "", "family": ["vae"]}, False),
    ],
)
def test_every_word_and_every_filter_must_match(asked: dict[str, Any], there: bool) -> None:
    assert fits(card("faces-beta-vae", "faces", "beta-vae"), **asked) == there


def test_the_picker_is_narrowed_and_keeps_its_height(open_page: Open) -> None:
    at = open_page(model="digits-vae")
    at.button(key="checkpoint").click().run()

    def offered() -> list[str]:
        return [button.key for button in at.button if str(button.key).startswith("open-")]

    assert offered() == ["open-digits-vae", "open-flat-vae"]
    images = [each.proto.body for each in at.get("html") if "lx-preview" in each.proto.body]  # type: ignore[attr-defined]
    assert len(images) == 2 and all("aspect-ratio:48/8" in image for image in images)
    at.text_input(key="pick_search").set_value("flat")
    at.button(key="checkpoint").click().run()  # opened anew: here a dialog does not outlive a run
    assert offered() == ["open-flat-vae"]
    assert any(caption.value == "1 of 2 checkpoints" for caption in at.caption)
    at.text_input(key="pick_search").set_value("unicorn")
    at.button(key="checkpoint").click().run()
    assert offered() == [] and "No checkpoint fits" in at.info[0].value
    assert not at.exception
