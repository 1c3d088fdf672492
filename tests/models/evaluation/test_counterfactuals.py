"""The truth beside an edit: faces drawn again, sprites put together again from layers."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from models.data import Attribute, ImageData, load_data
from models.data.faces import draw, factors_of
from models.data.lpc_layers import LAYERS, composed
from models.evaluation.counterfactuals import redrawn
from tests.models.data import NEEDS_DATA

LABELS = {"hair": 3, "shoes": 2, "topwear": 3, "bottomwear": 2, "body": 3, "direction": 2, "pose": 1}
SIDE = 6


def drawn(factors: dict[str, int]) -> NDArray[np.uint8]:
    """A character of layers whose places depend on their label and on the direction, so that they cover each other."""
    picture = np.full((SIDE, SIDE, 3), 200, np.uint8)
    turned = factors["direction"]
    for place, name in enumerate(reversed(LAYERS)):
        value = factors[name]
        row = (place + turned) % SIDE
        picture[row, : 3 + value] = (40 * place + 10 * value + 1, 5 * value, 30 * turned)
        picture[(row + 1) % SIDE, value : value + 2] = (40 * place + 10 * value + 2, 7, 9)
    return picture


def characters(seed: int = 0, share: float = 0.6) -> tuple[ImageData, list[dict[str, int]]]:
    """Some of all combinations, and the factors of those that were left out."""
    every = [dict(zip(LABELS, each, strict=True)) for each in itertools.product(*map(range, LABELS.values()))]
    chosen = np.random.default_rng(seed).random(len(every)) < share
    held = [factors for factors, there in zip(every, chosen, strict=True) if there]
    data = ImageData(
        name="lpc-sprites",
        split="test",
        images=np.stack([drawn(factors) for factors in held]),
        attributes={
            name: Attribute(
                name,
                "categorical",
                np.array([factors[name] for factors in held], np.int16),
                tuple(f"{name} {n}" for n in range(count)),
            )
            for name, count in LABELS.items()
        },
        ids=np.arange(len(held)),
        publishable=True,
        licence="none",
        source="drawn here",
    )
    return data, [factors for factors, there in zip(every, chosen, strict=True) if not there]


@pytest.fixture(scope="module")
def faces() -> ImageData:
    return load_data("faces", "test", limit=6)


def test_a_face_is_drawn_again_with_one_factor_changed(faces: ImageData) -> None:
    found = redrawn(faces, 2, "smile", 0.9)
    assert found is not None and found.dtype == np.uint8 and found.shape == (64, 64, 3)
    np.testing.assert_array_equal(found, draw(factors_of(faces, 2).replace(smile=0.9)))
    same = redrawn(faces, 2, "smile", float(faces.attributes["smile"].values[2]))
    np.testing.assert_array_equal(same, faces.images[2])
    for value in (0, 1):
        hat = redrawn(faces, 2, "hat", value)
        np.testing.assert_array_equal(hat, draw(factors_of(faces, 2).replace(hat=bool(value))))


def test_a_continuous_value_out_of_range_takes_the_nearest(faces: ImageData) -> None:
    np.testing.assert_array_equal(
        redrawn(faces, 0, "smile", 3.5), draw(factors_of(faces, 0).replace(smile=1.0))
    )
    np.testing.assert_array_equal(
        redrawn(faces, 0, "light", -9), draw(factors_of(faces, 0).replace(light=-1.0))
    )


def test_characters_that_the_collection_lacks_are_composed() -> None:
    data, lacking = characters()
    assert len(lacking) > 50
    for factors in lacking:
        np.testing.assert_array_equal(composed(data, factors), drawn(factors), err_msg=str(factors))


def test_a_character_that_is_there_is_taken_as_it_is() -> None:
    data, _ = characters()
    odd = data.images.copy()
    odd[5] = 77  # not what the layers would give
    changed = ImageData(**{**vars(data), "images": odd})
    factors = {name: int(each.values[5]) for name, each in data.attributes.items()}
    np.testing.assert_array_equal(composed(changed, factors), odd[5])


def test_a_sprite_is_redrawn_with_another_label() -> None:
    data, _ = characters()
    factors = {name: int(each.values[3]) for name, each in data.attributes.items()}
    for name, count in LABELS.items():
        for value in range(count):
            np.testing.assert_array_equal(redrawn(data, 3, name, value), drawn(factors | {name: value}))
    one = data.take([3])
    wanted = (factors["topwear"] + 1) % 3
    assert redrawn(one, 0, "topwear", wanted) is None  # it alone shows no other
    found = redrawn(one, 0, "topwear", wanted, collection=data)
    np.testing.assert_array_equal(found, drawn(factors | {"topwear": wanted}))


def test_what_cannot_be_drawn_is_none() -> None:
    assert redrawn(load_data("digits", "test", limit=3), 0, "digit", 4) is None
    data, _ = characters()
    still = data.take(np.flatnonzero(data.attributes["direction"].values == 0))
    assert redrawn(still, 0, "direction", 1) is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((6, "smile", 1.0), r"`index` must be an integer in 0..5. Got 6"),
        ((-1, "smile", 1.0), r"`index` must be an integer in 0..5. Got -1"),
        ((True, "smile", 1.0), r"`index` must be an integer in 0..5. Got True"),
        ((0, "mood", 1.0), r"Unknown attribute 'mood'. Choose one of: head_turn, "),
        ((0, "smile", float("nan")), r"`value` must be a finite number. Got nan"),
        ((0, "hat", 2), r"`value` of 'hat' must be an integer in 0..1. Got 2"),
        ((0, "hat", 0.5), r"`value` of 'hat' must be an integer in 0..1. Got 0.5"),
    ],
)
def test_what_does_not_hold_is_refused(faces: ImageData, arguments: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        redrawn(faces, *arguments)


def test_factors_of_a_sprite_must_be_whole() -> None:
    data, _ = characters()
    with pytest.raises(ValueError, match=r"`pose` must be an integer in 0..0. Got None"):
        composed(data, {name: 0 for name in LABELS if name != "pose"})
    with pytest.raises(ValueError, match=r"`hair` must be an integer in 0..2. Got 3"):
        composed(data, dict.fromkeys(LABELS, 0) | {"hair": 3})


@NEEDS_DATA
def test_real_sprites_are_composed_without_themselves() -> None:
    data = load_data("lpc-sprites", "train", limit=8_000)
    scene = (data.attributes["direction"].values == 1) & (data.attributes["pose"].values == 2)
    rows = np.flatnonzero(scene)
    for row in rows[:5]:
        rest = data.take(rows[rows != row])
        found = composed(rest, {name: int(each.values[row]) for name, each in data.attributes.items()})
        assert found is not None
        assert (found != data.images[row]).any(-1).sum() <= 8, f"image {row}"  # of 4,096 pixels
