"""Leakage of edits, on a decoder with known attributes and a perfect classifier."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from explorer.latent.directions.leakage import (
    STRONGEST,
    Target,
    Trial,
    find_strength,
    random_directions,
    sign_test,
    targets,
)
from explorer.latent.intervals import share_interval
from models.data import Attribute

COUNT, STEP = 200, 0.01  # a level of the picture is a hundredth of a code's unit


def decode(z: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Each of three numbers, in hundredths, as two bytes: a picture of 3 x 1 pixels, two of their colours used."""
    levels = np.clip(np.round(z / STEP) + 2**15, 0, 2**16 - 1).astype(np.int64)
    return np.stack([levels >> 8, levels & 255, 0 * levels], axis=-1)[:, :, None].astype(np.uint8)


def read(pictures: NDArray[np.uint8]) -> dict[str, NDArray[np.float64]]:
    """The first number as a value, the second as log-odds, the third as the log-odds of three labels."""
    levels = pictures[:, :, 0, 0].astype(np.float64) * 256 + pictures[:, :, 0, 1]
    width, hat, hair = ((levels - 2**15) * STEP).T
    thirds = np.stack([-0.5 - hair, 0.5 - abs(hair), hair - 0.5], axis=1)
    return {"width": width[:, None], "hat": 3 * hat[:, None], "hair": thirds}


def collection(seed: int = 0) -> tuple[NDArray[np.float32], dict[str, Attribute]]:
    rng = np.random.default_rng(seed)
    z = rng.uniform(-1, 1, (COUNT, 3)).astype(np.float32)
    truth = read(decode(z))
    return z, {
        "width": Attribute("width", "continuous", truth["width"][:, 0].astype(np.float32)),
        "hat": Attribute("hat", "binary", (truth["hat"][:, 0] > 0).astype(np.uint8)),
        "hair": Attribute(
            "hair", "categorical", truth["hair"].argmax(1).astype(np.int16), ("red", "grey", "pale blue")
        ),
    }


def trial(target: Target | None, seed: int = 0) -> Trial:
    z, attributes = collection(seed)
    return Trial(decode, read, z, attributes, target)


def test_a_pure_direction_moves_its_own_attribute_alone() -> None:
    z, _ = collection()
    found = trial(Target("width")).leak([1.0, 0, 0], 0.5)
    sigma = read(decode(z))["width"].std()
    assert found.movements == {"width": pytest.approx(1 / sigma, rel=0.02), "hat": 0.0, "hair": 0.0}
    assert found.drifts["width"] == pytest.approx(1 / sigma, rel=0.02)
    assert found.dependency == (0, 0, 0) and found.images == len(z) and found.worst == ("hat", 0.0)
    assert found.p_values["width"] == 1 / 1000 and found.p_values["hat"] == 1


def test_leakage_has_its_true_size() -> None:
    found = trial(Target("width")).leak([1.0, 0.4, 0], 1.0)
    before = read(decode(collection()[0]))
    sigma = {name: values.std(0) for name, values in before.items()}
    expected = (3 * 0.4 / sigma["hat"][0]) / (1 / sigma["width"][0])  # of the odds, beside the width's
    assert found.movements["hat"] / found.movements["width"] == pytest.approx(expected, rel=0.02)
    assert found.movements["hair"] == 0 and found.dependency.value == pytest.approx(expected / 2, rel=0.02)
    assert found.worst == ("hat", pytest.approx(expected, rel=0.02))
    assert (
        found.drifts["hat"] == pytest.approx(3 * 0.4 / sigma["hat"][0], rel=0.02)
        and found.p_values["hat"] == 0.001
    )


@pytest.mark.parametrize("sure", [1.0, 50.0])
def test_a_classifier_that_is_sure_and_a_longer_edit_change_nothing(sure: float) -> None:
    """Probabilities would saturate: the same direction would pass or fail by its length."""
    z, attributes = collection()

    def surer(pictures: NDArray[np.uint8]) -> dict[str, NDArray[np.float64]]:
        found = read(pictures)
        return found | {"hat": sure * found["hat"]}

    made = Trial(decode, surer, z, attributes, Target("width"))
    found = [made.leak([1.0, 0.4, 0], strength).dependency.value for strength in (0.5, 1.0, 2.0)]
    assert found == pytest.approx(
        [trial(Target("width")).leak([1.0, 0.4, 0], 1.0).dependency.value] * 3, rel=0.02
    )


