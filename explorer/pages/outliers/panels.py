"""Panels of the Outliers page: threshold, explanation of a score, its computation, groups and downloads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from explorer.catalogue.outlier_scores import SCORES, DetectionResult, Score, detection_results, refusal
from explorer.jobs import outlier_scores, runner
from explorer.jobs.outlier_scores import COUNT, digest_of_atlas, read_scores, scores_path
from explorer.jobs.runner import Job
from explorer.latent.directions.mean_difference import slug
from explorer.latent.statistics.outliers import extent
from explorer.latent.statistics.registry import tooltip
from explorer.pages.outliers.ranking import Scored, columns, ordered, short
from explorer.pages.outliers.url import Shown
from explorer.pages.shared.downloads import offer
from explorer.pages.shared.layout import job_notice
from explorer.pages.shared.text import plain, with_code
from explorer.scene.loaded import Loaded, attribute_values
from explorer.sharing import exports
from explorer.workspace.storage import Group

__all__ = [
    "choose_threshold",
    "compute",
    "detection_texts",
    "download",
    "drag_threshold",
    "explain",
    "load_scores",
    "result_text",
    "run_job",
    "save_group",
]

S = st.session_state
Floats = NDArray[np.float64]
Change = Callable[..., None]
GROUP_AT_MOST = 80  # characters of a name


def load_scores(loaded: Loaded, scores: Sequence[Score]) -> tuple[dict[str, Floats], list[str]]:
    """The values of every score, (N,) each, NaN where not computed; and a message for each invalid file."""
    known, broken = {}, []
    digest = _digest(loaded, loaded.name, loaded.version, loaded.count)
    for score in scores:
        values = np.full(loaded.count, np.nan)
        if score.costly:
            path = scores_path(loaded.entry, score.key, digest)
            try:
                rows, computed = _read(path, loaded.count, _stamp(path))
                values[rows] = computed
            except ValueError as error:
                broken.append(str(error))
        else:
            stored = attribute_values(loaded, score.key)
            if stored is not None:
                values = stored.astype(np.float64)
        known[score.key] = values
    return known, broken


@st.cache_data(max_entries=32, show_spinner=False)
def _digest(_loaded: Loaded, name: str, version: str, count: int) -> str:
    return digest_of_atlas(_loaded.atlas)


@st.cache_data(max_entries=64, show_spinner=False)
def _read(path: Path, count: int, stamp: int) -> tuple[NDArray[np.int64], Floats]:
    return read_scores(path, count)


def _stamp(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def choose_threshold(scored: Scored, shown: Shown, change: Change) -> None:
    """Number fields of the threshold: as a share of the images, and as a value of the score."""
    S.ol_share = float(f"{max(scored.share, 0.01):.4g}") if shown.cut is not None else shown.share
    S.ol_value = float(f"{scored.cut:.6g}")
    st.number_input(
        "Outliers, %",
        0.01,
        100.0,
        key="ol_share",
        step=0.5,
        format="%.4g",
        width=120,
        on_change=lambda: change(share=S.ol_share, cut=None, page=1),
        help=f"Share of the images that count as outliers. {tooltip('false_alarms')}",
    )
    sign = "≥" if scored.score.tail == "high" else "≤"
    st.number_input(
        f"Threshold {sign}",
        key="ol_value",
        step=_step(scored),
        format="%.6g",
        width=150,
        on_change=lambda: change(cut=S.ol_value, page=1),
        help=f"In {scored.score.unit}",
    )


def drag_threshold(scored: Scored, uploads: Floats, change: Change) -> None:
    """A slider of the threshold, along the axis of the histogram."""
    low, high = extent(scored.values, uploads)
    if low < high:
        S.ol_drag = min(high, max(low, scored.cut))
        st.slider(
            "Threshold",
            low,
            high,
            key="ol_drag",
            step=(high - low) / 500,
            format="%.4g",
            label_visibility="collapsed",
            on_change=lambda: change(cut=float(f"{S.ol_drag:.6g}"), page=1),
        )


def _step(scored: Scored) -> float:
    """Step of the threshold's number field: a hundredth of the range, rounded to one digit."""
    span = float(np.ptp(scored.values))
    return float(f"{span / 100:.1g}") if span > 0 else 1.0


