"""The address of the Outliers page: score, threshold, order and page of the gallery.

    ?model=fashion-vae&score=regret&share=2&page=1&sort=kl&against=elbo
    ?model=fashion-vae&score=elbo&cut=-310.5

A threshold is a share of the images in percent, or a value of the score. All parameters are validated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from explorer.addresses import choice_in, number_in, read_parts, whole_in

__all__ = ["SHARE", "Shown", "from_query", "query"]

SHARE = 2.0  # percent
PAGES_AT_MOST = 100_000
DIGITS = 6  # significant digits of a threshold


@dataclass(frozen=True)
class Shown:
    """What the page shows."""

    score: str  # key of `outliers.SCORES`
    share: float = SHARE  # percent of the images beyond the threshold, if `cut` is None
    cut: float | None = None  # the threshold as a value of the score
    page: int = 1  # of the gallery
    sort: str = ""  # score that orders the gallery; "" for `score`
    against: str = ""  # score plotted against `score`; "" for none


def from_query(params: Mapping[str, str], default: Shown, scores: Sequence[str]) -> tuple[Shown, list[str]]:
    """Reads an address; returns a message for each invalid parameter.

    Arguments:
        params: The address's parameters.
        default: Used for missing and invalid parameters.
        scores: Scores that the open model supports.
    """

    def score(name: str, text: str, shown: Shown) -> dict[str, object]:
        return {name: choice_in(text, name, scores)}

    readers: dict[str, Callable[[str, Shown], dict[str, object]]] = {
        "score": partial(score, "score"),
        "share": lambda text, _: {"share": number_in(text, "share", 0.01, 100)},
        "cut": lambda text, _: {"cut": number_in(text, "cut")},
        "page": lambda text, _: {"page": whole_in(text, "page", 1, PAGES_AT_MOST)},
        "sort": partial(score, "sort"),
        "against": partial(score, "against"),
    }
    return read_parts(params, default, readers)


def query(shown: Shown) -> dict[str, str]:
    """The address's parameters."""
    params = {"score": shown.score}
    if shown.cut is None:
        params["share"] = f"{shown.share:.{DIGITS}g}"
    else:
        params["cut"] = f"{shown.cut:.{DIGITS}g}"
    if shown.page > 1:
        params["page"] = str(shown.page)
    params |= {name: value for name in ("sort", "against") if (value := getattr(shown, name))}
    return params
