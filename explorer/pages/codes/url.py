"""What the Codes page shows, as a link carries it: two images, the level, what was painted, and the step of the walk.

    ?model=faces-vq-vae-2&a=test-12&b=~AAEC…&level=top&codes=…&t=0.35

An image is an item of the atlas or, behind a ~, codes: those of a sample. Everything is read from the address bar or the
browser, so everything is checked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from msgspec import UNSET, Struct, UnsetType

from explorer.addresses import choice_in, number_in, read_parts, short
from explorer.fields import Codes, Fraction
from explorer.latent.geometry.grids import from_text
from explorer.latent.item_names import read_item, row_of
from models.system.schema import read, whole

__all__ = ["Limits", "Shown", "from_json", "from_query", "query"]

CODES = "~"  # before codes in the place of an image's number
DECIMALS = 3  # of the walk's step


@dataclass(frozen=True)
class Limits:
    """What the open model allows."""

    count: int  # items of its atlas
    levels: tuple[str, ...]  # names, coarsest first
    shapes: tuple[tuple[int, int], ...]  # rows and columns of each
    codes: int  # of a codebook
    item: Callable[[str], int] = row_of  # reads an item of an address

    def check(self, text: str, name: str) -> str:
        """The text of codes if it is one of this model's; raises ValueError else."""
        from_text(text, self.shapes, self.codes, name)
        return text


@dataclass(frozen=True)
class Shown:
    """The two images and what was made of the first."""

    a: int | str  # row of the atlas, or codes as a text
    b: int | str
    level: int = 0
    codes: str | None = None  # what A was painted to; None for its own
    t: float = 0.5  # of the walk to B, 0 to 1

    def as_json(self) -> dict[str, Any]:
        """As the component reads and writes it."""
        return {"codes": self.codes, "level": self.level, "t": self.t}


class _Edit(Struct, frozen=True):
    """What a browser sends."""

    codes: Codes | None = None
    level: int | UnsetType = UNSET
    t: Fraction | UnsetType = UNSET


def from_json(values: object, now: Shown, limits: Limits) -> Shown:
    """What a browser sent.

    Arguments:
        values: Untrusted JSON, in the form of `Shown.as_json`.
        now: What is shown; keeps its images.
        limits: Of the open model.

    Raises:
        ValueError: Naming the first field that breaks a rule.
    """
    edit = read(values, _Edit, "An edit")
    level = now.level if edit.level is UNSET else edit.level
    return replace(
        now,
        codes=None if edit.codes is None else limits.check(edit.codes, "codes"),
        level=whole(level, "level", 0, len(limits.levels) - 1),
        t=now.t if edit.t is UNSET else round(edit.t, DECIMALS),
    )


def from_query(params: Mapping[str, str], default: Shown, limits: Limits) -> tuple[Shown, list[str]]:
    """What an address asks for, and a sentence for each part of it that does not hold.

    Arguments:
        params: The address's parameters.
        default: For what is missing or does not hold.
        limits: Of the open model.
    """
    return read_parts(
        params,
        default,
        {
            "a": lambda text, _: {"a": _image(text, "a", limits)},
            "b": lambda text, _: {"b": _image(text, "b", limits)},
            "level": lambda text, _: {"level": limits.levels.index(choice_in(text, "level", limits.levels))},
            "codes": lambda text, _: {"codes": limits.check(text, "codes")},
            "t": lambda text, _: {"t": round(number_in(text, "t", 0, 1), DECIMALS)},
        },
    )


def query(shown: Shown, limits: Limits, token: Callable[[int], str] = str) -> dict[str, str]:
    """The parameters of an address that shows the same again; `token` gives an item as an address carries it."""
    params = {name: _image_text(getattr(shown, name), token) for name in ("a", "b")}
    if len(limits.levels) > 1:
        params["level"] = limits.levels[shown.level]
    if shown.codes is not None:
        params["codes"] = shown.codes
    if shown.t != Shown.t:
        params["t"] = short(shown.t, DECIMALS)
    return params


def _image_text(image: int | str, token: Callable[[int], str]) -> str:
    return token(image) if isinstance(image, int) else CODES + image


def _image(text: str, name: str, limits: Limits) -> int | str:
    if text.startswith(CODES):
        return limits.check(text[1:], name)
    return read_item(text, name, limits.item, lambda item: item < limits.count)