def test_changes_in_both_directions_are_not_drift() -> None:
    found = trial(Target("width", threshold=0.0)).leak([1.0, 0, 0], 0.5)
    assert found.drifts["hat"] == 0
    rng = np.random.default_rng(0)
    p = [sign_test(rng.normal(size=(60, 2)), seed) for seed in range(200)]
    assert np.mean(np.array(p) <= 0.05) == pytest.approx(0.05, abs=0.04)
    assert sign_test(np.ones((20, 1))) == 0.001


def test_the_intervals_of_a_leak_are_those_of_the_images() -> None:
    found = trial(Target("hat")).leak([0.2, 0.5, 0.4], 1.0)
    drawn = share_interval(round(found.success.value * COUNT), COUNT)
    assert found.success == drawn and 0 < drawn.low < drawn.high < 1
    assert found.dependency.low <= found.dependency.value <= found.dependency.high
    told = found.as_json()
    assert told["success_interval"] == [round(drawn.low, 5), round(drawn.high, 5)]
    assert told["worst"]["attribute"] in ("width", "hair")


def test_random_directions_have_the_length_and_lie_among_the_latents() -> None:
    z, _ = collection()
    found = random_directions(z, 2.5, 6, 0)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 2.5, rtol=1e-5)
    flat = random_directions(z * [1, 1, 0], 1.0, 4, 1)
    assert not flat[:, 2].any()


def test_movements_are_per_unit_and_dependency_has_no_unit() -> None:
    short, long = trial(Target("width")), trial(Target("width"))
    one, two = short.leak([1.0, 0.4, 0.3], 1.0), long.leak([2.0, 0.8, 0.6], 0.5)
    assert two.dependency == pytest.approx(one.dependency) and two.success == one.success
    for name, value in one.movements.items():
        assert two.movements[name] == pytest.approx(2 * value)


def test_images_with_go_one_way_and_images_without_the_other() -> None:
    made = trial(Target("hat"))
    has = read(decode(made.z))["hat"][:, 0] > 0
    moved = made.edited([0, 1.0, 0], 0.25) - made.z
    np.testing.assert_allclose(moved[:, 1], np.where(has, -0.25, 0.25), atol=1e-6)
    assert made.success([0, 1.0, 0], 1.01) == 1.0 and made.success([0, -1.0, 0], 1.01) == 0.0
    back = made.leak([0, -1.0, 0], 0.2)
    assert back.success.value == 0.0 and back.drifts["hat"] < 0


def test_a_label_is_compared_with_all_others() -> None:
    z, attributes = collection()
    target = targets(attributes)["hair-pale-blue"]
    assert target == Target("hair", 2)
    found = trial(target).leak([0, 0, 1.0], 1.6)
    values = attributes["hair"].values
    gone, come = z[values == 2, 2] - 1.6 <= 0.5, z[values != 2, 2] + 1.6 > 0.5
    flipped = (gone.sum() + come.sum()) / len(z)
    assert found.success.value == pytest.approx(
        flipped, abs=0.011
    )  # one on the very edge may be rounded over it
    sigma = read(decode(z))["hair"][:, 2].std()
    assert found.movements["hair"] == pytest.approx(1 / sigma, rel=0.02)


def test_targets_are_named_as_directions_are() -> None:
    _, attributes = collection()
    found = targets(attributes)
    assert list(found) == ["width", "hat", "hair-red", "hair-grey", "hair-pale-blue"]
    assert found["width"].threshold == pytest.approx(np.median(attributes["width"].values)) and found[
        "hat"
    ] == Target("hat")


def test_without_a_target_what_moves_most_is_taken_for_it() -> None:
    found = trial(None).leak([0.2, 0, 3.0], 1.0)
    assert found.target == "hair" and np.isnan(found.success.value) and 0 < found.dependency.value < 0.5
    assert found.as_json()["success"] is None
    assert find_strength(trial(None), [0.2, 0, 3.0]) == (1.0, True)


@pytest.mark.parametrize("length", [0.2, 1.0, 3.0])
def test_the_strength_is_the_smallest_that_flips_enough(length: float) -> None:
    made = trial(Target("hat"))
    shares: list[float] = []
    strength, reached = find_strength(made, [0, length, 0], 0.9, shares.append)
    needed = np.quantile(np.abs(made.z[:, 1]), 0.9) / length
    assert reached and made.success([0, length, 0], strength) >= 0.9
    assert needed * 0.98 <= strength <= needed + max(1.0, needed) / 2**5 + 0.02 / length
    assert shares == sorted(shares) and shares[-1] == 1.0


