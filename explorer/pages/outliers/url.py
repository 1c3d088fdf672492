"""What the Outliers page shows, as a link carries it: the score, the threshold, the order and page of the gallery.

    ?model=fashion-vae&score=regret&share=2&page=1&sort=kl&against=elbo
    ?model=fashion-vae&score=elbo&cut=-310.5

A threshold is a share of the images in percent, or a value of the score. Everything is checked.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

__all__ = ["SHARE", "Shown", "from_query", "query"]

SHARE = 2.0  # percent
PAGES_AT_MOST = 100_000
WHOLE = re.compile(r"\d{1,6}")
DIGITS = 6  # of a threshold, that count


@dataclass(frozen=True)
class Shown:
    """What is shown."""

    score: str  # key of `outliers.SCORES`
    share: float = SHARE  # percent of the images that lie at or above the threshold, where `cut` is None
    cut: float | None = None  # the threshold as a value of the score
    page: int = 1  # of the gallery
    sort: str = ""  # score that orders the gallery; "" for `score`
    against: str = ""  # score beside `score` in the scatter; "" for none


def from_query(params: Mapping[str, str], default: Shown, scores: Sequence[str]) -> tuple[Shown, list[str]]:
    """What an address asks for, and a sentence for each part of it that does not hold.

    Arguments:
        params: The address's parameters.
        default: For what is missing or does not hold.
        scores: That the open model can give.
    """

    def score(text: str, name: str) -> str:
        if text not in scores:
            raise ValueError(f"`{name}` must be one of: {', '.join(scores)}. Got {text[:40]!r}.")
        return text

    def share(text: str, name: str) -> float:
        value = _number(text, name)
        if not 0.01 <= value <= 100:
            raise ValueError(f"`{name}` must lie in 0.01..100 percent. Got {text[:40]!r}.")
        return value

    def page(text: str, name: str) -> int:
        if not WHOLE.fullmatch(text) or not 1 <= int(text) <= PAGES_AT_MOST:
            raise ValueError(f"`{name}` must be a whole number from 1. Got {text[:40]!r}.")
        return int(text)

    readers = {"score": score, "share": share, "cut": _number, "page": page, "sort": score, "against": score}
    shown, problems = default, []
    for name, read in readers.items():
        if name in params:
            try:
                shown = replace(shown, **{name: read(params[name], name)})  # type: ignore[arg-type]
            except ValueError as error:
                problems.append(str(error))
    return shown, problems


def query(shown: Shown) -> dict[str, str]:
    """The parameters of an address that shows the same again."""
    params = {"score": shown.score}
    if shown.cut is None:
        params["share"] = f"{shown.share:.{DIGITS}g}"
    else:
        params["cut"] = f"{shown.cut:.{DIGITS}g}"
    if shown.page > 1:
        params["page"] = str(shown.page)
    params |= {name: value for name in ("sort", "against") if (value := getattr(shown, name))}
    return params


def _number(text: str, name: str) -> float:
    try:
        value = float(text[:40])
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"`{name}` must be a number. Got {text[:40]!r}.")
    return value
