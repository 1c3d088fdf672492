"""The estimators on the Directions page, a row each: metrics, warnings, and pictures from strength -2 to +2."""

from __future__ import annotations

import base64
from html import escape

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from explorer.jobs.direction_study import Estimate, Study, methods_of
from explorer.latent.directions.estimators import METHODS, cosine, fit, held_direction, hold_fixed
from explorer.latent.statistics.registry import STATISTICS
from explorer.pages.shared import faults
from explorer.pages.shared.text import with_code
from explorer.scene.direction_sources import ResolvedSource
from explorer.scene.engine import engine
from explorer.scene.loaded import Loaded
from explorer.sharing import exports

__all__ = ["STEPS", "estimates_of", "held", "picture_address", "progress", "rows", "strip", "vectors_of"]

S = st.session_state
Vector = NDArray[np.float32]
STEPS = (-2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0)  # strengths, one picture each
KEPT = 6  # cached studies per session
SOON = 0.7  # s between two updates of a running study
STYLE = """<style>
.lx-dr { display: flex; flex-direction: column; gap: 0.55rem; }
.lx-dr-row { display: grid; grid-template-columns: minmax(15rem, 22rem) minmax(0, 1fr); gap: 0.4rem 1.1rem;
  align-items: center; padding: 0.5rem 0.7rem; border-radius: 0.5rem; border: 1px solid transparent; }
.lx-dr-chosen { border-color: var(--st-primary-color, #5c7cfa); }
.lx-dr-strip { display: grid; grid-template-columns: repeat(9, minmax(0, 1fr)); gap: 3px; margin: 0; }
.lx-dr-strip img { width: 100%; max-width: 96px; display: block; image-rendering: pixelated; border-radius: 3px; }
.lx-dr-strip .lx-dr-middle { outline: 2px solid var(--st-primary-color, #5c7cfa); outline-offset: -1px; }
.lx-dr-steps { font-size: 0.75rem; opacity: 0.7; text-align: center; max-width: 96px; }
.lx-dr-facts { line-height: 1.45; }
.st-key-dr_method [role="radiogroup"] { flex-wrap: wrap; row-gap: 4px; }
.lx-dr-facts small { opacity: 0.75; display: block; }
.lx-dr-wary { font-size: 0.8rem; margin: 0.15rem 0 0; padding: 0; list-style: none; }
.lx-dr-wary li { padding-left: 1.2rem; text-indent: -1.2rem; margin: 0 0 0.1rem; }
@media (max-width: 820px) { .lx-dr-row { grid-template-columns: minmax(0, 1fr); } }
</style>"""


def estimates_of(
    loaded: Loaded, resolved: ResolvedSource, source: str, others: NDArray[np.floating] | None = None
) -> tuple[dict[str, Estimate], Study | None]:
    """The estimates so far, by estimator, and the study that computes them.

    Arguments:
        loaded: The model.
        resolved: The source of the direction.
        source: Identifies the source and the directions held fixed among those of the model.
        others: Directions held fixed for AUC and angle error, shape (K, D).
    """
    _stop_others((loaded.name, loaded.version, source))
    if resolved.sides is None:
        vector = resolved.vector
        return ({"mean": Estimate("mean", vector)} if vector is not None else {}), None
    study: Study | None = None
    estimates: dict[str, Estimate] = {}
    with faults.reported():
        study = _study((loaded.name, loaded.version, source), resolved, others)
        estimates = study.estimates()
    if "mean" not in estimates:
        try:
            estimates = {"mean": Estimate("mean", fit("mean", resolved.sides).astype(np.float32))}
        except ValueError as error:
            estimates = {"mean": Estimate("mean", problem=str(error))}
    return {name: estimates.get(name, Estimate(name)) for name in methods_of(resolved.sides)}, study


def _study(key: tuple[str, ...], resolved: ResolvedSource, others: NDArray[np.floating] | None) -> Study:
    kept: dict[tuple[str, ...], Study] = S.setdefault("dr_studies", {})
    if key not in kept:
        assert resolved.sides is not None
        kept[key] = Study(resolved.sides, others, resolved.scale)
        while len(kept) > KEPT:
            kept.pop(next(iter(kept))).cancel()
    return kept[key]


def _stop_others(key: tuple[str, ...]) -> None:
    """Stops studies of sources that are no longer shown; they restart when shown again."""
    kept: dict[tuple[str, ...], Study] = S.get("dr_studies", {})
    for other in [k for k, study in kept.items() if k != key and study.running]:
        kept.pop(other).cancel()


def held(
    vector: Vector, resolved: ResolvedSource, others: NDArray[np.floating], method: str = "mean"
) -> Vector:
    """A direction made orthogonal to those held fixed, in the unit of its sides.

    Arguments:
        vector: The direction, shape (D,).
        resolved: The source of the direction.
        others: Directions held fixed, shape (K, D).
        method: The estimator of the direction.

    Raises:
        ValueError: If nothing is left of the direction, or it no longer separates the sides.
    """
    if not len(others):
        return vector
    if resolved.sides is None:
        return hold_fixed(vector, others).astype(np.float32)
    return held_direction(vector, method, resolved.sides, others).astype(np.float32)


def vectors_of(
    estimates: dict[str, Estimate], resolved: ResolvedSource, others: NDArray[np.floating]
) -> tuple[dict[str, Vector], dict[str, str]]:
    """The directions after others are held fixed, and the reasons for missing ones; both by estimator."""
    vectors, problems = {}, {}
    for name, estimate in estimates.items():
        if estimate.vector is None:
            if estimate.problem:
                problems[name] = estimate.problem
            continue
        try:
            vectors[name] = held(estimate.vector, resolved, others, name)
        except ValueError as error:
            problems[name] = str(error)
    return vectors, problems


