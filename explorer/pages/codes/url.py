"""What the Codes page shows, as a link carries it: two images, the level, what was painted, and the step of the walk.

    ?model=faces-vq-vae-2&a=test-12&b=~AAEC…&level=top&codes=…&t=0.35

An image is an item of the atlas or, behind a ~, codes: those of a sample. Everything is read from the address bar or the
browser, so everything is checked.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from explorer.latent.geometry.grids import from_text
from explorer.latent.item_names import read_item, row_of

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


def from_json(values: object, now: Shown, limits: Limits) -> Shown:
    """What a browser sent.

    Arguments:
        values: Untrusted JSON, in the form of `Shown.as_json`.
        now: What is shown; keeps its images.
        limits: Of the open model.

    Raises:
        ValueError: Naming the first field that breaks a rule.
    """
    if not isinstance(values, Mapping):
        raise ValueError(f"An edit must be an object. Got {_seen(values)}.")
    codes = values.get("codes")
    if codes is not None and not isinstance(codes, str):
        raise ValueError(f"`codes` must be a text or left out. Got {_seen(codes)}.")
    return replace(
        now,
        codes=None if codes is None else limits.check(codes, "codes"),
        level=_level(values.get("level", now.level), limits),
        t=_share(values.get("t", now.t)),
    )


def from_query(params: Mapping[str, str], default: Shown, limits: Limits) -> tuple[Shown, list[str]]:
    """What an address asks for, and a sentence for each part of it that does not hold.

    Arguments:
        params: The address's parameters.
        default: For what is missing or does not hold.
        limits: Of the open model.
    """
    readers = {"a": _image, "b": _image, "level": _level_name, "codes": _painted, "t": _share_text}
    shown, problems = default, []
    for name, read in readers.items():
        if name in params:
            try:
                shown = replace(shown, **{name: read(params[name], name, limits)})  # type: ignore[arg-type]
            except ValueError as error:
                problems.append(str(error))
    return shown, problems


def query(shown: Shown, limits: Limits, token: Callable[[int], str] = str) -> dict[str, str]:
    """The parameters of an address that shows the same again; `token` gives an item as an address carries it."""
    params = {name: _image_text(getattr(shown, name), token) for name in ("a", "b")}
    if len(limits.levels) > 1:
        params["level"] = limits.levels[shown.level]
    if shown.codes is not None:
        params["codes"] = shown.codes
    if shown.t != Shown.t:
        params["t"] = f"{shown.t:.{DECIMALS}f}".rstrip("0").rstrip(".")
    return params


def _image_text(image: int | str, token: Callable[[int], str]) -> str:
    return token(image) if isinstance(image, int) else CODES + image


def _image(text: str, name: str, limits: Limits) -> int | str:
    if text.startswith(CODES):
        return limits.check(text[1:], name)
    return read_item(text, name, limits.item, lambda item: item < limits.count)


def _painted(text: str, name: str, limits: Limits) -> str:
    return limits.check(text, name)


def _level_name(text: str, name: str, limits: Limits) -> int:
    if text not in limits.levels:
        raise ValueError(f"`level` must be one of: {', '.join(limits.levels)}. Got {_seen(text)}.")
    return limits.levels.index(text)


def _level(value: object, limits: Limits) -> int:
    if type(value) is not int or not 0 <= value < len(limits.levels):
        raise ValueError(f"`level` must lie in 0..{len(limits.levels) - 1}. Got {_seen(value)}.")
    return value


def _share_text(text: str, name: str, limits: Limits) -> float:
    try:
        return _share(float(text[:20]))
    except ValueError:
        raise ValueError(f"`t` must be a number in 0..1. Got {_seen(text)}.") from None


def _share(value: object) -> float:
    if type(value) not in (int, float) or not math.isfinite(value) or not 0 <= value <= 1:  # type: ignore[arg-type, operator]
        raise ValueError(f"`t` must be a number in 0..1. Got {_seen(value)}.")
    return round(float(value), DECIMALS)  # type: ignore[arg-type]


def _seen(value: object) -> str:
    """A value as a message shows it."""
    return repr(value)[:60]
