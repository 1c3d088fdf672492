"""Pictures of a person's own, scored against the collection: each one's percentile among its images, and where it lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from html import escape
from typing import Any

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
    oddness,
    percentile_interval,
    percentiles,
)
from explorer.latent.statistics.registry import unsupported
from explorer.pages.outliers import gallery, panels
from explorer.pages.outliers.ranking import Scored, short
from explorer.pages.shared import faults
from explorer.pages.shared.file_button import file_button
from explorer.pages.shared.text import plain
from explorer.pages.shared.uploader import uploader
from explorer.scene.engine import engine
from explorer.scene.loaded import Loaded
from explorer.sharing import exports
from explorer.workspace.upload_lists import ARCHIVE_MIB_AT_MOST, PICTURES_AT_MOST, gather
from explorer.workspace.uploads import MIB_AT_MOST

__all__ = ["Uploads", "current", "held_out", "panel", "scores_of", "table"]

S = st.session_state
Floats = NDArray[np.float64]
TOLD_AT_MOST = 8  # files that could not be taken


@dataclass(frozen=True, eq=False)
class Uploads:
    """The uploaded pictures, M of them, as one model sees them."""

    titles: Sequence[str]
    pictures: NDArray[np.uint8]  # (M, H, W, C)
    problems: Sequence[str]
    latents: NDArray[np.float32]  # (M, D), posterior means
    std: NDArray[np.float32] | None  # (M, D)
    reconstructions: NDArray[np.uint8]  # (M, H, W, C)


def current(loaded: Loaded) -> Uploads | None:
    """What is uploaded now; None where nothing is, or nothing that can be shown."""
    files = [*(S.get("ol_files") or []), *(S.get("ol_folder") or [])]
    if not files or loaded.decoder.model.spec.sequence:
        S.ol_uploads = None
        return None
    key = (loaded.name, loaded.version, *(file.file_id for file in files))
    if S.get("ol_uploads") is None or S.ol_uploads[0] != key:
        titles, pictures, problems = gather(((f.name, f.getvalue()) for f in files), loaded.shape)
        latents = loaded.encoder(pictures)
        shown = engine().decode_sync(loaded, latents.mean, background=True) if len(pictures) else pictures
        S.ol_uploads = (key, Uploads(titles, pictures, problems, latents.mean, latents.std, shown))
    found: Uploads = S.ol_uploads[1]
    return found


def scores_of(loaded: Loaded, score: Score, uploads: Uploads | None) -> Floats:
    """The uploaded pictures' scores, shape (M,), finite; empty where they are not known."""
    return bounded(_scores(loaded, score, uploads), score.odd)


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
    """Which images of the collection the model was not fitted on, shape (N,); all where too few of them are known."""
    test = np.asarray(loaded.atlas.split) == "test"
    return test if test.sum() >= HELD_OUT_FROM else np.ones(len(test), bool)


def panel(loaded: Loaded, score: Score, found: Scored | None, collection: Floats) -> None:
    """Takes pictures, scores them, and gives each one's percentile among the collection's.

    Arguments:
        loaded: The model.
        score: Which one.
        found: The collection's scores and threshold; None where none is known.
        collection: The same scores, NaN where there is none, shape (N,).
    """
    if loaded.decoder.model.spec.sequence:
        return
    with st.container(border=True):
        st.markdown("##### Your pictures against the collection")
        _bring(loaded)
        uploads = current(loaded)
        if uploads is None:
            return
        if uploads.problems:
            more = len(uploads.problems) - TOLD_AT_MOST
            told = [plain(problem) for problem in uploads.problems[:TOLD_AT_MOST]]
            told += [f"… and {more} more"] if more > 0 else []
            st.warning("  \n".join(told), icon=":material/broken_image:")
        if not len(uploads.pictures):
            return
        values = scores_of(loaded, score, uploads)
        if not len(values):
            _ask(loaded, score, uploads)
        _take_scores(loaded, uploads, score, collection, found)
        order = np.arange(len(uploads.pictures))
        if len(values):
            order = np.argsort(-oddness(values, score.odd), kind="stable")
        page = gallery.pager(int(S.get("ol_upload_page", 1)), len(order), _turn, key="ol_my")
        shown = order[(page - 1) * gallery.PER_PAGE :][: gallery.PER_PAGE]
        known = collection[np.isfinite(collection) & held_out(loaded)]
        said = [
            _said(uploads.titles[n], values[n] if len(values) else None, score, known, found) for n in shown
        ]
        inputs = [uploads.pictures[number] for number in shown]
        gallery.cards(gallery.Shelf(inputs, uploads.reconstructions[shown], said), "ol-mine")