def progress(study: Study | None) -> None:
    """Progress and Cancel of a running study, or a button that restarts a stopped one; its estimates stay."""
    if study is None:
        return
    if study.running:
        st.fragment(run_every=SOON)(_watch)(study, study.step)
    elif study.error:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.caption(f"Some metrics are missing: {with_code(str(study.error))}")
            st.button("Restart", key="dr_again", icon=":material/refresh:", on_click=_restart, args=(study,))


def _watch(study: Study, seen: int) -> None:
    if not study.running or study.step != seen:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.progress(study.share, with_code(study.what))
        st.button("Cancel", key="dr_cancel", on_click=study.cancel)


def _restart(study: Study) -> None:
    S.dr_studies = {key: other for key, other in S.dr_studies.items() if other is not study}


def rows(
    loaded: Loaded,
    resolved: ResolvedSource,
    estimates: dict[str, Estimate],
    vectors: dict[str, Vector],
    problems: dict[str, str],
    z: Vector,
    chosen: str,
) -> None:
    """Draws a row per estimator: metrics, warnings and pictures.

    Arguments:
        loaded: The model.
        resolved: The source of the direction.
        estimates: By estimator.
        vectors: The directions after others are held fixed, by estimator.
        problems: Reasons for missing directions, by estimator.
        z: The latent that they are applied to, shape (D,).
        chosen: The estimator that the rest of the page uses.
    """
    parts = []
    for name, estimate in estimates.items():
        title = METHODS[name] if resolved.sides is not None else resolved.title
        facts = _facts(estimate, resolved, vectors.get(name), vectors.get("mean"))
        warnings = [*estimate.warnings, *([problems[name]] if name in problems else [])]
        items = "".join(f"<li>⚠️ {escape(text)}</li>" for text in warnings)
        pictures = strip(loaded, vectors[name], z) if name in vectors else ""
        mark = " lx-dr-chosen" if name == chosen and len(estimates) > 1 else ""
        parts.append(
            f'<div class="lx-dr-row{mark}" data-estimator="{name}"><div class="lx-dr-facts"><b>{escape(title)}</b>{facts}'
            f'<ul class="lx-dr-wary">{items}</ul></div><div>{pictures}</div></div>'
        )
    st.html(STYLE + f'<div class="lx-dr">{"".join(parts)}</div>')


def strip(loaded: Loaded, vector: Vector, z: Vector) -> str:
    """The pictures of a latent with a direction added at each strength of `STEPS`, as HTML."""
    latents = z + np.outer(STEPS, vector).astype(np.float32)
    images = _pictures(loaded, loaded.name, loaded.version, latents)
    cells = []
    for step, image in zip(STEPS, images, strict=True):
        mark = ' class="lx-dr-middle"' if step == 0 else ""
        cells.append(f'<img{mark} src="{image}" alt="The picture at {_signed(step)}">')
    cells += [f'<span class="lx-dr-steps">{_signed(step)}</span>' for step in STEPS]
    return f'<div class="lx-dr-strip">{"".join(cells)}</div>'


@st.cache_data(max_entries=400, show_spinner=False)
def _pictures(_loaded: Loaded, name: str, version: str, latents: Vector) -> list[str]:
    """Pictures of latents as data URLs."""
    return [picture_address(picture) for picture in engine().decode_sync(_loaded, latents)]


def picture_address(picture: NDArray[np.uint8]) -> str:
    """A picture (H, W, C) as a data URL."""
    return "data:image/png;base64," + base64.b64encode(exports.picture_png(picture)).decode("ascii")


def _facts(estimate: Estimate, resolved: ResolvedSource, vector: Vector | None, mean: Vector | None) -> str:
    if resolved.sides is None:
        length = float(np.linalg.norm(vector)) if vector is not None else 0.0
        return f"<small>{escape(resolved.made[0].upper() + resolved.made[1:])}</small><small>length {length:.2f}</small>"
    lines = []
    if estimate.vector is not None:
        lines = [f"{label}: {text}" for label, text in _reliability(estimate, resolved.scale is not None)]
        lines += [estimate.unknown] if estimate.unknown else []
    if vector is not None:
        to_mean = ""
        if mean is not None and estimate.method != "mean":
            to_mean = f" · cosine {cosine(vector, mean):+.2f} to the mean difference".replace("-", "−")
        lines.append(f"length {np.linalg.norm(vector):.2f}{to_mean}")
    elif not estimate.problem:
        lines.append("being estimated …")
    return "".join(f"<small>{escape(line)}</small>" for line in lines)


def _reliability(estimate: Estimate, scaled: bool) -> list[tuple[str, str]]:
    """The metrics of a direction's reliability with 95 % intervals: names and values.

    Arguments:
        estimate: The direction.
        scaled: Whether the attribute is continuous; its metric is then the rank correlation instead of the AUC.
    """
    lines = []
    metric = (
        ("rank_correlation", estimate.rank, "{:.2f}", "0")
        if scaled
        else ("auc", estimate.auc, "{:.3f}", "0.5")
    )
    between = " to " if scaled else "–"  # a rank correlation may be negative
    for key, value, form, chance in (metric, ("angle", estimate.angle, "{:.0f}°", "90°")):
        if value is not None:
            texts = [form.format(number).replace("-", "−") for number in value]
            lines.append(
                (STATISTICS[key].name, f"{texts[0]} ({texts[1]}{between}{texts[2]}, chance {chance})")
            )
        elif not estimate.unknown and not estimate.problem:
            lines.append((STATISTICS[key].name, "…"))
    return lines


def _signed(value: float) -> str:
    return f"{value:+.2g}".replace("-", "−") if value else "0"
