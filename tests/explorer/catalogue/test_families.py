"""The families of models: each has a title, an idea, a paper, and settings with a meaning."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass, fields
from typing import Any

import pytest

from explorer.catalogue import families
from explorer.pages.anatomy.panels import deterministic
from models import MODELS
from models.card import Card
from models.configuration import config_from_dict, setting_of
from models.encoder_decoder import ImageConfig
from models.layers.likelihoods import LIKELIHOODS
from models.layers.networks import NETWORKS


@pytest.fixture(params=list(MODELS))
def key(request: pytest.FixtureRequest) -> str:
    """The name of a model."""
    return str(request.param)


def test_every_family_has_a_title_an_idea_and_a_paper_of_its_own(key: str) -> None:
    description = families.family(key).description
    assert MODELS[key].description is description and "description" in vars(MODELS[key])
    assert description.title != key and description.title == families.title(key)
    assert description.idea.endswith(".") and "\n" not in description.idea and description.idea[0].isupper()
    assert 1900 < description.year < 2030
    assert (
        len(description.paper) > 10
        and "|" not in description.paper
        and str(description.year) not in description.paper
    )
    assert description.link.startswith("https://") and " " not in description.link


def test_the_paper_of_a_family_is_a_reference_of_its_module(key: str) -> None:
    description, references = MODELS[key].description, sys.modules[MODELS[key].__module__].__doc__ or ""
    paper, _, authors = description.paper.rpartition(", ")
    listed = " ".join(references.replace("|", " ").split())
    assert f"{paper} ({authors}, {description.year})" in listed and description.link in listed


def test_titles_and_links_are_different() -> None:
    descriptions = [family.description for family in families.families()]
    assert (
        len({description.title for description in descriptions})
        == len({description.link for description in descriptions})
        == len(MODELS)
    )


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


def test_every_field_of_every_configuration_has_a_meaning(key: str) -> None:
    for field in fields(MODELS[key].Config):
        meaning = setting_of(field).meaning
        assert len(meaning) > 5 and not meaning.endswith("."), f"{field.name} of {key}"


def test_a_field_without_a_meaning_is_refused() -> None:
    @dataclass(frozen=True)
    class Undeclared(ImageConfig):
        colour: int = 1

    with pytest.raises(ValueError, match="`colour` must be declared with `setting`"):
        Undeclared((1, 8, 8))


def test_every_setting_has_a_valid_kind_default_and_choices(key: str) -> None:
    found = families.settings(key)
    config = MODELS[key].Config
    assert [s.name for s in found] == [f.name for f in fields(config) if f.name != "image_shape"]
    for setting in found:
        assert setting.meaning
        assert setting.kind in (int, float, str, bool) and type(setting.default) is setting.kind
        assert bool(setting.choices) == (setting.kind is str), setting
        for choice in setting.choices:
            config_from_dict(config, {"image_shape": [1, 8, 8], setting.name: choice})


def test_every_number_has_bounds_that_are_checked(key: str) -> None:
    for field in fields(MODELS[key].Config):
        declared = setting_of(field)
        if type(field.default) not in (int, float) or field.name == "k":  # k is bounded by `latent`
            continue
        assert declared.low <= field.default <= declared.high < math.inf, field.name
        for value in (declared.low - 1, declared.high + 1):
            with pytest.raises(ValueError, match=rf"`{field.name}` must lie in \["):
                MODELS[key].Config((1, 8, 8), **{field.name: type(field.default)(value)})


def test_choices_are_those_of_the_layers() -> None:
    found = {setting.name: setting for setting in families.settings("dae")}
    assert found["network"].choices == NETWORKS and found["likelihood"].choices == LIKELIHOODS
    assert found["corruption"].choices == ("masking", "gaussian", "salt-and-pepper")
    assert found["corruption"].default == "masking"


def test_the_vae() -> None:
    family = families.family("vae")
    description = family.description
    assert (description.year, description.paper) == (
        2013,
        "Auto-Encoding Variational Bayes, Kingma & Welling",
    )
    assert description.link == "https://arxiv.org/abs/1312.6114"
    assert family.spec.prior and family.spec.likelihood == "bound"


def test_an_unknown_model_is_refused() -> None:
    with pytest.raises(ValueError, match=r"Unknown model 'vea'\. Choose one of: pca"):
        families.family("vea")
    assert families.title("vea") == "vea"


def test_pages_show_the_models_own_description(key: str) -> None:
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
        assert said.formula in formula and words.startswith(said.objective) and "only" not in words
        assert formula.count("{") == formula.count("}")
