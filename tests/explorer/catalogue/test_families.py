"""What the models say of themselves: every one has an idea, a paper, and settings that are explained."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from explorer.catalogue import families
from explorer.pages.anatomy.panels import deterministic
from models import MODELS
from models.base import config_from_dict
from models.card import Card
from models.layers.likelihoods import LIKELIHOODS
from models.layers.networks import NETWORKS


@pytest.fixture(params=list(MODELS))
def key(request: pytest.FixtureRequest) -> str:
    """The name of a model."""
    return str(request.param)


def test_every_model_has_a_title_an_idea_and_a_paper(key: str) -> None:
    family = families.family(key)
    assert family.title != key and family.title == families.TITLES[key]
    assert family.what.endswith(".") and "\n" not in family.what and family.what[0].isupper()
    assert family.year is not None and 1900 < family.year < 2030
    assert len(family.paper) > 10 and "|" not in family.paper and str(family.year) not in family.paper
    assert family.link.startswith("https://") and " " not in family.link


def test_what_a_model_allows_is_what_its_spec_says(key: str) -> None:
    model = MODELS[key](MODELS[key].Config(image_shape=(1, 8, 8)))
    assert families.family(key).spec == model.spec
    assert families.family(key).closed_form == MODELS[key].closed_form


def test_the_extent_of_a_latent_is_that_of_the_checkpoint() -> None:
    def extent(key: str, **config: Any) -> str:
        settings = {"image_shape": [1, 28, 28], **config}
        return families.extent(families.spec_of(Card("a", "A", key, settings, {"name": "mnist"}, "0" * 64)))

    assert extent("vae", latent=7) == "7 dimensions"
    assert extent("glow") == "784 dimensions"
    assert extent("vq-vae", halvings=2) == "7×7 codes"
    assert extent("vq-vae-2", halvings=1) == "7×7 + 14×14 codes"
    with pytest.raises(ValueError, match="Unknown VAEConfig field"):
        extent("vae", colour=1)


def test_every_setting_is_explained_and_its_default_holds(key: str) -> None:
    found = families.settings(key)
    config = MODELS[key].Config
    assert [s.name for s in found] == [f.name for f in fields(config) if f.name != "image_shape"]
    for setting in found:
        assert setting.about, f"{setting.name} of {key} has no comment"
        assert setting.kind in (int, float, str, bool) and type(setting.default) is setting.kind
        assert bool(setting.choices) == (setting.kind is str), setting
        for choice in setting.choices:
            config_from_dict(config, {"image_shape": [1, 8, 8], setting.name: choice})


def test_choices_are_those_of_the_module_that_a_comment_names() -> None:
    found = {setting.name: setting for setting in families.settings("dae")}
    assert found["network"].choices == NETWORKS and found["likelihood"].choices == LIKELIHOODS
    assert found["corruption"].choices == ("masking", "gaussian", "salt-and-pepper")
    assert found["corruption"].default == "masking" and "one of `CORRUPTIONS`" in found["corruption"].about


def test_the_vae() -> None:
    family = families.family("vae")
    assert (family.year, family.paper) == (2013, "Auto-Encoding Variational Bayes, Kingma & Welling")
    assert family.link == "https://arxiv.org/abs/1312.6114"
    assert family.spec.prior and family.spec.likelihood == "bound"


def test_a_title_over_two_lines_is_one_paper() -> None:
    page = "X.\n\nReferences:\n    | A long title\n    | of two lines (Baldi & Hornik, 1989), for it\n    | https://doi.org/1"
    assert families._first_reference(page) == (
        "A long title of two lines, Baldi & Hornik",
        1989,
        "https://doi.org/1",
    )
    assert families._first_reference("X.") == ("", None, "")
    assert families._first_reference("References:\n | Notes\n | https://a.b") == (
        "Notes",
        None,
        "https://a.b",
    )


def test_an_unknown_model_is_refused() -> None:
    with pytest.raises(ValueError, match=r"Unknown model 'vea'\. Choose one of: pca"):
        families.family("vea")
    assert families.title("vea") == "vea"


def test_the_pages_say_of_a_model_what_it_says_of_itself(key: str) -> None:
    shape = [1, 8, 8]
    card = Card("a", "A", key, {"image_shape": shape}, {"name": "digits"}, "0" * 64)
    spec, said = families.spec_of(card), families.criterion(card)
    assert said == MODELS[key].criterion(MODELS[key].Config(image_shape=(1, 8, 8)))
    drawn, probability = families.abilities(spec)
    assert ("no samples" in drawn) == (not spec.prior and not spec.sequence)
    assert ("exactly" in probability) == (key == "pixel-snail")
    assert ("bound" in probability) == (spec.likelihood != "none" and key != "pixel-snail")
    if not spec.prior and not spec.sequence:
        formula, words = deterministic(card)
        assert said.formula in formula and words.startswith(said.asks) and "only" not in words
        assert formula.count("{") == formula.count("}")