def table(
    loaded: Loaded, uploads: Uploads, score: Score, collection: Floats, found: Scored | None
) -> dict[str, list[Any]]:
    """Every known score of the uploaded pictures as columns; of the one that is shown also where it stands.

    Arguments:
        loaded: The model.
        uploads: M pictures.
        score: Which one is shown.
        collection: The collection's, NaN where there is none, shape (N,).
        found: The collection's scores and threshold; None where none is known.
    """
    columns: dict[str, list[Any]] = {"picture": list(uploads.titles)}
    for each in usable(loaded.decoder.model.spec):
        values = scores_of(loaded, each, uploads)
        if len(values):
            columns[each.key] = values.tolist()
    known = collection[np.isfinite(collection) & held_out(loaded)]
    if score.key in columns and len(known):
        turned = oddness(columns[score.key], score.odd)
        columns[f"{score.key}_percentile"] = percentiles(turned, oddness(known, score.odd)).tolist()
        if found is not None:
            columns["odd"] = (turned >= oddness([found.cut], score.odd)[0]).tolist()
    return columns


def _take_scores(
    loaded: Loaded, uploads: Uploads, score: Score, collection: Floats, found: Scored | None
) -> None:
    """Buttons that download the scores of the uploaded pictures."""
    made = partial(table, loaded, uploads, score, collection, found)
    name = f"{loaded.name}-your-scores"
    with st.container(horizontal=True, gap="small"):
        for title, file, content in (
            ("CSV", f"{name}.csv", lambda: exports.table_csv(made())),
            ("Parquet", f"{name}.parquet", lambda: exports.table_parquet(made())),
        ):
            file_button(st, f"Scores, {title}", file, content, f"ol_mine_{title}", icon=":material/download:")


def _bring(loaded: Loaded) -> None:
    size = f"{loaded.shape[2]}×{loaded.shape[1]} {'pixels' if loaded.shape[0] == 3 else 'grey pixels'}"
    st.caption(
        f"Each is cut around its middle to {size}, as the collection's images are, and scored as they are. "
        f"Up to {PICTURES_AT_MOST} pictures of {MIB_AT_MOST} MB each; a zip of them will do. They stay on this machine."
    )
    one, other = st.columns(2)
    # The types are not listed: a wrong file is to get our message, which says what is wrong with it.
    with one:
        uploader("Pictures or a zip", ARCHIVE_MIB_AT_MOST, accept_multiple_files=True, key="ol_files")
    with other:
        uploader("A folder", MIB_AT_MOST, accept_multiple_files="directory", key="ol_folder")


def _ask(loaded: Loaded, score: Score, uploads: Uploads) -> None:
    """A button that has a costly score computed of the uploaded pictures."""
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


def _said(title: str, value: float | None, score: Score, known: Floats, found: Scored | None) -> str:
    """What stands under an uploaded picture, as HTML."""
    lines = [f"<b>{escape(title)}</b>"]
    if value is not None:
        size = "more than " if abs(value) >= LARGEST else ""
        lines.append(f"{size}{short(float(value))} {score.unit}")
        if len(known):
            low, high = extent(known, [value])
            if not low <= value <= high:
                lines.append("<b>far beyond the collection</b>")
            lines.append(_percentile(float(oddness([value], score.odd)[0]), oddness(known, score.odd)))
        if found is not None:
            beyond = oddness([value], score.odd)[0] >= oddness([found.cut], score.odd)[0]
            lines.append("<b>outlier</b>" if beyond else "usual")
    return "<br>".join(lines)


def _percentile(odd: float, known: Floats) -> str:
    """Where a picture stands among held-out images, with its interval."""
    if reason := unsupported("percentile", len(known)):
        return reason
    found = percentile_interval(odd, known)
    return (
        f"odder than {100 * found.value:.3g} % ({100 * found.low:.3g}–{100 * found.high:.3g}) of {len(known):,} held-out "
        "images"
    )


def _turn(page: int) -> None:
    S.ol_upload_page = page
