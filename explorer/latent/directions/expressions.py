"""Typed expressions over directions and items: `smile - 0.5*glasses`, `test 12 + test 40 - train 7`.

Only what is linear can be said: sums and differences of directions (by name) and items (by name, or by # and a row of
the atlas), with numbers as factors, and brackets. A dash between letters is part of a name (`hair-blond`); a minus stands between spaces.

The weights of the items decide what the outcome is: where they add to 1 it is a point of the latent space, such as the
answer to an analogy, where they add to 0 a direction. Directions may be added to either.

References:
    | Linguistic Regularities in Continuous Space Word Representations (Mikolov et al., 2013): analogies as sums
    | https://aclanthology.org/N13-1090
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["LONGEST", "Combination", "combine", "parse"]

Key = TypeVar("Key", int, str)

LONGEST = 300  # characters
DEEPEST = 20  # brackets and signs within each other
LARGEST = 1000.0  # weight
CLOSE = 1e-9  # to 0 or 1, of the items' weights
SHOWN = 12  # names that a message lists
SPELLED = {"−": "-", "–": "-", "×": "*", "·": "*", "÷": "/"}
TOKEN = re.compile(
    r"\s*(?:(?P<item>#\s*[0-9]{1,10})|(?P<number>[0-9]+(?:\.[0-9]*)?|\.[0-9]+)"
    r"|(?P<name>[A-Za-z][A-Za-z0-9_]*(?:-[A-Za-z0-9_]+)*)|(?P<sign>[-+*/()]))"
)
NAMED = re.compile(r"\s*([A-Za-z_]+[ -][0-9]{1,18})(?![A-Za-z0-9_]|[.-][A-Za-z0-9_])")  # may be an item


@dataclass(frozen=True)
class Combination:
    """A weighted sum of items and directions, or while it is read a plain number."""

    items: dict[int, float] = field(default_factory=dict)
    directions: dict[str, float] = field(default_factory=dict)
    number: float = 0.0

    @property
    def plain(self) -> bool:
        """Whether it is a number alone."""
        return not self.items and not self.directions

    @property
    def point(self) -> bool:
        """Whether it is a point of the latent space; else it is a direction."""
        return abs(sum(self.items.values()) - 1) < CLOSE

    def times(self, factor: float) -> Combination:
        """All weights, `factor` times."""
        return Combination(
            {k: v * factor for k, v in self.items.items()},
            {k: v * factor for k, v in self.directions.items()},
            self.number * factor,
        )

    def plus(self, other: Combination) -> Combination:
        """The sum of both."""
        return Combination(
            _added(self.items, other.items),
            _added(self.directions, other.directions),
            self.number + other.number,
        )


def parse(
    text: str,
    names: Collection[str],
    has: Callable[[int], bool],
    find: Callable[[str], int | None] = lambda name: None,
) -> Combination:
    """Reads an expression.

    Arguments:
        text: What was typed.
        names: The directions that there are; `own-NAME` may be called by NAME.
        has: Whether there is an item of a number.
        find: The item of a name such as "test 12"; None where the text is no name of an item.

    Raises:
        ValueError: If it is too long, can not be read, names what is not there, or its items' weights add to neither 0
            nor 1; the message says what is wrong and what there is.
    """
    if len(text) > LONGEST:
        raise ValueError(f"An expression must have at most {LONGEST} characters. Got {len(text):,}.")
    if not text.strip():
        raise ValueError(f"An expression is missing. Type one such as {_example(names)}.")
    found = _Reader(_tokens(text, names, find), names, has).whole()
    weights = [*found.items.values(), *found.directions.values()]
    if not weights:
        raise ValueError(
            f"An expression must name a direction or an item. Type one such as {_example(names)}."
        )
    if not all(math.isfinite(weight) and abs(weight) <= LARGEST for weight in weights):
        raise ValueError(f"A weight must lie in -{LARGEST:g}..{LARGEST:g}. One is larger.")
    if not any(abs(weight) > CLOSE for weight in weights):
        raise ValueError("The expression cancels out: nothing is left of it.")
    total = sum(found.items.values())
    if min(abs(total), abs(total - 1)) >= CLOSE:
        raise ValueError(
            f"The weights of items must add to 1 (a point, as in test 1 + test 2 - test 3) or to 0 (a direction, as in "
            f"test 1 - test 2). They add to {total:.4g}."
        )
    return found


def combine(
    combination: Combination, directions: Mapping[str, ArrayLike], code: Callable[[int], ArrayLike]
) -> NDArray[np.float32]:
    """The vector of an expression.

    Arguments:
        combination: As `parse` gives it.
        directions: Vectors (D,) by name.
        code: Gives the code (D,) of an item.

    Returns:
        float32, shape (D,).

    Raises:
        ValueError: If a direction comes out as nothing.
    """
    parts = [
        weight * np.asarray(directions[name], np.float64) for name, weight in combination.directions.items()
    ]
    parts += [weight * np.asarray(code(item), np.float64) for item, weight in combination.items.items()]
    vector: NDArray[np.float32] = np.sum(parts, axis=0).astype(np.float32)
    if not combination.point and not vector.any():
        raise ValueError("The expression cancels out: nothing is left of it.")
    return vector


class _Reader:
    """Reads tokens from left to right: sums of products of numbers, names, items and brackets."""

    def __init__(
        self, tokens: list[tuple[str, str]], names: Collection[str], has: Callable[[int], bool]
    ) -> None:
        self.tokens, self.names, self.has = tokens, names, has
        self.place = self.depth = 0

    def whole(self) -> Combination:
        found = self.sum()
        if self.place < len(self.tokens):
            raise ValueError(
                f"There is something too much at {self.tokens[self.place][1]!r}. Join parts with + or -."
            )
        return found

    def sum(self) -> Combination:
        found = self.product()
        while self.next_is("+", "-"):
            sign = 1.0 if self.take() == "+" else -1.0
            other = self.product()
            if found.plain != other.plain:
                raise ValueError(
                    "A number alone cannot be added to a direction or an item. Multiply with it instead."
                )
            found = found.plus(other.times(sign))
        return found

    def product(self) -> Combination:
        found = self.single()
        while self.next_is("*", "/"):
            divide = self.take() == "/"
            other = self.single()
            if divide:
                if not other.plain or other.number == 0:
                    raise ValueError("Only a number other than 0 can divide.")
                found = found.times(1 / other.number)
            elif found.plain:
                found = other.times(found.number)
            elif other.plain:
                found = found.times(other.number)
            else:
                raise ValueError(
                    "Two directions or items cannot be multiplied. One of the factors must be a number."
                )
        return found

    def single(self) -> Combination:
        self.depth += 1
        if self.depth > DEEPEST:
            raise ValueError(f"Brackets and signs may stand at most {DEEPEST} deep.")
        try:
            return self.one()
        finally:
            self.depth -= 1

    def one(self) -> Combination:
        if self.place >= len(self.tokens):
            raise ValueError("The expression ends too soon: a direction, an item or a number is missing.")
        kind, text = self.tokens[self.place]
        self.place += 1
        if kind == "number":
            return Combination(number=float(text))
        if kind == "item":
            return self.item(int(text.removeprefix("#")))
        if kind == "name":
            return Combination(directions={_known(text, self.names): 1.0})
        if text in "+-":
            return self.single().times(1.0 if text == "+" else -1.0)
        if text != "(":
            raise ValueError(f"A direction, an item or a number is missing before {text!r}.")
        found = self.sum()
        if not self.next_is(")"):
            raise ValueError("A bracket is open: a ) is missing.")
        self.place += 1
        return found

    def item(self, number: int) -> Combination:
        if not self.has(number):
            raise ValueError(f"There is no item #{number}. Name it as on the map, as in test 12.")
        return Combination(items={number: 1.0})

    def next_is(self, *signs: str) -> bool:
        return self.place < len(self.tokens) and self.tokens[self.place] in [("sign", sign) for sign in signs]

    def take(self) -> str:
        self.place += 1
        return self.tokens[self.place - 1][1]


def _tokens(text: str, names: Collection[str], find: Callable[[str], int | None]) -> list[tuple[str, str]]:
    """Kind and text of each token; a named item becomes # and its row."""
    for odd, plain in SPELLED.items():
        text = text.replace(odd, plain)
    text = text.rstrip()
    found, place = [], 0
    while place < len(text):
        named = NAMED.match(text, place)
        item = find(named[1]) if named is not None and named[1] not in names else None
        if named is not None and item is not None:
            found.append(("item", f"#{item}"))
            place = named.end()
            continue
        match = TOKEN.match(text, place)
        if match is None:
            raise ValueError(
                f"{text[place:].lstrip()[:20]!r} cannot be read. Use + - * / ( ), numbers, items such as test 12, and "
                f"directions: {_listed(names)}."
            )
        kind = str(match.lastgroup)
        found.append((kind, "".join(match[kind].split())))
        place = match.end()
    return found


def _known(text: str, names: Collection[str]) -> str:
    """The direction that a name stands for.

    Raises:
        ValueError: If there is none; the message lists what there is.
    """
    low = text.lower()
    for name in (text, low, f"own-{low}", low.replace("-", "_"), low.replace("_", "-")):
        if name in names:
            return name
    hint = " Put spaces around a minus." if "-" in text else ""
    raise ValueError(f"There is no direction {text[:60]!r}.{hint} There are: {_listed(names)}.")


def _listed(names: Collection[str]) -> str:
    some = list(names)[:SHOWN]
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return (", ".join(some) or "none") + more


def _example(names: Collection[str]) -> str:
    two = list(names)[:2]
    return f"{two[0]} - 0.5*{two[1]}" if len(two) == 2 else "test 0 + test 1 - test 2"


def _added(one: dict[Key, float], other: dict[Key, float]) -> dict[Key, float]:
    total = dict(one)
    for key, weight in other.items():
        total[key] = total.get(key, 0.0) + weight
    return total
