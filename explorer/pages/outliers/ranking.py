"""Which images lie beyond the threshold, their order, and their table."""

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
from explorer.latent.statistics.outliers import false_alarms, outlyingness, ranks_alike, threshold
from explorer.latent.statistics.registry import unsupported
from explorer.live.stage import item_labels
from explorer.pages.outliers.url import Shown
from explorer.scene.loaded import Loaded

__all__ = [
    "Scored",
    "agreement",
    "apply_threshold",
    "card_text",
    "columns",
    "hover_texts",
    "ordered",
    "short",
]

Floats = NDArray[np.float64]

HUGE = 1e7  # larger numbers are written as powers of ten
SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True, eq=False)
class Scored:
    """The M images that have a score, and which of them are outliers."""

    score: Score
    rows: NDArray[np.int64]  # (M,), of the atlas, ascending
    values: Floats  # (M,), in the score's unit
    cut: float  # the threshold, same unit
    outliers: NDArray[np.bool_]  # (M,)

    @property
    def share(self) -> float:
        """Share of outliers, in percent."""
        return 100 * float(self.outliers.mean())

    @property
    def sentence(self) -> str:
        """How many images lie beyond the threshold."""
        side = "at or above" if self.score.tail == "high" else "at or below"
        return (
            f"**{int(self.outliers.sum()):,} of {len(self.outliers):,}** images ({self.share:.3g} %) lie {side} "
            f"{short(self.cut)} {self.score.unit}. {'High' if self.score.tail == 'high' else 'Low'} values are outliers."
        )

    def alarms(self, held_out: NDArray[np.bool_]) -> str:
        """The false-alarm rate of the threshold, in one sentence.

        Arguments:
            held_out: Which of all images the model was not fitted on, shape (N,).
        """
        values = outlyingness(self.values, self.score.tail)[held_out[self.rows]]
        if reason := unsupported("false_alarms", len(values)):
            return reason
        rate = false_alarms(values, float(outlyingness([self.cut], self.score.tail)[0]))
        low, middle, high = (f"{1000 * share:.3g}" for share in (rate.low, rate.value, rate.high))
        return (
            f"Of 1,000 new images like these, about {middle} ({low}–{high}) lie beyond it as false alarms; estimated "
            f"from {len(values):,} held-out images."
        )

    def outlier_mask(self, count: int) -> NDArray[np.bool_]:
        """Which of all images are outliers, shape (count,)."""
        mask = np.zeros(count, bool)
        mask[self.rows[self.outliers]] = True
        return mask

    def scored_mask(self, count: int) -> NDArray[np.bool_]:
        """Which of all images have a score, shape (count,)."""
        mask = np.zeros(count, bool)
        mask[self.rows] = True
        return mask


def apply_threshold(values: Floats, score: Score, shown: Shown) -> Scored | None:
    """The images with a score, and which of them are outliers; None if no image has a score.

    Arguments:
        values: Scores of all images, NaN where there is none.
        score: The score.
        shown: Settings of the page, with the threshold.
    """
    rows = np.flatnonzero(np.isfinite(values))
    if not len(rows):
        return None
    known = values[rows]
    oriented = outlyingness(known, score.tail)
    cut = (
        threshold(oriented, shown.share / 100)
        if shown.cut is None
        else float(outlyingness([shown.cut], score.tail)[0])
    )
    return Scored(score, rows, known, cut if score.tail == "high" else -cut, oriented >= cut)


def ordered(rows: NDArray[np.int64], values: Floats, score: Score) -> NDArray[np.int64]:
    """Rows by decreasing outlyingness; those without a score last."""
    oriented = outlyingness(values[rows], score.tail)
    return rows[np.argsort(-np.nan_to_num(oriented, nan=-np.inf), kind="stable")]


def hover_texts(loaded: Loaded, values: Mapping[str, Floats]) -> list[str]:
    """The hover text of each image in charts, as HTML: name, first attribute, scores."""
    atlas = loaded.atlas
    lines = [f"<b>{atlas.names.name(row)}</b>" for row in range(len(atlas))]
    for attribute in list(atlas.attributes.values())[:1]:
        if attribute.labels:
            lines = [
                f"{line}<br>{escape(attribute.title)} {escape(value_text(attribute, row) or 'unknown')}"
                for row, line in enumerate(lines)
            ]
    for key, each in values.items():
        lines = [
            f"{line}<br>{SCORES[key].title} {short(value)}" if np.isfinite(value) else line
            for line, value in zip(lines, each.tolist(), strict=True)
        ]
    return lines


def card_text(loaded: Loaded, values: Mapping[str, Floats], item: int, keys: Sequence[str]) -> str:
    """The caption of an image in the gallery, as HTML."""
    atlas = loaded.atlas
    labels = [f"{escape(k)} {escape(v)}" for k, v in list(item_labels(loaded, item).items())[:2]]
    scores = [
        f"<b>{short(float(values[key][item]))}</b> {SCORES[key].unit}"
        + (f" · {SCORES[key].title}" if len(set(keys)) > 1 else "")
        for key in dict.fromkeys(keys)
        if np.isfinite(values[key][item])
    ]
    return "<br>".join([*scores, " · ".join([f"{atlas.names.name(item)}", *labels])])


def agreement(scored: Scored, other: Floats, both: NDArray[np.bool_], against: Score) -> str:
    """The rank correlation of two scores, in one sentence."""
    correlation = ranks_alike(
        outlyingness(scored.values[both], scored.score.tail), outlyingness(other[both], against.tail)
    )
    count = f"{int(both.sum()):,} images have both. " if not both.all() else ""
    return f"{count}Spearman rank correlation, both oriented so that outliers score high: {_signed(correlation)}."


def columns(loaded: Loaded, rows: NDArray[np.int64], values: Mapping[str, Floats]) -> dict[str, list[Any]]:
    """A table of images as columns: names, computed scores, attributes, texts."""
    atlas = loaded.atlas
    table = atlas.names.columns(rows)
    for key, each in values.items():
        if np.isfinite(each[rows]).any():
            table[key] = [value if np.isfinite(value) else None for value in each[rows].tolist()]
    for name, attribute in atlas.attributes.items():
        cells = attribute.values[rows].tolist()
        if attribute.kind == "categorical":
            cells = [attribute.labels[value] for value in cells]
        table[name] = [
            value if known else None for value, known in zip(cells, attribute.known[rows], strict=True)
        ]
    for name, text in atlas.texts.items():
        table.setdefault(name, [text.values[row] for row in rows])
    return table


def short(value: float) -> str:
    """A number for display: about four significant digits, a minus sign, a power of ten if it is huge."""
    size = abs(value)
    if size >= HUGE:
        power = math.floor(math.log10(size))
        return f"{value / 10**power:.1f} × 10{str(power).translate(SUPERSCRIPTS)}".replace("-", "−")
    digits = 0 if size >= 1000 else 1 if size >= 100 else 2 if size >= 1 else 3 if size >= 0.1 else 5
    return f"{value:,.{digits}f}".replace("-", "−")


def _signed(value: float) -> str:
    """A correlation with two decimals and a minus sign."""
    return f"{value:.2f}".replace("-", "−")
