"""The summary of a source: counts, sample pictures, refused files, notes, label columns, near-duplicates."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from html import escape

import streamlit as st

from explorer.jobs.image_reading import ImageSummary, Pair, Picture
from explorer.jobs.image_sources import ImageSource
from explorer.pages.shared.file_button import file_button
from explorer.pages.shared.text import with_code
from explorer.pages.your_images import columns
from models.data.base import SPLITS
from models.data.own.duplicates import PAIRS_AT_MOST

__all__ = ["show", "skeleton"]

S = st.session_state
ON_PAGE = 48  # pictures of the grid
REFUSED_SHOWN = 200
STYLE = """<style>
.lx-yi-facts { display: flex; flex-wrap: wrap; gap: .35rem 2rem; margin: 0 !important; padding: 0 !important; }
.lx-yi-facts dt { opacity: .75; font-size: .8rem; }
.lx-yi-facts dd { margin: 0 !important; font-weight: 600; overflow-wrap: anywhere; }
.lx-yi-grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(64px, 1fr)); gap: 5px; }
.lx-yi-grid > * { aspect-ratio: 1; width: 100%; border-radius: 5px; background: rgb(128 138 160 / 14%); }
.lx-yi-grid img { object-fit: contain; display: block; }
.lx-yi-grid img[src^="data:image/png"] { image-rendering: pixelated; }
.lx-yi-pairs { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(260px, 100%), 1fr)); gap: .75rem; }
.lx-yi-pair { display: grid; grid-template-columns: 1fr 1fr; gap: 5px; }
.lx-yi-pair figure { margin: 0; min-width: 0; }
.lx-yi-pair img { width: 100%; aspect-ratio: 1; object-fit: contain; display: block; border-radius: 5px;
  background: rgb(128 138 160 / 14%); }
