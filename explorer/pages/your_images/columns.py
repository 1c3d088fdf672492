"""A card for each label column: distribution, missing cells, and a selectbox of its kind."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from explorer.jobs.image_reading import ColumnFacts, ImageSummary
from explorer.jobs.image_sources import ImageSource
from explorer.pages.shared.text import plain
from explorer.pages.your_images.choices import Choices

__all__ = ["show"]

S = st.session_state
AT_ONCE = 24  # columns shown at first
KINDS = {
    "category": "One class per image",
    "classes": "Several classes per image",
    "number": "Number",
    "date": "Date",
    "binary": "Yes or no",
    "id": "Identifier, searchable",
    "caption": "Text, searchable",
    "ignore": "Not used",
}
STYLE = """<style>
.st-key-lx-yi-columns { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(250px, 100%), 1fr)); gap: .75rem; }
.st-key-lx-yi-columns > * { width: auto !important; min-width: 0; height: 100%; }
.lx-yi-bars { display: grid; grid-template-columns: minmax(0, max-content) 1fr max-content; gap: 1px .5rem;
  font-size: .78rem; align-items: center; }
.lx-yi-bars span { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; max-width: 9rem; }
.lx-yi-bars i { display: block; height: .55rem; border-radius: 3px; background: #4c6ef5; min-width: 1px; }
.lx-yi-bars b { font-weight: 400; opacity: .8; text-align: right; font-variant-numeric: tabular-nums; }
</style>"""


def show(source: ImageSource, summary: ImageSummary) -> None:
    """A card for each column."""
    count = len(summary.columns)
    st.subheader("Labels", anchor=False)
    if not count:
        st.caption(
            "No labels found. Labels come from folder names, from a metadata.csv, .jsonl or .parquet beside the images, "
            "or from the table given above."
        )
        return
    st.html(STYLE)
    shown = summary.columns if S.get("yi_all_columns") else summary.columns[:AT_ONCE]
    with st.container(key="lx-yi-columns"):
        for column in shown:
            with st.container(border=True, gap="small", height="stretch"):
                _card(source, column)
    if len(shown) < count and st.button(f"Show all {count} columns", key="yi_columns_all", type="tertiary"):
        S.yi_all_columns = True
        st.rerun()


def _card(source: ImageSource, column: ColumnFacts) -> None:
    chosen: dict[str, str] = source.choices.setdefault("kinds", {})
    kind = chosen.get(column.slug, column.kind)
    options = list(dict.fromkeys([*column.kinds, "ignore", kind]))
    st.markdown(f"**{plain(column.title)}**")
    key = Choices(source).key(f"kind_{column.slug}")

    def changed() -> None:
        chosen[column.slug] = S[key]

    st.selectbox(
        f"Kind of {plain(column.title)}",
        options,
        index=options.index(kind),
        key=key,
        label_visibility="collapsed",
        format_func=lambda kind: KINDS.get(kind, kind),
        on_change=changed,
    )
    bars = column.bars.get(kind, ())
    if bars:
        st.html(_bars(bars))
    more = column.distinct - len(bars) if kind in ("category", "classes") else 0
    notes = [
        f"{more:,} more" if more > 0 else "",
        f"{column.missing:,} missing" if column.missing else "",
        column.why,
    ]
    if any(notes):
        st.caption(plain(" · ".join(filter(None, notes))))


def _bars(bars: Sequence[tuple[str, float]]) -> str:
    """The distribution as horizontal bars, each with its label and count."""
    most = max(count for _, count in bars) or 1.0
    rows = "".join(
        f'<span title="{escape(label, quote=True)}">{escape(label)}</span>'
        f'<i style="width:{100 * count / most:.1f}%"></i><b>{count:,.0f}</b>'
        for label, count in bars
    )
    return f'<div class="lx-yi-bars">{rows}</div>'