def explain(loaded: Loaded, score: Score, able: int) -> None:
    """Explains the score: its meaning, how well it detects outliers, and where it fails.

    Arguments:
        loaded: The model.
        score: The score shown.
        able: Number of scores that the model supports.
    """
    end = "High values are outliers" if score.tail == "high" else "Low values are outliers"
    parts = [f"**{score.title}.** {score.meaning} {end}; in {score.unit}. [{score.source}]({score.link})"]
    data = loaded.entry.card.data["name"] if loaded.entry.card else ""
    parts += [f"{kind}: {text}" for kind, text in detection_texts(loaded.name, data, score)]
    st.caption("  \n".join(parts), help=f"{tooltip('auroc')}\n\n{tooltip('fpr95')}")
    wrong = min(
        (each for each in detection_results() if each.score == score.key and each.backwards),
        key=lambda each: (each.model != loaded.name, each.auroc),
        default=None,
    )
    if score.likelihood and wrong is not None:
        st.warning(
            f"A likelihood can fail to detect outliers: on {plain(wrong.model)}, {plain(wrong.outliers)} get a higher "
            f"likelihood than {plain(wrong.inliers)}, which it was trained on (AUROC {wrong.auroc:.2f}, where 0.5 is chance). "
            "Simple pictures, e.g. with few bright pixels, get a high likelihood whatever they show. Likelihood "
            "regret is less affected "
            "([Nalisnick et al. 2019](https://arxiv.org/abs/1810.09136)).",
            icon=":material/swap_vert:",
        )
    if able < len(SCORES):
        missing = len(SCORES) - able
        scores = "1 score" if missing == 1 else f"{missing} scores"
        with st.expander(f"{scores} not available for {loaded.name}", icon=":material/block:"):
            for key, each in SCORES.items():
                if reason := refusal(key, loaded.decoder.model.spec):
                    st.markdown(f"**{each.title}**: {reason}")


def detection_texts(model: str, data: str, score: Score) -> list[tuple[str, str]]:
    """How well the score detects far and near outliers, in a sentence each.

    Arguments:
        model: Name of the checkpoint.
        data: Its data set.
        score: The score.
    """
    known = [each for each in detection_results() if each.score == score.key]
    texts = []
    for kind, near in (("Far outliers (another data set)", False), ("Near outliers (an unseen class)", True)):
        same_kind = [each for each in known if each.near == near]
        own = [
            each for each in same_kind if each.model == model or (near and each.inliers.split()[0] == data)
        ]
        if own:
            texts.append((kind, " ".join(result_text(each, elsewhere=each.model != model) for each in own)))
        elif same_kind:
            texts.append(
                (kind, f"not measured on {plain(data)}; {result_text(same_kind[0], elsewhere=True)}")
            )
        else:
            texts.append((kind, "not measured."))
    return texts


def result_text(result: DetectionResult, elsewhere: bool = False) -> str:
    """A detection result in one sentence; `elsewhere` adds the model that it was measured on."""
    warning = " **Below 0.5: outliers score as more typical than inliers.**" if result.backwards else ""
    vae = "a small VAE without that class" if result.near else plain(result.model)
    where = f"on {vae}, " if elsewhere else ""
    fpr95 = ""
    if result.fpr95 is not None:
        fpr95 = f"; FPR@95 {result.fpr95[0]:.2f} ({result.fpr95[1]:.2f}–{result.fpr95[2]:.2f})"
    return (
        f"{where}AUROC **{result.auroc:.3f}** ({result.low:.3f}–{result.high:.3f}){fpr95} at telling "
        f"{plain(result.outliers)} from {plain(result.inliers)} ({result.images} images each; `{result.command}`).{warning}"
    )


def compute(loaded: Loaded, score: Score, values: Floats) -> None:
    """Controls that start the job of a costly score, and its progress."""
    if not score.costly:
        return
    done = int(np.isfinite(values).sum())
    if done >= loaded.count and S.get("ol_job") is None:
        return
    if loaded.originals.state == "absent":
        st.info(
            f"{score.title} is computed from the images themselves, and those of this collection are not on this "
            f"machine. {with_code(loaded.originals.reason)} Uploaded pictures can still be scored.",
            icon=":material/folder_off:",
        )
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        most = loaded.count
        count = st.number_input(
            "Images",
            1,
            most,
            min(most, max(COUNT, 2 * done)),
            key=f"ol_count_{loaded.name}_{score.key}_{done}",
            width=130,
            help="A random sample, the same every time. A larger number adds to the scores already computed.",
        )
        label = "Compute" if not done else "Compute more"
        if st.button(
            label,
            icon=":material/calculate:",
            key="ol_compute",
            type="secondary" if done else "primary",
            disabled=S.get("ol_job") is not None or count <= done,
        ):
            start("collection", loaded, score.key, count=int(count))
            st.rerun()
        status = (
            f"{done:,} of {loaded.count:,} images have this score."
            if done
            else f"Not computed yet; {cost(score)}"
        )
        st.caption(status, width="content")
    run_job("collection", loaded)


