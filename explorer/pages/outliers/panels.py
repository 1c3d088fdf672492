"""The parts of the Outliers page: the threshold, what a score means and how good it is, computing it, taking it away."""

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
from explorer.pages.shared.text import plain
from explorer.scene.loaded import Loaded, attribute_values
from explorer.sharing import exports
from explorer.workspace.storage import Group

__all__ = [
    "cases",
    "choose_threshold",
    "compute",
    "download",
    "drag_threshold",
    "explain",
    "known",
    "result_text",
    "run_job",
    "save_group",
]

S = st.session_state
Floats = NDArray[np.float64]
Change = Callable[..., None]
GROUP_AT_MOST = 80  # characters of a name


def known(loaded: Loaded, scores: Sequence[Score]) -> tuple[dict[str, Floats], list[str]]:
    """Every score's values, NaN where it is not known, (N,) each; and a sentence for a file that does not hold."""
    found, broken = {}, []
    digest = _digest(loaded, loaded.name, loaded.version, loaded.count)
    for score in scores:
        values = np.full(loaded.count, np.nan)
        if score.costly:
            path = scores_path(loaded.entry, score.key, digest)
            try:
                rows, some = _read(path, loaded.count, _stamp(path))
                values[rows] = some
            except ValueError as error:
                broken.append(str(error))
        else:
            held = attribute_values(loaded, score.key)
            if held is not None:
                values = held.astype(np.float64)
        found[score.key] = values
    return found, broken


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


def choose_threshold(found: Scored, shown: Shown, change: Change) -> None:
    """The threshold as a share of the images, or as a value of the score: typed here, dragged under the histogram."""
    S.ol_share = float(f"{max(found.share, 0.01):.4g}") if shown.cut is not None else shown.share
    S.ol_value = float(f"{found.cut:.6g}")
    st.number_input(
        "Outliers, %",
        0.01,
        100.0,
        key="ol_share",
        step=0.5,
        format="%.4g",
        width=120,
        on_change=lambda: change(share=S.ol_share, cut=None, page=1),
        help=f"The share of the images that counts as outliers. {tooltip('false_alarms')}",
    )
    sign = "≥" if found.score.odd == "high" else "≤"
    st.number_input(
        f"Threshold {sign}",
        key="ol_value",
        step=_step(found),
        format="%.6g",
        width=150,
        on_change=lambda: change(cut=S.ol_value, page=1),
        help=f"In {found.score.unit}",
    )


def drag_threshold(found: Scored, uploads: Floats, change: Change) -> None:
    """The threshold as a slider under the histogram, along the same axis, which uploaded pictures may widen a little."""
    low, high = extent(found.values, uploads)
    if low < high:
        S.ol_drag = min(high, max(low, found.cut))
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


def _step(found: Scored) -> float:
    """A step of the typed threshold: a hundredth of the range, rounded to one digit."""
    span = float(np.ptp(found.values))
    return float(f"{span / 100:.1g}") if span > 0 else 1.0


def explain(loaded: Loaded, score: Score, able: int) -> None:
    """What the score means, how well it finds images of another kind, and where it points the wrong way."""
    end = "High values are outliers" if score.odd == "high" else "Low values are outliers"
    parts = [f"**{score.title}.** {score.what} {end}; in {score.unit}. [{score.source}]({score.link})"]
    data = loaded.entry.card.data["name"] if loaded.entry.card else ""
    parts += [f"{kind}: {text}" for kind, text in cases(loaded.name, data, score)]
    st.caption("  \n".join(parts), help=f"{tooltip('auroc')}\n\n{tooltip('fpr95')}")
    wrong = min(
        (each for each in detection_results() if each.score == score.key and each.backwards),
        key=lambda each: (each.model != loaded.name, each.auroc),
        default=None,
    )
    if score.likelihood and wrong is not None:
        st.warning(
            f"A likelihood may point the wrong way: on {plain(wrong.model)} {plain(wrong.odd)} get a higher "
            f"likelihood than {plain(wrong.seen)}, which it was trained on (AUROC {wrong.auroc:.2f}, where 0.5 is chance). "
            "Simple pictures, such as those with few bright pixels, get a high likelihood whatever they show. Likelihood "
            "regret is less affected "
            "([Nalisnick et al. 2019](https://arxiv.org/abs/1810.09136)).",
            icon=":material/swap_vert:",
        )
    if able < len(SCORES):
        left_out = len(SCORES) - able
        scores = "1 score" if left_out == 1 else f"{left_out} scores"
        with st.expander(f"{scores} not available for {loaded.name}", icon=":material/block:"):
            for key, each in SCORES.items():
                if reason := refusal(key, loaded.decoder.model.spec):
                    st.markdown(f"**{each.title}**: {reason}")


def cases(model: str, data: str, score: Score) -> list[tuple[str, str]]:
    """For far and for near outliers, how well the score found them, in a sentence each.

    Arguments:
        model: Name of the checkpoint.
        data: Its data set.
        score: Which one.
    """
    known = [each for each in detection_results() if each.score == score.key]
    found = []
    for kind, near in (("Far outliers (another data set)", False), ("Near outliers (an unseen class)", True)):
        alike = [each for each in known if each.near == near]
        own = [each for each in alike if each.model == model or (near and each.seen.split()[0] == data)]
        if own:
            found.append((kind, " ".join(result_text(each, elsewhere=each.model != model) for each in own)))
        elif alike:
            found.append((kind, f"not measured on {plain(data)}; {result_text(alike[0], elsewhere=True)}"))
        else:
            found.append((kind, "not measured."))
    return found


