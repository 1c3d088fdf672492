"""Reads and validates the parameters of an address: integers, numbers and choices."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from models.system import schema

__all__ = ["choice_in", "number_in", "numbers_in", "read_parts", "short", "whole_in"]

S = TypeVar("S")

WHOLE = re.compile(r"[0-9]{1,10}")  # as many digits as the largest seed
NUMBER_LENGTH = 40  # characters of a number that are read


def read_parts(
    params: Mapping[str, str], start: S, readers: Mapping[str, Callable[[str, S], Mapping[str, object]]]
) -> tuple[S, list[str]]:
    """Reads the parameters of an address one by one, with a message for each invalid one.

    Arguments:
        params: The address's parameters, untrusted.
        start: A dataclass with the values of missing or invalid parameters.
        readers: For each parameter, in this order: returns the fields that its text sets, given the values so
            far; ValueError if the text is invalid.
    """
    values: Any = start
    problems = []
    for name, reader in readers.items():
        if name in params:
            try:
                values = replace(values, **reader(params[name], values))
            except ValueError as error:
                problems.append(str(error))
    return values, problems


def whole_in(text: str, name: str, low: int, high: int) -> int:
    """A whole number within limits.

    Raises:
        ValueError: If the text is not one.
    """
    return schema.whole(int(text) if WHOLE.fullmatch(text) else text, name, low, high)


def number_in(text: str, name: str, low: float = -math.inf, high: float = math.inf) -> float:
    """A finite number within limits.

    Raises:
        ValueError: If the text is not one.
    """
    try:
        value = float(text[:NUMBER_LENGTH])
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and low <= value <= high):
        limits = f" in {low:g}..{high:g}" if math.isfinite(high - low) else ""
        raise schema.broken(name, f"a number{limits}", text)
    return value


def numbers_in(text: str, name: str) -> list[float]:
    """Finite numbers separated by commas.

    Raises:
        ValueError: If one of them is not a finite number.
    """
    return [number_in(part, name) for part in text.split(",")]


def choice_in(text: str, name: str, choices: Sequence[str]) -> str:
    """One of the choices.

    Raises:
        ValueError: If the text is not one.
    """
    return schema.choice(text, name, choices)


def short(value: float, decimals: int) -> str:
    """A number with at most `decimals` decimals, as written in an address."""
    text = f"{value:.{decimals}f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