def test_the_best_strength_is_returned_if_none_suffices() -> None:
    target = targets(collection()[1])["hair-grey"]  # in the middle: the edit passes it by
    made = trial(target)
    strength, reached = find_strength(made, [0, 0, 1.0])
    assert not reached and made.success([0, 0, 1.0], strength) >= made.success([0, 0, 1.0], 1.0) > 0
    assert find_strength(made, [1.0, 0, 0]) == (1.0, False)  # nothing flips, so the smallest that was tried


def test_a_strength_between_two_doubled_ones_is_found_too() -> None:
    """At 1 the edit has passed the label by for nearly all, at 0.84 it has not, and 0.3125 is the least."""
    z = np.zeros((40, 3), np.float32)
    z[:, 2] = -1
    z[0, 2] = -1.9
    _, attributes = collection()
    made = Trial(decode, read, z, attributes, targets(attributes)["hair-grey"])
    strength, reached = find_strength(made, [0, 0, 1.6])
    assert reached and 0.3125 <= strength <= 0.35


def test_the_strength_is_bounded() -> None:
    made = trial(Target("hat"))
    strength, reached = find_strength(made, [0, 0.11, 0])  # which would take all across at 9.1
    assert (strength, reached) == (STRONGEST, False)
    assert 0.8 < made.leak([0, 0.11, 0], strength).success.value < 0.95


def test_a_single_attribute_has_nothing_beside_it() -> None:
    z, attributes = collection()
    found = Trial(decode, read, z, {"width": attributes["width"]}, Target("width")).leak([1.0, 0, 0], 1.0)
    assert np.isnan(found.dependency.value) and list(found.movements) == ["width"]


def test_it_is_written_to_five_places() -> None:
    found = trial(Target("width")).leak([1.0, 0.4, 0.3], 0.7)
    told = found.as_json()
    for name in ("movements", "drifts"):
        assert told[name] == {key: round(value, 5) for key, value in getattr(found, name).items()}
        assert any(value % 0.001 for value in told[name].values())
    assert told["dependency"] == round(found.dependency.value, 5) and told["strength"] == 0.7
    assert told["target"] == "width" and told["images"] == COUNT


def test_of_two_labels_with_one_slug_the_first_is_meant() -> None:
    _, attributes = collection()
    alike = replace(attributes["hair"], labels=("pale blue", "grey", "pale-blue"))
    assert targets({"hair": alike})["hair-pale-blue"].column == 0


def test_an_attribute_that_does_not_vary_is_left_out() -> None:
    z, attributes = collection()
    flat = replace(attributes["width"], values=np.ones(COUNT, np.float32))
    assert list(Trial(decode, read, z, attributes | {"width": flat}, Target("hat")).spreads) == [
        "hat",
        "hair",
    ]
    with pytest.raises(ValueError, match="The target 'width' must be an attribute that varies"):
        Trial(decode, read, z, attributes | {"width": flat}, Target("width"))
    with pytest.raises(ValueError, match="`attributes` must have one that varies"):
        Trial(decode, read, z, {"width": flat})


def test_a_target_that_stays_has_no_dependency() -> None:
    found = trial(Target("width")).leak([0, 1.0, 0], 1.0)
    assert np.isnan(found.dependency.value) and found.as_json()["dependency"] is None


def test_invalid_arguments_are_refused() -> None:
    z, attributes = collection()
    made = trial(Target("hat"))
    with pytest.raises(ValueError, match=r"`z` must have the shape \(M, D\) with M at least 1. Got \(0, 3\)"):
        Trial(decode, read, z[:0], attributes)
    with pytest.raises(
        ValueError, match=r"`direction` must be 3 finite numbers, like the latents. Got the shape \(2,\)"
    ):
        made.leak([1.0, 0], 1.0)
    with pytest.raises(ValueError, match="`direction` must be 3 finite numbers"):
        made.success([np.nan, 0, 0], 1.0)
    for strength in (0.0, -1.0, STRONGEST * 1.01, np.nan):
        with pytest.raises(ValueError, match="`strength` must lie above 0 and at most at 8"):
            made.leak([0, 1.0, 0], strength)
    for aim in (0.0, 1.01):
        with pytest.raises(ValueError, match="`aim` must lie above 0"):
            find_strength(made, [0, 1.0, 0], aim)
    whole = read(decode(z))
    for bad in (
        {},
        {"width": np.zeros((COUNT, 1))},
        whole | {"hat": np.full((COUNT, 1), np.nan)},
        whole | {"hat": whole["hat"][1:]},
    ):
        with pytest.raises(
            ValueError, match=r"The classifier must read '(width|hat)' from every picture as finite numbers"
        ):
            Trial(decode, lambda pictures, bad=bad: bad, z, attributes)
