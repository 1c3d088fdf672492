"""Uploaded pictures, scored against the collection: each one's score and its percentile among the images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from html import escape
from typing import Any, cast

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from explorer.catalogue.outlier_scores import Score, usable
from explorer.jobs.outlier_scores import digest_of_pictures, read_scores, scores_path
from explorer.latent.neighbours.metric import HELD_OUT_FROM
from explorer.latent.statistics.densities import kl_to_prior
from explorer.latent.statistics.outliers import (
    LARGEST,
    bounded,
    extent,
    outlyingness,
    percentile_interval,
    percentiles,
)
from explorer.latent.statistics.registry import unsupported
from explorer.pages.outliers import gallery, panels
from explorer.pages.outliers.ranking import Scored, short
from explorer.pages.shared import faults
from explorer.pages.shared.file_button import file_button
from explorer.pages.shared.text import with_code
from explorer.pages.shared.uploader import uploader
from explorer.scene.engine import engine
from explorer.scene.loaded import Loaded
from explorer.sharing import exports
from explorer.workspace.upload_lists import ARCHIVE_MIB_AT_MOST, PICTURES_AT_MOST, gather
from explorer.workspace.uploads import MIB_AT_MOST

__all__ = ["Uploads", "current", "held_out", "panel", "scores_of", "table"]

S = st.session_state
Floats = NDArray[np.float64]
PROBLEMS_AT_MOST = 8  # problems shown at once


@dataclass(frozen=True, eq=False)
class Uploads:
    """The M uploaded pictures, encoded by one model."""

    titles: Sequence[str]
    pictures: NDArray[np.uint8]  # (M, H, W, C)
    problems: Sequence[str]
    latents: NDArray[np.float32]  # (M, D), posterior means
    std: NDArray[np.float32] | None  # (M, D)
    reconstructions: NDArray[np.uint8]  # (M, H, W, C)


def current(loaded: Loaded) -> Uploads | None:
    """The pictures uploaded now; None if there are none, or for a sequence model."""
    files = [*(S.get("ol_files") or []), *(S.get("ol_folder") or [])]
    spec = loaded.decoder.model.spec
    if not files or spec.sequence or not spec.encodes:
        S.ol_uploads = None
        return None
    key = (loaded.name, loaded.version, *(file.file_id for file in files))
    if S.get("ol_uploads") is None or S.ol_uploads[0] != key:
        titles, pictures, problems = gather(((f.name, f.getvalue()) for f in files), loaded.shape)
        posterior = loaded.encoder(pictures)
        shown = engine().decode_sync(loaded, posterior.mean, background=True) if len(pictures) else pictures
        S.ol_uploads = (key, Uploads(titles, pictures, problems, posterior.mean, posterior.std, shown))
    return cast("Uploads", S.ol_uploads[1])


def scores_of(loaded: Loaded, score: Score, uploads: Uploads | None) -> Floats:
    """The scores of the uploaded pictures, shape (M,), finite; empty if not computed."""
    return bounded(_scores(loaded, score, uploads), score.tail)


def _scores(loaded: Loaded, score: Score, uploads: Uploads | None) -> Floats:
    if uploads is None or not len(uploads.pictures):
        return np.empty(0)
    if score.key == "kl":
        if uploads.std is None:
            return np.empty(0)
        return np.asarray(kl_to_prior(uploads.latents, uploads.std).sum(1), np.float64)
    if score.key == "neighbour_distance":
        return np.asarray(loaded.euclidean.query(uploads.latents).distance, np.float64)
    if score.key == "error":
        gaps = (uploads.pictures.astype(np.float64) - uploads.reconstructions) / 255
        return np.asarray((gaps**2).mean((1, 2, 3)), np.float64)
    path = scores_path(loaded.entry, score.key, digest_of_pictures(uploads.pictures))
    try:
        rows, values = read_scores(path, len(uploads.pictures))
    except ValueError:
        return np.empty(0)
    return values[np.argsort(rows)] if len(rows) == len(uploads.pictures) else np.empty(0)


def held_out(loaded: Loaded) -> NDArray[np.bool_]:
    """Which images of the collection the model was not fitted on, shape (N,); all if too few of them are known."""
    test = np.asarray(loaded.atlas.split) == "test"
    return test if test.sum() >= HELD_OUT_FROM else np.ones(len(test), bool)


def panel(loaded: Loaded, score: Score, scored: Scored | None, collection: Floats) -> None:
    """Uploads, their scores, and their percentiles among the collection's.

    Arguments:
        loaded: The model.
        score: The score.
        scored: The collection's scores and threshold; None if none is computed.
        collection: The same scores, NaN where there is none, shape (N,).
    """
    spec = loaded.decoder.model.spec
    if spec.sequence or not spec.encodes:
        return
    with st.container(border=True):
        st.markdown("##### Your pictures against the collection")
        _upload_fields(loaded)
        uploads = current(loaded)
        if uploads is None:
            return
        if uploads.problems:
            more = len(uploads.problems) - PROBLEMS_AT_MOST
            lines = [with_code(problem) for problem in uploads.problems[:PROBLEMS_AT_MOST]]
            lines += [f"… and {more} more"] if more > 0 else []
            st.warning("  \n".join(lines), icon=":material/broken_image:")
        if not len(uploads.pictures):
            return
        values = scores_of(loaded, score, uploads)
        if not len(values):
            _score_button(loaded, score, uploads)
        _downloads(loaded, uploads, score, collection, scored)
        order = np.arange(len(uploads.pictures))
        if len(values):
            order = np.argsort(-outlyingness(values, score.tail), kind="stable")
        page = gallery.pager(int(S.get("ol_upload_page", 1)), len(order), _set_page, key="ol_my")
        shown = order[(page - 1) * gallery.PER_PAGE :][: gallery.PER_PAGE]
        known = collection[np.isfinite(collection) & held_out(loaded)]
        captions = [
            _caption(uploads.titles[n], values[n] if len(values) else None, score, known, scored)
            for n in shown
        ]
        inputs = [uploads.pictures[number] for number in shown]
        gallery.draw_cards(gallery.Cards(inputs, uploads.reconstructions[shown], captions), "ol-mine")


def table(
    loaded: Loaded, uploads: Uploads, score: Score, collection: Floats, scored: Scored | None
) -> dict[str, list[Any]]:
    """A table of the uploaded pictures: every computed score, and the percentile of the score shown.

    Arguments:
        loaded: The model.
        uploads: M pictures.
        score: The score shown.
        collection: The collection's scores, NaN where there is none, shape (N,).
        scored: The collection's scores and threshold; None if none is computed.
    """
    columns: dict[str, list[Any]] = {"picture": list(uploads.titles)}
    for each in usable(loaded.decoder.model.spec):
        values = scores_of(loaded, each, uploads)
        if len(values):
            columns[each.key] = values.tolist()
    known = collection[np.isfinite(collection) & held_out(loaded)]
    if score.key in columns and len(known):
        oriented = outlyingness(columns[score.key], score.tail)
        columns[f"{score.key}_percentile"] = percentiles(oriented, outlyingness(known, score.tail)).tolist()
        if scored is not None:
            columns["odd"] = (oriented >= outlyingness([scored.cut], score.tail)[0]).tolist()
    return columns


def _downloads(
    loaded: Loaded, uploads: Uploads, score: Score, collection: Floats, scored: Scored | None
) -> None:
    """Downloads of the scores of the uploaded pictures."""
    make_table = partial(table, loaded, uploads, score, collection, scored)
    name = f"{loaded.name}-your-scores"
    with st.container(horizontal=True, gap="small"):
        for title, file, content in (
            ("CSV", f"{name}.csv", lambda: exports.table_csv(make_table())),
            ("Parquet", f"{name}.parquet", lambda: exports.table_parquet(make_table())),
        ):
            file_button(st, f"Scores, {title}", file, content, f"ol_mine_{title}", icon=":material/download:")


def _upload_fields(loaded: Loaded) -> None:
    size = f"{loaded.shape[2]}×{loaded.shape[1]} {'pixels' if loaded.shape[0] == 3 else 'grey pixels'}"
    st.caption(
        f"Each is cut around its middle to {size}, as the collection's images are, and scored as they are. "
        f"Up to {PICTURES_AT_MOST} pictures of {MIB_AT_MOST} MB each; a zip of them will do. They stay on this machine."
    )
    one, other = st.columns(2)
    # File types are not restricted here, so that a wrong file gets our message, which gives the reason.
    with one:
        uploader("Pictures or a zip", ARCHIVE_MIB_AT_MOST, accept_multiple_files=True, key="ol_files")
    with other:
        uploader("A folder", MIB_AT_MOST, accept_multiple_files="directory", key="ol_folder")


def _score_button(loaded: Loaded, score: Score, uploads: Uploads) -> None:
    """A button that computes a costly score of the uploaded pictures, and its progress."""
    if score.costly:
        count = len(uploads.pictures)
        label = f"Score {count} picture{'s' if count > 1 else ''} by {score.title}"
        if st.button(
            label,
            icon=":material/calculate:",
            key="ol_score_mine",
            type="primary",
            disabled=S.get("ol_job") is not None,
        ):
            with faults.reported():
                panels.start("uploads", loaded, score.key, pictures=uploads.pictures)
                st.rerun()
        panels.run_job("uploads", loaded)


def _caption(title: str, value: float | None, score: Score, known: Floats, scored: Scored | None) -> str:
    """The caption of an uploaded picture, as HTML."""
    lines = [f"<b>{escape(title)}</b>"]
    if value is not None:
        size = "more than " if abs(value) >= LARGEST else ""
        lines.append(f"{size}{short(float(value))} {score.unit}")
        if len(known):
            low, high = extent(known, [value])
            if not low <= value <= high:
                lines.append("<b>far beyond the collection</b>")
            lines.append(
                _percentile(float(outlyingness([value], score.tail)[0]), outlyingness(known, score.tail))
            )
        if scored is not None:
            beyond = outlyingness([value], score.tail)[0] >= outlyingness([scored.cut], score.tail)[0]
            lines.append("<b>outlier</b>" if beyond else "inlier")
    return "<br>".join(lines)


def _percentile(value: float, known: Floats) -> str:
    """A picture's percentile among held-out images, with its interval; both in outlyingness."""
    if reason := unsupported("percentile", len(known)):
        return reason
    share = percentile_interval(value, known)
    return (
        f"more of an outlier than {100 * share.value:.3g} % ({100 * share.low:.3g}–{100 * share.high:.3g}) of "
        f"{len(known):,} held-out images"
    )


def _set_page(page: int) -> None:
    S.ol_upload_page = page
