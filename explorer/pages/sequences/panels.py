"""The panels of the Time page below the live sequence, and its downloads."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from explorer.pages.anatomy.charts import short
from explorer.pages.sequences import charts
from explorer.pages.sequences.url import Shown
from explorer.pages.shared.downloads import offer
from explorer.pages.shared.layout import side_by_side
from explorer.pages.shared.plotly_chart import draw_downloadable_chart
from explorer.scene.engine import engine
from explorer.scene.forecasts import DRAWS, Uncertainty, direction_known, follow, futures, uncertainty
from explorer.scene.forecasts import errors as errors_of
from explorer.scene.loaded import Loaded
from explorer.scene.sequences import SequenceCollection
from explorer.sharing import exports
from models.protocols import as_sequence_model

__all__ = ["against_truth", "certainty", "download", "future_frames"]

S = st.session_state
SCALE = 4  # pixels for each pixel of an animation
GAP = 2  # pixels between its pictures, before scaling
GROUND = 110  # grey level where there is no true frame
LEAD = 5  # seen frames at the start of an animation
SECONDS = 0.15  # for each frame
GREGOR = "[Gregor et al. 2019](https://arxiv.org/abs/1806.03107)"
METRICS = {
    "squared": ("Squared error", "squared error a pixel, [0, 1]"),
    "nll": ("−log p(x|z)", "−log p(x|z), nats a frame"),
    "position": ("Position", "distance from the true position, pixels"),
    "right": ("Direction", "samples on the true side, %"),
}
EXPLANATIONS = {
    "squared": "Between the decoded picture and the true frame.",
    "nll": "Negative log-likelihood of the true frame given the sampled state z.",
    "right": "Whether the digit is on the true side of its last seen position. Not counted beyond half the "
    "width, where it could have come from either side.",
}


def certainty(loaded: Loaded, sequences: SequenceCollection, shown: Shown) -> None:
    """The belief over the frames: the inferred direction, if there is one, and the spread of the state."""
    unsure, share, top = _certainty(
        loaded, sequences, loaded.name, loaded.version, shown.sequence, shown.seed
    )
    with st.container(border=True):
        st.markdown("##### Belief over the frames seen")
        left, right = [st.container()] * 2 if share is None else side_by_side([1, 1], "time-certainty")
        if share is not None:
            with left:
                draw_downloadable_chart(
                    charts.direction(share, shown.seen), "time-direction", f"{loaded.name}-direction"
                )
                st.caption(
                    f"{DRAWS} states are drawn from each belief and jumped ahead. The first frame shows the "
                    "digit's position but not its direction; the second shows both."
                )
        with right:
            draw_downloadable_chart(
                charts.state_spread(unsure.std, top, shown.seen), "time-spread", f"{loaded.name}-spread"
            )
            st.caption(
                f"Standard deviation of each component of the state, over {DRAWS} draws of the layer above; "
                "the line marks the last frame seen. The scale of each component is arbitrary, so σ is "
                f"comparable within a row only. {GREGOR}"
            )
        with st.expander("Differential entropy of the state"):
            _entropy(loaded.name, unsure, share, shown.seen)


def _entropy(name: str, unsure: Uncertainty, share: NDArray[np.float64] | None, seen: int) -> None:
    """The entropy of the belief, and why it is no measure of its knowledge."""
    st.latex(
        r"p_B(z|b_t) = p_B(z^2|b_t)\; p_B(z^1|z^2, b_t), \qquad "
        r"H = \mathbb{E}[-\log p_B] = \textstyle\sum_d \tfrac12\log 2\pi e + \mathbb{E}[\log \sigma_d]"
    )
    draw_downloadable_chart(
        charts.entropies(unsure.top, unsure.bottom, seen), "time-entropy", f"{name}-entropy"
    )
    whole = unsure.top + unsure.bottom
    st.caption(
        "A differential entropy can be negative, depends on the scale of each component of the state, and "
        "includes components that no picture depends on. It may therefore rise while the belief becomes more "
        f"informed.{_change(whole, share)} The belief is better judged by its draws: how much their pictures "
        "differ (below the frames above), and whether they move in the true direction."
    )


def _change(entropy: NDArray[np.float64], share: NDArray[np.float64] | None) -> str:
    """The change of the entropy, and of the share of jumps in the true direction, as a sentence."""
    first, last = (short(float(value)) for value in (entropy[0], entropy[-1]))
    text = f" Here it goes from {first} to {last} nats"
    if share is not None:
        shares = f"{100 * share[0]:.0f} to {100 * share[-1]:.0f} %"
        text += f", and the share of jumps in the true direction from {shares}"
    return f"{text}."


def against_truth(loaded: Loaded, sequences: SequenceCollection, shown: Shown) -> None:
    """Errors of sampled futures over the horizon."""
    with st.container(border=True):
        st.markdown("##### Sampled futures compared with the true one")
        if sequences.data.length - shown.seen < shown.by:
            st.info(
                f"The sequence has {sequences.data.length} frames; less than one jump remains to compare with. "
                "Move the playhead back.",
                icon=":material/visibility:",
            )
            return
        measured = _errors(
            loaded,
            sequences,
            loaded.name,
            loaded.version,
            shown.sequence,
            shown.seen,
            shown.steps,
            shown.by,
            shown.seed,
        )
        available = [name for name in METRICS if getattr(measured, name) is not None]
        metric = st.segmented_control(
            "Metric",
            available,
            key="time_figure",
            default="squared",
            required=True,
            format_func=lambda name: METRICS[name][0],
            label_visibility="collapsed",
        )
        metric = metric if metric in available else "squared"
        values, unit = getattr(measured, metric), METRICS[metric][1]
        if metric == "right":
            _sides(loaded.name, measured.frames, values)
        else:
            still = measured.still if metric == "squared" else None
            chart = charts.errors(measured.frames, values, unit, shown.samples, still)
            draw_downloadable_chart(chart, f"time-errors-{metric}", f"{loaded.name}-errors-{metric}")
        missing = shown.steps - len(measured.frames)
        beyond = f" {missing} of {shown.steps} steps are beyond the end of the sequence." if missing else ""
        explanation = (
            sequences.mover.explanation if metric == "position" and sequences.mover else EXPLANATIONS[metric]
        )
        st.caption(f"{explanation} {DRAWS} futures in jumps of {shown.by}.{beyond}")


def _sides(name: str, frames: NDArray[np.int64], right: NDArray[np.float64]) -> None:
    """The share of samples on the true side, at each frame for which it is defined."""
    known = ~np.isnan(right[0])
    if not known.any():
        st.info(
            "The direction is undefined at all of these frames (half the width or more away). Use shorter "
            "jumps."
        )
        return
    share = 100 * right[:, known].mean(0, keepdims=True)
    chart = charts.errors(frames[known], share, METRICS["right"][1], 0)
    chart.update_layout(showlegend=False).update_yaxes(range=[-4, 104])
    draw_downloadable_chart(chart, "time-errors-right", f"{name}-errors-right")


def download(loaded: Loaded, sequences: SequenceCollection, shown: Shown) -> None:
    """A popover with the futures as an animation and as a strip."""
    name = f"{loaded.name}-sequence-{shown.sequence}"

    def animation(kind: str) -> bytes:
        pictures = future_frames(loaded, sequences, shown)
        return exports.animation(pictures, kind, scale=SCALE, seconds=SECONDS, back=False)

    with st.popover("Download", icon=":material/download:"), st.container(gap="xsmall", width=330):
        st.caption("The true future, then each sample, starting with the last frames seen.")
        a, b = st.columns(2, gap="xsmall")
        offer(a, "Futures, WebP", f"{name}-futures.webp", lambda: animation("WEBP"))
        offer(b, "Futures, GIF", f"{name}-futures.gif", lambda: animation("GIF"))
        offer(
            st,
            "Strip of all steps, PNG",
            f"{name}-strip.png",
            lambda: exports.picture_png(
                np.concatenate(list(future_frames(loaded, sequences, shown, upright=True)), axis=1), SCALE
            ),
        )


def future_frames(
    loaded: Loaded, sequences: SequenceCollection, shown: Shown, *, upright: bool = False
) -> NDArray[np.uint8]:
    """The true future and each sample side by side, frame by frame.

    Arguments:
        loaded: A model of sequences.
        sequences: Its sequences.
        shown: Settings of the page.
        upright: One below the other instead.

    Returns:
        uint8, (frames, H, W, C): the last frames seen, then each step. Grey where there is no true frame.
    """
    followed = follow(loaded, sequences, shown.sequence)
    z = futures(loaded, followed, shown.seen, shown.steps, shown.by, shown.seed)[: shown.samples]
    pictures = engine().decode_sync(loaded, z.reshape(-1, z.shape[-1]), background=True)
    imagined = pictures.reshape(*z.shape[:2], *pictures.shape[1:])
    lead = np.arange(shown.seen - shown.by * (LEAD - 1), shown.seen + 1, shown.by)
    seen = followed.frames[lead[lead >= 1] - 1]
    numbers = shown.seen + shown.by * np.arange(1, shown.steps + 1)
    truth = np.full_like(imagined[0], GROUND)
    known = numbers <= followed.length
    truth[known] = followed.frames[numbers[known] - 1]
    rows = [np.concatenate([seen, future]) for future in (truth, *imagined)]
    return _joined(rows, 1 if upright else 2)


def _joined(rows: list[NDArray[np.uint8]], axis: int) -> NDArray[np.uint8]:
    """Joins animations (N, H, W, C) side by side (axis 2) or one below the other (axis 1), with gaps."""
    space = [(0, 0), (GAP, GAP), (GAP, GAP), (0, 0)]
    return np.concatenate([np.pad(row, space, constant_values=GROUND) for row in rows], axis=axis)


@st.cache_data(max_entries=64, show_spinner=False)
def _certainty(
    _loaded: Loaded, _sequences: SequenceCollection, name: str, version: str, sequence: int, seed: int
) -> tuple[Uncertainty, NDArray[np.float64] | None, int]:
    """Uncertainty of the belief, share of jumps in the true direction (T,), size of the top layer."""
    followed = follow(_loaded, _sequences, sequence)
    share = direction_known(_loaded, _sequences, followed, seed)
    return uncertainty(_loaded, followed, seed), share, as_sequence_model(_loaded.decoder.model).top_size


@st.cache_data(max_entries=64, show_spinner=False)
def _errors(
    _loaded: Loaded,
    _sequences: SequenceCollection,
    name: str,
    version: str,
    sequence: int,
    seen: int,
    steps: int,
    by: int,
    seed: int,
) -> Any:
    """The errors of the futures, cached."""
    return errors_of(_loaded, _sequences, follow(_loaded, _sequences, sequence), seen, steps, by, seed)
