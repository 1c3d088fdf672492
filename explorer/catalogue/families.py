"""What the models of the zoo say of themselves: name, idea, paper, and the settings that a training may choose.

Nothing is kept twice. The idea and the paper stand in a model's own file, at its top and under References; a
setting's meaning is the comment beside its field, and "one of `NAMES`" in it leads to the tuple of its choices.
"""

from __future__ import annotations

import inspect
import json
import re
import sys
from dataclasses import MISSING, dataclass, fields
from functools import cache
from typing import Any, get_type_hints

import torch

from models import MODELS
from models.base import Autoencoder, LatentSpec, config_from_dict
from models.card import Card
from models.criterion import Criterion

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

TITLES = {
    "pca": "PCA", "linear-ae": "Linear AE", "ae": "AE", "dae": "Denoising AE", "sparse-ae": "Sparse AE",
    "k-sparse-ae": "k-sparse AE", "contractive-ae": "Contractive AE", "vae": "VAE", "iwae": "IWAE",
    "beta-vae": "β-VAE", "capacity-vae": "β-VAE with capacity", "vq-vae": "VQ-VAE", "vq-vae-2": "VQ-VAE-2",
    "pixel-snail": "PixelSNAIL", "real-nvp": "Real NVP", "glow": "Glow", "td-vae": "TD-VAE",
}  # fmt: skip
REFERENCE = re.compile(r"(?P<paper>.+?) \((?P<authors>.+), (?P<year>[12]\d{3})\)")
FIELD = re.compile(r"^    (\w+): \w+(?: = .+?)?  # (.+)$", re.MULTILINE)
CHOICES = re.compile(r"one of `(?:([\w.]+)\.)?([A-Z_]+)`")
SMALLEST = (1, 8, 8)  # an image that every model takes


@dataclass(frozen=True)
class Family:
    """A model of the zoo, for people."""

    key: str  # of `models.MODELS`
    title: str  # e.g. "VAE"
    what: str  # in one sentence
    year: int | None
    paper: str  # title and authors of the first reference
    link: str  # to it; "" where there is none
    spec: LatentSpec  # what can be asked of its latent
    closed_form: bool  # it is fitted instead of trained


@dataclass(frozen=True)
class Setting:
    """A field of a model's configuration."""

    name: str
    kind: type  # int, float, str or bool
    default: Any
    about: str  # meaning and unit
    choices: tuple[str, ...] = ()  # of a text


def title(key: str) -> str:
    """A model's name for people; an unknown key as it is."""
    return TITLES.get(key, key)


def families() -> list[Family]:
    """Every model of the zoo, in its order."""
    return [family(key) for key in MODELS]


@cache
def family(key: str) -> Family:
    """What a model says of itself.

    Raises:
        ValueError: If there is no such model.
    """
    cls = _known(key)
    page = inspect.cleandoc(inspect.getmodule(cls).__doc__ or "")
    first = " ".join(page.split("\n\n")[0].split())
    what = first.partition(": ")[2] if ": " in first else first
    paper, year, link = _first_reference(page)
    with torch.device("meta"):
        spec = cls(cls.Config(image_shape=SMALLEST)).spec
    sentence = what[:1].upper() + what[1:]
    return Family(key, title(key), sentence, year, paper, link, spec, cls.closed_form)


def spec_of(card: Card) -> LatentSpec:
    """What can be asked of the latent of a checkpoint, by its own configuration.

    Raises:
        ValueError: If there is no such model, or a setting does not hold.
    """
    return _spec(card.model, json.dumps(card.config, sort_keys=True))


@cache
def _spec(key: str, config: str) -> LatentSpec:
    cls = _known(key)
    with torch.device("meta"):
        return cls(config_from_dict(cls.Config, json.loads(config))).spec


def criterion(card: Card) -> Criterion:
    """What the training of a checkpoint minimised, under its own configuration.

    Raises:
        ValueError: If there is no such model, or a setting does not hold.
    """
    cls = _known(card.model)
    return cls.criterion(config_from_dict(cls.Config, card.config))


def abilities(spec: LatentSpec) -> tuple[str, str]:
    """What can be drawn from a model, and what it says of an image's probability, for people."""
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
    """How large a latent is, for people: "64 dimensions", "8×8 + 16×16 codes"."""
    if not spec.discrete:
        return f"{spec.size:,} dimensions"
    return (
        " + ".join(f"{rows}×{columns}" for _, rows, columns in (each.shape for each in spec.levels))
        + " codes"
    )


def _first_reference(page: str) -> tuple[str, int | None, str]:
    """Paper, year and link of the first reference of a docstring; a title may run over several lines."""
    said = ""
    for line in page.partition("References:")[2].splitlines():
        text = line.strip().removeprefix("|").strip()
        if text.startswith("https://"):
            found = REFERENCE.match(said)
            if found is None:
                return said, None, text
            return f"{found['paper']}, {found['authors']}", int(found["year"]), text
        said = f"{said} {text}".strip()
    return said, None, ""


def settings(key: str) -> list[Setting]:
    """The settings of a model, its own last; the image's shape comes from the data and is none.

    Raises:
        ValueError: If there is no such model.
    """
    config = _known(key).Config
    kinds = get_type_hints(config)
    said = _comments(config)
    found = []
    for field in fields(config):
        if field.name == "image_shape" or field.default is MISSING:
            continue
        about, choices = said.get(field.name, ("", ()))
        found.append(Setting(field.name, kinds[field.name], field.default, about, choices))
    return found


def _comments(config: type[Any]) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Comment of each field, and the choices that it names."""
    said = {}
    for cls in reversed(config.__mro__[:-1]):
        for name, comment in FIELD.findall(inspect.getsource(cls)):
            listed = CHOICES.search(comment)
            module = sys.modules[f"models.{listed[1]}" if listed and listed[1] else cls.__module__]
            said[name] = comment, tuple(getattr(module, listed[2], ())) if listed else ()
    return said


def _known(key: str) -> type[Autoencoder]:
    if key not in MODELS:
        raise ValueError(f"Unknown model {key[:80]!r}. Choose one of: {', '.join(MODELS)}.")
    return MODELS[key]