def cost(score: Score) -> str:
    """Approximate duration of a score, for display."""
    seconds = {
        "regret": "about a minute",
        "density": "about half a minute",
        "importance": "about ten seconds",
    }
    return f"{COUNT} take {seconds.get(score.key, 'a few seconds')} on one core."


def start(
    what: str, loaded: Loaded, score: str, *, count: int = COUNT, pictures: NDArray[np.uint8] | None = None
) -> None:
    """Starts a job that scores images.

    Arguments:
        what: The part of the page that shows its progress.
        loaded: The model.
        score: Key of the score.
        count: Images of the atlas.
        pictures: Pictures to score instead, uint8, shape (M, H, W, C).
    """
    request = outlier_scores.Request(str(loaded.entry.path), [score], count, pictures)
    key = ("outlier scores", loaded.name, loaded.version, score)  # one job per file of scores
    S.ol_job = runner.start(outlier_scores.score, request, key=key if pictures is None else None)
    S.ol_job_of, S.ol_failed = (what, loaded.name, loaded.version), None


def run_job(what: str, loaded: Loaded) -> None:
    """The progress of the job of this part of the page, or why it failed."""
    mine = (what, loaded.name, loaded.version)
    if S.get("ol_job") is not None and S.ol_job_of == mine:
        st.fragment(run_every=0.5)(_progress)()
    elif S.get("ol_failed") and S.ol_job_of == mine:
        st.caption(f"Not computed: {with_code(S.ol_failed)}")


def _progress() -> None:
    job: Job | None = S.get("ol_job")
    if job is None:
        return
    if job.running:
        if job_notice(job.share, job.what, "ol_cancel", about="Scores computed so far are stored"):
            job.cancel()
        return
    S.ol_job, S.ol_failed = None, job.error if job.result is None else None
    st.rerun()


def save_group(loaded: Loaded, scored: Scored, report: Callable[..., None]) -> None:
    """Saves the outliers as a group, which Explore shows."""
    with st.popover("Save as group", icon=":material/group_add:"), st.container(width=300, gap="small"):
        sign = "≥" if scored.score.tail == "high" else "≤"
        title = st.text_input(
            "Name",
            f"Outliers by {scored.score.title}",
            key="ol_group",
            max_chars=GROUP_AT_MOST,
            placeholder="Outliers",
        )
        st.caption(f"{int(scored.outliers.sum()):,} images, {scored.score.title} {sign} {short(scored.cut)}")
        st.button(
            "Save",
            key="ol_save",
            type="primary",
            width="stretch",
            disabled=not scored.outliers.any(),
            on_click=_save,
            args=(
                loaded,
                scored,
                title,
                f"{scored.score.title} {sign} {short(scored.cut)} {scored.score.unit}",
                report,
            ),
        )


def _save(loaded: Loaded, scored: Scored, title: str, note: str, report: Callable[..., None]) -> None:
    try:
        items = tuple(int(row) for row in scored.rows[scored.outliers])
        loaded.keep_group(
            Group(slug(title)[:GROUP_AT_MOST].strip("-") or "outliers", title.strip(), items, note)
        )
    except ValueError as error:
        report(f"The group was not saved: {error}", problem=True)
        return
    report(f"{len(items):,} images are saved as the group “{plain(title.strip())}”.")


def download(loaded: Loaded, scored: Scored, values: dict[str, Floats]) -> None:
    """Downloads of the outliers by descending score, as a table."""

    def table() -> dict[str, list[Any]]:
        rows = ordered(scored.rows[scored.outliers], values[scored.score.key], scored.score)
        return columns(loaded, rows, values)

    with st.popover("Download", icon=":material/download:"), st.container(gap="xsmall", width=300):
        st.caption(
            f"The {int(scored.outliers.sum()):,} outliers by descending score: names, scores and attributes."
        )
        name = f"{loaded.name}-{scored.score.key}"
        a, b = st.columns(2, gap="xsmall")
        offer(a, "CSV", f"{name}-outliers.csv", lambda: exports.table_csv(table()))
        offer(b, "Parquet", f"{name}-outliers.parquet", lambda: exports.table_parquet(table()))
