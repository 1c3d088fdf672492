"""Which images lie beyond the threshold, in which order, and the list of them to take away."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.catalogue.outlier_scores import SCORES, Score
from explorer.latent.attribute_values import value_text
from explorer.latent.statistics.outliers import false_alarms, oddness, ranks_alike, threshold
from explorer.latent.statistics.registry import unsupported
from explorer.live.stage import item_labels
from explorer.pages.outliers.url import Shown
from explorer.scene.loaded import Loaded

__all__ = ["Scored", "agreement", "card_text", "columns", "ordered", "scored", "short", "texts"]

Floats = NDArray[np.float64]

HUGE = 1e7  # from here on nobody counts the digits
RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True, eq=False)
class Scored:
    """The images that have a score, M of them, and which of them are outliers."""

    score: Score
    rows: NDArray[np.int64]  # (M,), of the atlas, ascending
    values: Floats  # (M,), in the score's unit
    cut: float  # the threshold, same unit
    odd: NDArray[np.bool_]  # (M,)

    @property
    def share(self) -> float:
        """Share of outliers, in percent."""
        return 100 * float(self.odd.mean())

    @property
    def sentence(self) -> str:
        """How many lie where."""
        side = "at or above" if self.score.odd == "high" else "at or below"
        return (
            f"**{int(self.odd.sum()):,} of {len(self.odd):,}** images ({self.share:.3g} %) lie {side} "
            f"{short(self.cut)} {self.score.unit}. {'High' if self.score.odd == 'high' else 'Low'} values are outliers."
        )

    def alarms(self, held_out: NDArray[np.bool_]) -> str:
        """What the threshold means for new images like the collection's, in one sentence.

        Arguments:
            held_out: Which of all images the model was not fitted on, shape (N,).
        """
        values = oddness(self.values, self.score.odd)[held_out[self.rows]]
        if reason := unsupported("false_alarms", len(values)):
            return reason
        found = false_alarms(values, float(oddness([self.cut], self.score.odd)[0]))
        low, middle, high = (f"{1000 * share:.3g}" for share in (found.low, found.value, found.high))
        return (
            f"Of 1,000 new images like these, about {middle} ({low}–{high}) lie beyond it though nothing is wrong with "
            f"them; told from {len(values):,} held-out images."
        )

    def everywhere(self, count: int) -> NDArray[np.bool_]:
        """Which of all images are outliers, shape (count,)."""
        found = np.zeros(count, bool)
        found[self.rows[self.odd]] = True
        return found

    def known(self, count: int) -> NDArray[np.bool_]:
        """Which of all images have a score, shape (count,)."""
        found = np.zeros(count, bool)
        found[self.rows] = True
        return found


def scored(values: Floats, score: Score, shown: Shown) -> Scored | None:
    """The images with a score and which of them are outliers; None where none has one.

    Arguments:
        values: Of all images, NaN where there is none.
        score: Which one.
        shown: Has the threshold.
    """
    rows = np.flatnonzero(np.isfinite(values))
    if not len(rows):
        return None
    known = values[rows]
    turned = oddness(known, score.odd)
    cut = (
        threshold(turned, shown.share / 100)
        if shown.cut is None
        else float(oddness([shown.cut], score.odd)[0])
    )
    return Scored(score, rows, known, cut if score.odd == "high" else -cut, turned >= cut)


def ordered(rows: NDArray[np.int64], values: Floats, score: Score) -> NDArray[np.int64]:
    """Rows with the largest outliers first; those without a score last."""
    turned = oddness(values[rows], score.odd)
    return rows[np.argsort(-np.nan_to_num(turned, nan=-np.inf), kind="stable")]


def texts(loaded: Loaded, values: Mapping[str, Floats]) -> list[str]:
    """What is said of each image where it is a point: what it is, and its scores."""
    atlas = loaded.atlas
    lines = [f"<b>{atlas.names.name(row)}</b>" for row in range(len(atlas))]
    for attribute in list(atlas.attributes.values())[:1]:
        if attribute.labels:
            lines = [
                f"{line}<br>{escape(attribute.title)} {escape(value_text(attribute, row) or 'not known')}"
                for row, line in enumerate(lines)
            ]
    for key, each in values.items():
        lines = [
            f"{line}<br>{SCORES[key].title} {short(value)}" if np.isfinite(value) else line
            for line, value in zip(lines, each.tolist(), strict=True)
        ]
    return lines


def card_text(loaded: Loaded, values: Mapping[str, Floats], item: int, keys: Sequence[str]) -> str:
    """What stands under an image in the gallery, as HTML."""
    atlas = loaded.atlas
    labels = [f"{escape(k)} {escape(v)}" for k, v in list(item_labels(loaded, item).items())[:2]]
    figures = [
        f"<b>{short(float(values[key][item]))}</b> {SCORES[key].unit}"
        + (f" · {SCORES[key].title}" if len(set(keys)) > 1 else "")
        for key in dict.fromkeys(keys)
        if np.isfinite(values[key][item])
    ]
    return "<br>".join([*figures, " · ".join([f"{atlas.names.name(item)}", *labels])])


def agreement(found: Scored, other: Floats, both: NDArray[np.bool_], against: Score) -> str:
    """One sentence on how far two scores agree."""
    alike = ranks_alike(oddness(found.values[both], found.score.odd), oddness(other[both], against.odd))
    count = f"{int(both.sum()):,} images that have both. " if not both.all() else ""
    return f"{count}Rank correlation of the two, turned so that more is odder: {_signed(alike)} (Spearman)."


def columns(loaded: Loaded, rows: NDArray[np.int64], values: Mapping[str, Floats]) -> dict[str, list[Any]]:
    """The list of some images as columns: their names, every score that is known, every attribute and text."""
    atlas = loaded.atlas
    table = atlas.names.columns(rows)
    for key, each in values.items():
        if np.isfinite(each[rows]).any():
            table[key] = [value if np.isfinite(value) else None for value in each[rows].tolist()]
    for name, attribute in atlas.attributes.items():
        held = attribute.values[rows].tolist()
        if attribute.kind == "categorical":
            held = [attribute.labels[value] for value in held]
        table[name] = [
            value if known else None for value, known in zip(held, attribute.known[rows], strict=True)
        ]
    for name, text in atlas.texts.items():
        table.setdefault(name, [text.values[row] for row in rows])
    return table


def short(value: float) -> str:
    """A number as a person reads it: four digits that count, a real minus sign, a power of ten where it is huge."""
    size = abs(value)
    if size >= HUGE:
        power = math.floor(math.log10(size))
        return f"{value / 10**power:.1f} × 10{str(power).translate(RAISED)}".replace("-", "−")
    digits = 0 if size >= 1000 else 1 if size >= 100 else 2 if size >= 1 else 3 if size >= 0.1 else 5
    return f"{value:,.{digits}f}".replace("-", "−")


def _signed(value: float) -> str:
    """A correlation with two digits and a real minus sign."""
    return f"{value:.2f}".replace("-", "−")
