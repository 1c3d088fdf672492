"""The address of the Samples page: source of the latents, settings and seed.

    ?model=mnist-vae&show=samples&source=prior&temperature=0.8&truncation=2&count=48&seed=7
    ?model=mnist-vae&show=samples&source=value&attribute=digit&value=2&components=3&count=48&seed=7
    ?model=mnist-vae&show=traversals&item=test-12&rows=10&reach=3

All parameters are untrusted and validated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from explorer.addresses import choice_in, number_in, read_parts, whole_in
from explorer.fields import SEED_AT_MOST
from explorer.latent.item_names import read_item, row_of
from explorer.latent.statistics.mixtures import COMPONENTS_AT_MOST
from models.system.schema import broken

__all__ = [
    "COUNTS",
    "RANGES",
    "ROWS",
    "SEED_AT_MOST",
    "SHOWS",
    "SIDES",
    "SOURCES",
    "Limits",
    "Shown",
    "from_query",
    "query",
]

SHOWS = ("samples", "traversals", "manifold")
SOURCES = ("prior", "mixture", "near", "value")
COUNTS = (12, 24, 48, 96)
ROWS = (5, 10, 20, 40)
SIDES = (9, 13, 17, 21)
# Smallest and largest value of each slider.
RANGES = {"temperature": (0.0, 2.0), "truncation": (0.0, 4.0), "radius": (0.0, 3.0), "reach": (0.5, 6.0)}
LEAST_TRUNCATION = 0.25
NEEDED = {
    "prior": ("temperature", "truncation", "count", "seed"),
    "mixture": ("components", "temperature", "count", "seed"),
    "near": ("item", "radius", "count", "seed"),
    "value": ("attribute", "value", "components", "temperature", "count", "seed"),
}


@dataclass(frozen=True)
class Limits:
    """Limits set by the open model."""

    has: Callable[[int], bool]  # whether an item exists
    prior: bool  # a prior exists
    plane: bool  # the latent has two dimensions
    values: Mapping[str, int] = field(
        default_factory=dict
    )  # attribute -> number of values that can be sampled
    item: Callable[[str], int] = row_of  # reads an item from an address

    @property
    def sources(self) -> tuple[str, ...]:
        """Available sources of latents."""
        known = {"prior": self.prior, "value": bool(self.values)}
        return tuple(source for source in SOURCES if known.get(source, True))

    @property
    def shows(self) -> tuple[str, ...]:
        """Available views."""
        return tuple(show for show in SHOWS if show != "manifold" or self.plane)


@dataclass(frozen=True)
class Shown:
    """What is shown."""

    show: str = "samples"
    source: str = "prior"
    temperature: float = 1.0
    truncation: float = 0.0  # standard deviations; 0 for none
    components: int = 10
    item: int | None = None  # image to sample near, or start of traversals; None for the mean
    radius: float = 0.5  # prior standard deviations
    attribute: str = ""
    value: int = 0
    count: int = 48
    seed: int = 0
    rows: int = 10
    reach: float = 3.0  # standard deviations
    side: int = 13


def from_query(params: Mapping[str, str], default: Shown, limits: Limits) -> tuple[Shown, list[str]]:
    """What an address describes, and a message for each invalid parameter.

    Arguments:
        params: The address's parameters.
        default: Values for missing or invalid parameters.
        limits: Limits set by the open model.
    """
    readers: dict[str, Callable[[str, Shown], dict[str, object]]] = {
        "show": lambda text, _: {"show": choice_in(text, "show", limits.shows)},
        "source": lambda text, _: {"source": choice_in(text, "source", limits.sources)},
        "attribute": lambda text, _: {"attribute": choice_in(text, "attribute", tuple(limits.values))},
        "value": lambda text, shown: {
            "value": whole_in(text, "value", 0, limits.values.get(shown.attribute, 1) - 1)
        },
        "components": lambda text, _: {"components": whole_in(text, "components", 1, COMPONENTS_AT_MOST)},
        "item": lambda text, _: {"item": read_item(text, "item", limits.item, limits.has)},
        "seed": lambda text, _: {"seed": whole_in(text, "seed", 0, SEED_AT_MOST)},
    }
    for name, numbers in (("count", COUNTS), ("rows", ROWS), ("side", SIDES)):
        readers[name] = partial(_one_of, name, numbers)
    for name in RANGES:
        readers[name] = partial(_in_range, name)
    return read_parts(params, default, readers)


def query(shown: Shown, token: Callable[[int], str] = str) -> dict[str, str]:
    """The address parameters that restore what is shown; irrelevant ones are left out.

    Arguments:
        shown: What is shown.
        token: Returns an item as written in an address.
    """
    if shown.show == "samples":
        names = ("source", *NEEDED[shown.source])
    else:
        names = ("item", "rows", "reach") if shown.show == "traversals" else ("side",)
    values = {name: getattr(shown, name) for name in ("show", *names)}
    return {
        name: f"{value:g}" if isinstance(value, float) else token(value) if name == "item" else str(value)
        for name, value in values.items()
        if value is not None
    }


def _one_of(name: str, numbers: tuple[int, ...], text: str, shown: Shown) -> dict[str, object]:
    return {name: int(choice_in(text, name, tuple(map(str, numbers))))}


def _in_range(name: str, text: str, shown: Shown) -> dict[str, object]:
    value = number_in(text, name, *RANGES[name])
    if name == "truncation" and 0 < value < LEAST_TRUNCATION:
        raise broken(name, f"0 for none, or at least {LEAST_TRUNCATION}", text)
    return {name: value}
