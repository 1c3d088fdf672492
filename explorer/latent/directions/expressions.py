"""Typed expressions over directions and items: `smile - 0.5*glasses`, `test 12 + test 40 - train 7`.

Expressions are linear: sums and differences of directions (by name) and items (by name, or by # and a row of the
atlas), with numeric factors and brackets. A dash between letters belongs to a name (`hair-blond`); a minus between names needs spaces.

The weights of the items decide what the result is: if they sum to 1 it is a point in latent space, such as the answer
to an analogy; if they sum to 0 it is a direction. Directions may be added to either.

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

__all__ = ["MAX_LENGTH", "Combination", "combine", "parse"]

Key = TypeVar("Key", int, str)

MAX_LENGTH = 300  # characters
MAX_DEPTH = 20  # nested brackets and signs
MAX_WEIGHT = 1000.0
TOLERANCE = 1e-9  # when comparing the sum of the item weights with 0 or 1
MAX_LISTED = 12  # names in an error message
ASCII = {"−": "-", "–": "-", "×": "*", "·": "*", "÷": "/"}
TOKEN = re.compile(
    r"\s*(?:(?P<item>#\s*[0-9]{1,10})|(?P<number>[0-9]+(?:\.[0-9]*)?|\.[0-9]+)"
    r"|(?P<name>[A-Za-z][A-Za-z0-9_]*(?:-[A-Za-z0-9_]+)*)|(?P<sign>[-+*/()]))"
)
NAMED = re.compile(r"\s*([A-Za-z_]+[ -][0-9]{1,18})(?![A-Za-z0-9_]|[.-][A-Za-z0-9_])")  # may be an item


@dataclass(frozen=True)
class Combination:
    """A weighted sum of items and directions, or a plain number while parsing."""

    items: dict[int, float] = field(default_factory=dict)
    directions: dict[str, float] = field(default_factory=dict)
    number: float = 0.0

    @property
    def plain(self) -> bool:
        """Whether it is a plain number."""
        return not self.items and not self.directions

    @property
    def point(self) -> bool:
        """Whether it is a point in latent space; otherwise it is a direction."""
        return abs(sum(self.items.values()) - 1) < TOLERANCE

    def times(self, factor: float) -> Combination:
        """All weights times `factor`."""
        return Combination(
            {k: v * factor for k, v in self.items.items()},
            {k: v * factor for k, v in self.directions.items()},
            self.number * factor,
        )

    def plus(self, other: Combination) -> Combination:
        """The sum of two combinations."""
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
    """Parses an expression.

    Arguments:
        text: The expression.
        names: Known directions; `own-NAME` may be written as NAME.
        has: Whether an item number exists.
        find: The item with a name such as "test 12"; None if the text is not an item name.

    Raises:
        ValueError: If it is too long, cannot be parsed, uses unknown names, or its item weights sum to neither 0 nor
            1; the message lists what is known.
    """
    if len(text) > MAX_LENGTH:
        raise ValueError(f"An expression must have at most {MAX_LENGTH} characters. Got {len(text):,}.")
    if not text.strip():
        raise ValueError(f"An expression is missing. Type one such as {_example(names)}.")
    combination = _Parser(_tokens(text, names, find), names, has).whole()
    weights = [*combination.items.values(), *combination.directions.values()]
    if not weights:
        raise ValueError(
            f"An expression must name a direction or an item. Type one such as {_example(names)}."
        )
    if not all(math.isfinite(weight) and abs(weight) <= MAX_WEIGHT for weight in weights):
        raise ValueError(f"A weight must lie in -{MAX_WEIGHT:g}..{MAX_WEIGHT:g}. One is larger.")
    if not any(abs(weight) > TOLERANCE for weight in weights):
        raise ValueError("The expression cancels out to zero.")
    total = sum(combination.items.values())
    if min(abs(total), abs(total - 1)) >= TOLERANCE:
        raise ValueError(
            f"The weights of items must add to 1 (a point, as in test 1 + test 2 - test 3) or to 0 (a direction, as in "
            f"test 1 - test 2). They add to {total:.4g}."
        )
    return combination


def combine(
    combination: Combination, directions: Mapping[str, ArrayLike], latent: Callable[[int], ArrayLike]
) -> NDArray[np.float32]:
    """Evaluates an expression.

    Arguments:
        combination: From `parse`.
        directions: Vectors (D,) by name.
        latent: Returns the latent (D,) of an item.

    Returns:
        float32, shape (D,).

    Raises:
        ValueError: If a direction evaluates to zero.
    """
    terms = [
        weight * np.asarray(directions[name], np.float64) for name, weight in combination.directions.items()
    ]
    terms += [weight * np.asarray(latent(item), np.float64) for item, weight in combination.items.items()]
    vector: NDArray[np.float32] = np.sum(terms, axis=0).astype(np.float32)
    if not combination.point and not vector.any():
        raise ValueError("The expression cancels out to zero.")
    return vector


class _Parser:
    """Recursive-descent parser: sums of products of numbers, names, items and brackets."""

    def __init__(
        self, tokens: list[tuple[str, str]], names: Collection[str], has: Callable[[int], bool]
    ) -> None:
        self.tokens, self.names, self.has = tokens, names, has
        self.position = self.depth = 0

    def whole(self) -> Combination:
        combination = self.sum()
        if self.position < len(self.tokens):
            raise ValueError(
                f"Expected + or - before {self.tokens[self.position][1]!r}. Join the terms with + or -."
            )
        return combination

    def sum(self) -> Combination:
        total = self.product()
        while self.next_is("+", "-"):
            sign = 1.0 if self.take() == "+" else -1.0
            other = self.product()
            if total.plain != other.plain:
                raise ValueError(
                    "A number alone cannot be added to a direction or an item. Multiply with it instead."
                )
            total = total.plus(other.times(sign))
        return total

    def product(self) -> Combination:
        result = self.single()
        while self.next_is("*", "/"):
            divide = self.take() == "/"
            other = self.single()
            if divide:
                if not other.plain or other.number == 0:
                    raise ValueError("Only a number other than 0 can divide.")
                result = result.times(1 / other.number)
            elif result.plain:
                result = other.times(result.number)
            elif other.plain:
                result = result.times(other.number)
            else:
                raise ValueError(
                    "Two directions or items cannot be multiplied. One of the factors must be a number."
                )
        return result

    def single(self) -> Combination:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise ValueError(f"Brackets and signs may be nested at most {MAX_DEPTH} deep. Remove some.")
        try:
            return self.one()
        finally:
            self.depth -= 1

    def one(self) -> Combination:
        if self.position >= len(self.tokens):
            raise ValueError("The expression ends too soon: a direction, an item or a number is missing.")
        kind, text = self.tokens[self.position]
        self.position += 1
        if kind == "number":
            return Combination(number=float(text))
        if kind == "item":
            return self.item(int(text.removeprefix("#")))
        if kind == "name":
            return Combination(directions={_resolve(text, self.names): 1.0})
        if text in "+-":
            return self.single().times(1.0 if text == "+" else -1.0)
        if text != "(":
            raise ValueError(f"A direction, an item or a number is missing before {text!r}.")
        inner = self.sum()
        if not self.next_is(")"):
            raise ValueError("A closing bracket ) is missing.")
        self.position += 1
        return inner

    def item(self, number: int) -> Combination:
        if not self.has(number):
            raise ValueError(f"There is no item #{number}. Name it as on the map, as in test 12.")
        return Combination(items={number: 1.0})

    def next_is(self, *signs: str) -> bool:
        return self.position < len(self.tokens) and self.tokens[self.position] in [
            ("sign", sign) for sign in signs
        ]

    def take(self) -> str:
        self.position += 1
        return self.tokens[self.position - 1][1]


def _tokens(text: str, names: Collection[str], find: Callable[[str], int | None]) -> list[tuple[str, str]]:
    """Kind and text of each token; an item name becomes # and its row."""
    for odd, plain in ASCII.items():
        text = text.replace(odd, plain)
    text = text.rstrip()
    tokens, position = [], 0
    while position < len(text):
        named = NAMED.match(text, position)
        item = find(named[1]) if named is not None and named[1] not in names else None
        if named is not None and item is not None:
            tokens.append(("item", f"#{item}"))
            position = named.end()
            continue
        match = TOKEN.match(text, position)
        if match is None:
            raise ValueError(
                f"{text[position:].lstrip()[:20]!r} cannot be read. Use + - * / ( ), numbers, items such as test 12, and "
                f"directions: {_listed(names)}."
            )
        kind = str(match.lastgroup)
        tokens.append((kind, "".join(match[kind].split())))
        position = match.end()
    return tokens


def _resolve(text: str, names: Collection[str]) -> str:
    """Resolves a name to a direction.

    Raises:
        ValueError: If it is unknown; the message lists the known ones.
    """
    low = text.lower()
    for name in (text, low, f"own-{low}", low.replace("-", "_"), low.replace("_", "-")):
        if name in names:
            return name
    hint = " Put spaces around a minus." if "-" in text else ""
    raise ValueError(f"There is no direction {text[:60]!r}.{hint} There are: {_listed(names)}.")


def _listed(names: Collection[str]) -> str:
    some = list(names)[:MAX_LISTED]
    more = f" and {len(names) - MAX_LISTED} more" if len(names) > MAX_LISTED else ""
    return (", ".join(some) or "none") + more


def _example(names: Collection[str]) -> str:
    two = list(names)[:2]
    return f"{two[0]} - 0.5*{two[1]}" if len(two) == 2 else "test 0 + test 1 - test 2"


def _added(one: dict[Key, float], other: dict[Key, float]) -> dict[Key, float]:
    total = dict(one)
    for key, weight in other.items():
        total[key] = total.get(key, 0.0) + weight
    return total