def result_text(result: DetectionResult, elsewhere: bool = False) -> str:
    """How well a score did, in one sentence."""
    said = " **Below 0.5: outliers score as less unusual.**" if result.backwards else ""
    vae = "a small VAE without that class" if result.near else plain(result.model)
    where = f"on {vae}, " if elsewhere else ""
    price = ""
    if result.fpr95 is not None:
        price = f"; FPR@95 {result.fpr95[0]:.2f} ({result.fpr95[1]:.2f}–{result.fpr95[2]:.2f})"
    return (
        f"{where}AUROC **{result.auroc:.3f}** ({result.low:.3f}–{result.high:.3f}){price} at telling "
        f"{plain(result.odd)} from {plain(result.seen)} ({result.images} images each; `{result.command}`).{said}"
    )


def compute(loaded: Loaded, score: Score, values: Floats) -> None:
    """Computes a costly score of some images in a process of its own, with progress and a way to stop it."""
    if not score.costly:
        return
    done = int(np.isfinite(values).sum())
    if done >= loaded.count and S.get("ol_job") is None:
        return
    if loaded.originals.state == "absent":
        st.info(
            f"{score.title} is computed from the images themselves, and those of this collection are not on this "
            f"machine. {plain(loaded.originals.reason)} Uploaded pictures can be scored all the same.",
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
            help="Drawn at random, always the same ones first. What was computed is kept and gone on with.",
        )
        label = "Compute" if not done else "Score more"
        if st.button(
            label,
            icon=":material/calculate:",
            key="ol_compute",
            type="secondary" if done else "primary",
            disabled=S.get("ol_job") is not None or count <= done,
        ):
            start("collection", loaded, score.key, count=int(count))
            st.rerun()
        told = (
            f"{done:,} of {loaded.count:,} images have this score."
            if done
            else f"No image has it yet; {cost(score)}"
        )
        st.caption(told, width="content")
    run_job("collection", loaded)


def cost(score: Score) -> str:
    """About how long a score takes, for people."""
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
        pictures: Scored instead, uint8, shape (M, H, W, C).
    """
    request = outlier_scores.Request(str(loaded.entry.path), [score], count, pictures)
    key = ("outlier scores", loaded.name, loaded.version, score)  # two at once would lose each other's scores
    S.ol_job = runner.start(outlier_scores.score, request, key=key if pictures is None else None)
    S.ol_job_of, S.ol_failed = (what, loaded.name, loaded.version), None


def run_job(what: str, loaded: Loaded) -> None:
    """The job's progress where it stands for this; then why it failed, if it did."""
    mine = (what, loaded.name, loaded.version)
    if S.get("ol_job") is not None and S.ol_job_of == mine:
        st.fragment(run_every=0.5)(_progress)()
    elif S.get("ol_failed") and S.ol_job_of == mine:
        st.caption(f"Not computed: {plain(S.ol_failed)}")


def _progress() -> None:
    job: Job | None = S.get("ol_job")
    if job is None:
        return
    if job.running:
        if job_notice(job.share, job.what, "ol_cancel", about="What was computed so far is kept"):
            job.cancel()
        return
    S.ol_job, S.ol_failed = None, job.error if job.result is None else None
    st.rerun()


def save_group(loaded: Loaded, found: Scored, tell: Callable[..., None]) -> None:
    """Saves the outliers as a group, which Explore shows."""
    with st.popover("Save as group", icon=":material/group_add:"), st.container(width=300, gap="small"):
        sign = "≥" if found.score.odd == "high" else "≤"
        title = st.text_input(
            "Name",
            f"Outliers by {found.score.title}",
            key="ol_group",
            max_chars=GROUP_AT_MOST,
            placeholder="Outliers",
        )
        st.caption(f"{int(found.odd.sum()):,} images, {found.score.title} {sign} {short(found.cut)}")
        st.button(
            "Save",
            key="ol_save",
            type="primary",
            width="stretch",
            disabled=not found.odd.any(),
            on_click=_save,
            args=(
                loaded,
                found,
                title,
                f"{found.score.title} {sign} {short(found.cut)} {found.score.unit}",
                tell,
            ),
        )


def _save(loaded: Loaded, found: Scored, title: str, note: str, tell: Callable[..., None]) -> None:
    try:
        items = tuple(int(row) for row in found.rows[found.odd])
        loaded.keep_group(
            Group(slug(title)[:GROUP_AT_MOST].strip("-") or "outliers", title.strip(), items, note)
        )
    except ValueError as error:
        tell(f"The group was not kept: {error}", problem=True)
        return
    tell(f"{len(items):,} images are kept as the group “{plain(title.strip())}”.")


def download(loaded: Loaded, found: Scored, values: dict[str, Floats]) -> None:
    """The list of outliers by descending score, as a table."""

    def table() -> dict[str, list[Any]]:
        rows = ordered(found.rows[found.odd], values[found.score.key], found.score)
        return columns(loaded, rows, values)

    with st.popover("Download", icon=":material/download:"), st.container(gap="xsmall", width=300):
        st.caption(f"The {int(found.odd.sum()):,} odd images, oddest first: names, scores and attributes.")
        name = f"{loaded.name}-{found.score.key}"
        a, b = st.columns(2, gap="xsmall")
        offer(a, "CSV", f"{name}-outliers.csv", lambda: exports.table_csv(table()))
        offer(b, "Parquet", f"{name}-outliers.parquet", lambda: exports.table_parquet(table()))
