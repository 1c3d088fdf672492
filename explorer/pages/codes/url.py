"""The address of the Codes page: two images, the level, the painted codes, and the step of the walk.

    ?model=faces-vq-vae-2&a=test-12&b=~AAEC…&level=top&codes=…&t=0.35

An image is an item of the atlas, or the codes of a sample after a ~. All input is untrusted and validated.
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

CODES = "~"  # prefix of codes given instead of an item
DECIMALS = 3  # of `t`


@dataclass(frozen=True)
class Limits:
    """Limits set by the open model."""

    count: int  # items of its atlas
    levels: tuple[str, ...]  # names, coarsest first
    shapes: tuple[tuple[int, int], ...]  # rows and columns of each
    codes: int  # entries of a codebook
    item: Callable[[str], int] = row_of  # reads an item from an address

    def check(self, text: str, name: str) -> str:
        """The text if it is valid codes of this model; raises ValueError otherwise."""
        from_text(text, self.shapes, self.codes, name)
        return text


@dataclass(frozen=True)
class Shown:
    """The two images and the edit of the first."""

    a: int | str  # row of the atlas, or codes as text
    b: int | str
    level: int = 0
    codes: str | None = None  # painted codes; None for those of A
    t: float = 0.5  # position on the walk to B, 0 to 1

    def as_json(self) -> dict[str, Any]:
        """The state as the component's JSON."""
        return {"codes": self.codes, "level": self.level, "t": self.t}


class _Edit(Struct, frozen=True):
    """The edit that the browser sends."""

    codes: Codes | None = None
    level: int | UnsetType = UNSET
    t: Fraction | UnsetType = UNSET


def from_json(values: object, now: Shown, limits: Limits) -> Shown:
    """Reads an edit that the browser sent.

    Arguments:
        values: Untrusted JSON, in the form of `Shown.as_json`.
        now: What is shown; keeps its images.
        limits: Limits set by the open model.

    Raises:
        ValueError: If a field is invalid; names the first one.
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
    """What an address describes, and a message for each invalid parameter.

    Arguments:
        params: The address's parameters.
        default: Values for missing or invalid parameters.
        limits: Limits set by the open model.
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
    """The address parameters that restore what is shown; `token` returns an item as written there."""
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