.lx-yi-pair figcaption { font-size: .75rem; overflow-wrap: anywhere; line-height: 1.25; margin-top: 2px; }
@media (max-width: 480px) { .lx-yi-grid > :nth-child(n + 26) { display: none; } }
@keyframes lx-yi-wait { 50% { opacity: .45; } }
.lx-yi-wait > * { animation: lx-yi-wait 1.4s ease-in-out infinite; }
@media (prefers-reduced-motion: reduce) { .lx-yi-wait > * { animation: none; } }
</style>"""
FORMATS = {
    "folder": "Folder",
    "zip": "Zip file",
    "parquet": "Parquet file",
    "webdataset": "WebDataset",
    "array": "NumPy array",
}


def show(source: ImageSource, summary: ImageSummary, show_progress: Callable[[], None]) -> None:
    """Everything known about the images; `show_progress` draws the progress of the search for near-duplicates."""
    st.html(STYLE)
    _facts(summary)
    _grid(summary)
    for note in summary.notes:
        st.caption(with_code(note))
    _refused(summary)
    columns.show(source, summary)
    if summary.pairs is None and not source.error:
        show_progress()
    else:
        _near_duplicates(summary)


def skeleton() -> None:
    """Placeholders for the pictures while they are read."""
    st.html(STYLE)
    st.html(f'<div class="lx-yi-grid lx-yi-wait" aria-hidden="true">{"<i></i>" * ON_PAGE}</div>')


def _facts(summary: ImageSummary) -> None:
    facts = {
        "Images": f"{summary.images:,}",
        "Pixels": _counted(summary.sizes, summary.images),
        "Colours": _counted(summary.colours, summary.images),
        "Format": FORMATS.get(summary.form, summary.form),
        "Splits in the source": ", ".join(
            f"{name} {summary.splits[name]:,}" for name in SPLITS if name in summary.splits
        )
        or "none",
        "Refused": f"{len(summary.refused):,}" if summary.refused else "none",
    }
    rows = "".join(f"<div><dt>{escape(k)}</dt><dd>{escape(v)}</dd></div>" for k, v in facts.items())
    st.html(f'<dl class="lx-yi-facts">{rows}</dl>')


def _counted(counts: Sequence[tuple[str, int]], images: int) -> str:
    """The count of each value; only its name if all images have it."""
    if len(counts) == 1:
        return f"{counts[0][0]}" if counts[0][1] == images else f"{counts[0][0]} ({counts[0][1]:,})"
    return ", ".join(f"{name} ({count:,})" for name, count in counts)


def _grid(summary: ImageSummary) -> None:
    """A sample of the pictures; a button shows another one."""
    pages = max(1, -(-len(summary.pictures) // ON_PAGE))
    page = S.get("yi_page", 0) % pages
    shown = summary.pictures[page::pages]  # spread over all pictures
    images = "".join(_image(picture, f"{picture.file} {picture.split}".strip()) for picture in shown)
    st.html(f'<div class="lx-yi-grid" data-testid="your-images-grid">{images}</div>')
    if pages > 1 and st.button("Other images", icon=":material/shuffle:", key="yi_other", type="tertiary"):
        S.yi_page = page + 1
        st.rerun()


def _image(picture: Picture, alt: str) -> str:
    alt = escape(alt, quote=True)
    return f'<img src="{escape(picture.source, quote=True)}" alt="{alt}" title="{alt}" loading="lazy">'


def _refused(summary: ImageSummary) -> None:
    """The files that could not be read, with reasons, and a download of the list."""
    if not summary.refused:
        return
    count = len(summary.refused)
    title = f"{count:,} file{'' if count == 1 else 's'} could not be read; the others are used"
    with st.expander(title, icon=":material/warning:"):
        shown = summary.refused[:REFUSED_SHOWN]
        st.dataframe(
            {"File": [name for name, _ in shown], "Reason": [reason for _, reason in shown]},
            hide_index=True,
            height=min(300, 35 * (len(shown) + 1) + 3),
            column_config={"Reason": st.column_config.TextColumn(width="large")},
        )
        if count > len(shown):
            st.caption(f"The first {len(shown)} of {count:,}; the download has all.")
        file_button(
            st,
            "Download the list",
            "refused.csv",
            lambda: _as_csv(summary.refused),
            "yi_refused",
            icon=":material/download:",
        )


def _as_csv(rows: Sequence[tuple[str, str]]) -> bytes:
    """CSV of two columns, safe to open in a spreadsheet."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["file", "reason"])
    writer.writerows([_escaped(cell) for cell in row] for row in rows)
    return text.getvalue().encode("utf-8", "replace")


def _escaped(cell: str) -> str:
    """A cell that a spreadsheet does not interpret as a formula."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


def _near_duplicates(summary: ImageSummary) -> None:
    """Near-duplicate pairs side by side, those across splits first."""
    if summary.pairs is None:
        st.caption("Near-duplicates were not searched for.")
        return
    if not summary.pairs:
        st.caption("No near-duplicates found.")
        return
    title = f"{summary.pair_count:,} pair{'' if summary.pair_count == 1 else 's'} of near-duplicates"
    if summary.pair_count >= PAIRS_AT_MOST:
        title = f"At least {title}"
    if summary.across:
        title += f", {summary.across:,} of them across splits"
    with st.expander(title, icon=":material/content_copy:", key="yi_pairs"):
        st.caption(
            "Images whose perceptual hashes differ in at most a few bits. Pairs across splits make test metrics look "
            "better than they are. A group column keeps related images in one split."
        )
        st.html(f'<div class="lx-yi-pairs">{"".join(map(_pair, summary.pairs))}</div>')
        if summary.pair_count > len(summary.pairs):
            st.caption(f"The closest {len(summary.pairs)} of {summary.pair_count:,}.")


def _pair(pair: Pair) -> str:
    figures = "".join(
        f"<figure>{_image(each, each.file)}<figcaption>{escape(each.file)}"
        f"{f' · {escape(each.split)}' if each.split else ''}</figcaption></figure>"
        for each in (pair.one, pair.other)
    )
    return f'<div class="lx-yi-pair">{figures}</div>'
