"""Sources of directions: attributes, groups, images, components, expressions, and invalid ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from explorer.latent.directions.estimators import fit
from explorer.latent.directions.mean_difference import Direction
from explorer.scene.direction_sources import components, default, resolve, side_mask
from explorer.scene.loaded import Loaded, find, load
from explorer.workspace.storage import Group


@pytest.fixture(scope="module")
def loaded(tiny_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LATENT_CHECKPOINT_DIR", str(tiny_checkpoint.parent))
        patch.setenv("LATENT_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        model = load(find(tiny_checkpoint.name), torch.device("cpu"))
        model.keep_group(Group("thin", "Thin ones", (1, 2, 3, 50, 51, 52)))
        vector = np.arange(1, model.latent + 1, dtype=np.float32)
        model.keep_direction(Direction(vector, "own-calm", "Calm", "Yours", 0, 0, "own", "by hand"))
        return model


def test_every_attribute_gives_the_direction_that_the_sliders_have(loaded: Loaded) -> None:
    for name, direction in loaded.directions.items():
        found = resolve(loaded, "attribute", name)
        if direction.kind == "own":
            assert found.sides is None and found.vector is direction.vector and found.made == "by hand"
            continue
        assert found.sides is not None and found.masks is not None
        np.testing.assert_allclose(fit("mean", found.sides), direction.vector, atol=1e-5)
        assert found.sides.counts == (direction.count_with, direction.count_without)
        assert (found.title, found.kind, found.group) == (direction.title, direction.kind, direction.group)


def test_the_attribute_itself_is_not_equalised(loaded: Loaded) -> None:
    even, digit = (resolve(loaded, "attribute", name).sides for name in ("even", "digit-3"))
    assert even is not None and digit is not None
    assert even.others.shape[1] == 10 + 2  # the labels of the digit, and ink with its square
    assert digit.others.shape[1] == 1 + 2


def test_groups_and_values_and_the_rest(loaded: Loaded) -> None:
    digit = loaded.atlas.attributes["digit"].values
    found = resolve(loaded, "groups", "@thin~rest")
    assert found.masks is not None and found.sides is not None
    assert np.flatnonzero(found.masks[0]).tolist() == [1, 2, 3, 50, 51, 52]
    assert (found.masks[0] ^ found.masks[1]).all() and found.names == ("Thin ones", "the rest")
    np.testing.assert_array_equal(side_mask(loaded, "digit=3|5"), np.isin(digit, [3, 5]))
    ink = loaded.atlas.attributes["ink"].values
    chosen = side_mask(loaded, "even=even&ink=0..1e9")
    np.testing.assert_array_equal(chosen, (digit % 2 == 0) & (ink >= 0))
    found = resolve(loaded, "groups", "digit=3~even=even")
    assert found.title == "Digit 3 − Even even" and found.sides is not None
    assert found.sides.others.shape[1] == 2  # neither digit nor even is equalised
    assert resolve(loaded, "groups", "rest~@thin").names == ("the rest", "Thin ones")


def test_the_names_of_the_sides(loaded: Loaded) -> None:
    called = {name: resolve(loaded, "attribute", name).names for name in ("even", "digit-3", "ink")}
    labels = loaded.atlas.attributes["even"].labels
    assert called["even"] == (labels[1], labels[0]) == ("even", "odd")
    assert called["digit-3"] == ("3", "all others") and called["ink"] == ("highest third", "lowest third")
    found = resolve(loaded, "attribute", "ink")
    ink = loaded.atlas.attributes["ink"].values
    assert found.masks is not None and ink[found.masks[0]].min() > ink[found.masks[1]].max()


def test_the_ends_of_a_range_belong_to_it(loaded: Loaded) -> None:
    ink = loaded.atlas.attributes["ink"].values
    low, high = np.sort(ink)[[20, 60]]
    chosen = side_mask(loaded, f"ink={float(low)!r}..{float(high)!r}")
    np.testing.assert_array_equal(chosen, (ink >= low) & (ink <= high))
    assert chosen[ink == low].all() and chosen[ink == high].all()
    with pytest.raises(ValueError, match="range such as"):
        side_mask(loaded, "ink=0" + "0" * 60 + "..1")


def test_images_components_and_expressions(loaded: Loaded) -> None:
    mean = loaded.atlas.mean
    np.testing.assert_allclose(resolve(loaded, "items", "3,9").vector, mean[9] - mean[3], rtol=1e-6)
    vectors, shares = components(loaded)
    np.testing.assert_array_equal(resolve(loaded, "pc", "2").vector, vectors[1])
    assert f"{100 * shares[1]:.1f} %" in resolve(loaded, "pc", "2").made
    even = loaded.directions["even"].vector
    found = resolve(loaded, "expression", "2*even + calm")
    np.testing.assert_allclose(found.vector, 2 * even + loaded.directions["own-calm"].vector, rtol=1e-5)
    assert found.point is None
    named = resolve(loaded, "items", f"{loaded.token_of(3)},{loaded.token_of(loaded.count - 1)}")
    np.testing.assert_allclose(named.vector, mean[-1] - mean[3], rtol=1e-6)
    assert named.title == f"test 3 to {loaded.name_of(loaded.count - 1)}" and "train" in named.title
    typed = resolve(loaded, "expression", f"test 1 + test-2 - 1*{loaded.name_of(loaded.count - 1)}")
    np.testing.assert_allclose(typed.point, mean[1] + mean[2] - mean[-1], rtol=1e-5)
    found = resolve(loaded, "expression", "#1 + #2 - #3")
    np.testing.assert_allclose(found.point, mean[1] + mean[2] - mean[3], rtol=1e-5)
    assert found.vector is None


def test_the_default_is_a_binary_attribute(loaded: Loaded) -> None:
    assert default(loaded) == ("attribute", "even")


@pytest.mark.parametrize(
    ("kind", "text", "message"),
    [
        ("magic", "x", "can be made from: attribute, groups"),
        ("attribute", "smile", "no direction 'smile'. There are: digit-0"),
        ("attribute", "x" * 1001, "at most 1000 characters"),
        ("groups", "@thin", "ONE~OTHER"),
        ("groups", "rest~rest", "ONE~OTHER"),
        ("groups", "@fat~rest", "no group 'fat'. There are: thin"),
        ("groups", "smile=1~rest", "Attributes: digit, even, ink"),
        ("groups", "even~rest", "NAME=VALUE"),
        ("groups", "digit=11~rest", "`digit` must be one of: 0, 1"),
        ("groups", "ink=5~rest", "range such as"),
        ("groups", "ink=a..b~rest", "range such as"),
        ("groups", "ink=nan..2~rest", "range such as"),
        ("groups", "ink=1e8..1e9~rest", "No image has"),
        ("groups", "ink=-1e9..1e9~rest", "second side has no image"),
        ("groups", "@thin~ink=-1e9..1e9", "6 are on both"),
        ("items", "3", "as in test-12,test-40"),
        ("items", "3,9999", "as in test-12,test-40"),
        ("items", "3,3", "must not be the same"),
        ("pc", "0", r"one of 1\.\.4"),
        ("pc", "99", r"one of 1\.\.4"),
        ("expression", "#1 + #2", "They add to 2"),
    ],
)
def test_invalid_arguments_are_reported(loaded: Loaded, kind: str, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        resolve(loaded, kind, text)
