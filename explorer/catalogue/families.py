"""The families of models for display: title, idea, paper, abilities, and the settings of a training.

Each family declares these itself: `description`, `spec`, `criterion`, and the fields of its `Config`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from functools import cache
from typing import Any, get_type_hints

import torch

from models import FAMILIES, MODELS
from models.base import Autoencoder, LatentSpec
from models.card import Card
from models.configuration import config_from_dict, setting_of
from models.criterion import Criterion
from models.family_description import FamilyDescription

__all__ = [
    "Family",
    "Setting",
    "abilities",
    "criterion",
    "extent",
    "families",
    "family",
    "settings",
    "spec_of",
    "title",
]

SMALLEST = (1, 8, 8)  # (C, H, W) of an image that every model accepts


@dataclass(frozen=True)
class Family:
    """A family of models, for display."""

    key: str  # key in `models.FAMILIES`
    description: FamilyDescription
    spec: LatentSpec  # its latent under default settings
    closed_form: bool  # fitted in one step instead of trained


@dataclass(frozen=True)
class Setting:
    """A field of a model's configuration, for display."""

    name: str
    kind: type  # int, float, str or bool
    default: Any
    meaning: str  # including the unit
    choices: tuple[str, ...] = ()  # allowed values of a string


def title(key: str) -> str:
    """A family's title; an unknown key is returned unchanged."""
    return FAMILIES[key].description.title if key in FAMILIES else key


def families() -> list[Family]:
    """Every family that can be trained here, in the order of `models.MODELS`."""
    return [family(key) for key in MODELS]


@cache
def family(key: str) -> Family:
    """The family of a key.

    Raises:
        ValueError: If there is no such family.
    """
    cls = _class(key)
    with torch.device("meta"):
        spec = cls(cls.Config(image_shape=SMALLEST)).spec
    return Family(key, cls.description, spec, cls.closed_form)


def spec_of(card: Card) -> LatentSpec:
    """The latent of a checkpoint, under its own configuration.

    Raises:
        ValueError: If there is no such family, or a setting is invalid.
    """
    return _spec(card.model, json.dumps(card.config, sort_keys=True))


@cache
def _spec(key: str, config: str) -> LatentSpec:
    cls = _class(key)
    with torch.device("meta"):
        return cls(config_from_dict(cls.Config, json.loads(config))).spec


def criterion(card: Card) -> Criterion:
    """The training objective of a checkpoint, under its configuration.

    Raises:
        ValueError: If there is no such family, or a setting is invalid.
    """
    cls = _class(card.model)
    return cls.criterion(config_from_dict(cls.Config, card.config))


def abilities(spec: LatentSpec) -> tuple[str, str]:
    """What a model can sample, and which likelihood it has, as text."""
    if spec.sequence:
        return "draws of the states that follow a sequence", "no log p(x) of a single image"
    drawn = "a prior to sample" if spec.prior else "no prior, so no samples"
    if spec.likelihood == "exact":
        exact = "log P(x) exactly, in its own grey levels"
        return (
            drawn,
            exact if spec.discrete else "an exact density of dequantised images, a bound on log P(x)",
        )
    return drawn, "a bound on log p(x)" if spec.likelihood == "bound" else "no likelihood of an image"


def extent(spec: LatentSpec) -> str:
    """The size of a latent as text: "64 dimensions", "8×8 + 16×16 codes"."""
    if not spec.discrete:
        return f"{spec.size:,} dimensions"
    return (
        " + ".join(f"{rows}×{columns}" for _, rows, columns in (each.shape for each in spec.levels))
        + " codes"
    )


def settings(key: str) -> list[Setting]:
    """The settings of a family, specific ones last, without the image shape, which the data determine.

    Raises:
        ValueError: If there is no such family.
    """
    config = _class(key).Config
    kinds = get_type_hints(config)
    return [
        Setting(field.name, kinds[field.name], field.default, declared.meaning, declared.choices)
        for field, declared in ((field, setting_of(field)) for field in fields(config))
        if field.name != "image_shape"
    ]


def _class(key: str) -> type[Autoencoder]:
    if key not in FAMILIES:
        raise ValueError(f"Unknown model {key[:80]!r}. Choose one of: {', '.join(FAMILIES)}.")
    return FAMILIES[key]
