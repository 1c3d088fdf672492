"""The panels of the Time page under the live sequence, and what can be taken away of it."""

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
from explorer.pages.shared.plotly_chart import plotted
from explorer.scene.engine import engine
from explorer.scene.forecasts import DRAWS, Uncertainty, direction_known, follow, futures, uncertainty
from explorer.scene.forecasts import errors as errors_of
from explorer.scene.loaded import Loaded
from explorer.scene.sequences import Footage
from explorer.sharing import exports
from models.protocols import as_sequence_model

__all__ = ["against_truth", "certainty", "download", "film"]

S = st.session_state
SCALE = 4  # pixels a side for each pixel, of an animation
GAP = 2  # pixels between two pictures of it, before scaling
GROUND = 110  # grey level where there is no truth
LEAD = 5  # seen frames that an animation starts with
SECONDS = 0.15  # of a frame
GREGOR = "[Gregor et al. 2019](https://arxiv.org/abs/1806.03107)"
FIGURES = {
    "squared": ("Squared error", "squared error a pixel, [0, 1]"),
    "nll": ("−log p(x|z)", "−log p(x|z), nats a frame"),
    "position": ("Position", "distance from the true place, pixels"),
    "right": ("Direction", "samples on the true side, %"),
}
SAID = {
    "squared": "Between the decoded picture and the true frame.",
    "nll": "How improbable the true frame is, given the imagined state z.",
    "right": "Whether the digit lies on the true side of where it was last seen; not counted from half the width on, where it "
    "could have come from either side.",
}  # fmt: skip


def certainty(loaded: Loaded, footage: Footage, shown: Shown) -> None:
    """What the belief knows as frames come in: the direction, where one is known; then the spread of the state."""
    unsure, share, top = _certainty(loaded, footage, loaded.name, loaded.version, shown.sequence, shown.seed)
    with st.container(border=True):
        st.markdown("##### What the belief knows, as frames come in")
        left, right = [st.container()] * 2 if share is None else side_by_side([1, 1], "time-certainty")
        if share is not None:
            with left:
                plotted(charts.direction(share, shown.seen), "time-direction", f"{loaded.name}-direction")
                st.caption(
                    f"Of {DRAWS} states drawn from each belief, each jumped ahead. One frame shows where the digit is, "
                    "not which way it goes; the second one shows that."
                )
        with right:
            plotted(charts.state_spread(unsure.std, top, shown.seen), "time-spread", f"{loaded.name}-spread")
            st.caption(
                f"Spread of each number of the state, over {DRAWS} draws of the layer above; the line is where the "
                "sequence was seen until. Each number has a scale of its own, which training leaves open, so σ is "
                f"comparable along a row only. {GREGOR}"
            )
        with st.expander("Differential entropy of the state"):
            _entropy(loaded.name, unsure, share, shown.seen)


def _entropy(name: str, unsure: Uncertainty, share: NDArray[np.float64] | None, seen: int) -> None:
    """The entropy of the belief, and why it says little about what the belief knows."""
    st.latex(
        r"p_B(z|b_t) = p_B(z^2|b_t)\; p_B(z^1|z^2, b_t), \qquad "
        r"H = \mathbb{E}[-\log p_B] = \textstyle\sum_d \tfrac12\log 2\pi e + \mathbb{E}[\log \sigma_d]"
    )
    plotted(charts.entropies(unsure.top, unsure.bottom, seen), "time-entropy", f"{name}-entropy")
    whole = unsure.top + unsure.bottom
    st.caption(
        "This is the entropy of a density. It can be negative, it changes with the scale of each number of the state, "
        "and numbers on which no picture depends count like the others. So it may rise while the belief comes to "
        f"know more.{_turn(whole, share)} What the belief knows shows in its draws: how far their pictures differ, "
        "under the frames above, and whether they go the true way."
    )


def _turn(entropy: NDArray[np.float64], share: NDArray[np.float64] | None) -> str:
    """The entropy after the first and the last frame, beside the share of jumps the true way, in a sentence."""
    first, last = (short(float(value)) for value in (entropy[0], entropy[-1]))
    told = f" Here it goes from {first} to {last} nats"
    if share is not None:
        told += f", and the share of jumps the true way from {100 * share[0]:.0f} to {100 * share[-1]:.0f} %"
    return f"{told}."


def against_truth(loaded: Loaded, footage: Footage, shown: Shown) -> None:
    """How far imagined futures are from the true one, over the horizon."""
    with st.container(border=True):
        st.markdown("##### Imagined futures compared with the true one")
        if footage.data.length - shown.seen < shown.by:
            st.info(
                f"The sequence has {footage.data.length} frames, and fewer than one jump is left to compare with. Move the "
                "playhead back.",
                icon=":material/visibility:",
            )  # fmt: skip
            return
        found = _errors(
            loaded, footage, loaded.name, loaded.version, shown.sequence, shown.seen, shown.steps, shown.by, shown.seed
        )  # fmt: skip
        offered = [name for name in FIGURES if getattr(found, name) is not None]
        figure = st.segmented_control(
            "Figure", offered, key="time_figure", default="squared", required=True,
            format_func=lambda name: FIGURES[name][0], label_visibility="collapsed",
        )  # fmt: skip
        figure = figure if figure in offered else "squared"
        values, unit = getattr(found, figure), FIGURES[figure][1]
        if figure == "right":
            _sides(loaded.name, found.frames, values)
        else:
            still = found.still if figure == "squared" else None
            chart = charts.errors(found.frames, values, unit, shown.samples, still)
            plotted(chart, f"time-errors-{figure}", f"{loaded.name}-errors-{figure}")
        left_out = shown.steps - len(found.frames)
        beyond = f" {left_out} of {shown.steps} steps lie beyond the end of the sequence." if left_out else ""
        said = footage.mover.said if figure == "position" and footage.mover else SAID[figure]
        st.caption(f"{said} {DRAWS} futures in jumps of {shown.by}.{beyond}")


def _sides(name: str, frames: NDArray[np.int64], right: NDArray[np.float64]) -> None:
    """The share of samples that went the true way, at each frame at which a side means something."""
    known = ~np.isnan(right[0])
    if not known.any():
        st.info("All of these frames are half the width or more away. Jump less far.")
        return
    share = 100 * right[:, known].mean(0, keepdims=True)
    chart = charts.errors(frames[known], share, FIGURES["right"][1], 0)
    chart.update_layout(showlegend=False).update_yaxes(range=[-4, 104])
    plotted(chart, "time-errors-right", f"{name}-errors-right")


def download(loaded: Loaded, footage: Footage, shown: Shown) -> None:
    """A popover with the futures as an animation and as a strip."""
    name = f"{loaded.name}-sequence-{shown.sequence}"

    def moving(kind: str) -> bytes:
        pictures = film(loaded, footage, shown)
        return exports.animation(pictures, kind, scale=SCALE, seconds=SECONDS, back=False)

    with st.popover("Download", icon=":material/download:"), st.container(gap="xsmall", width=330):
        st.caption("The true future first, then each sample; it starts with the last frames seen.")
        a, b = st.columns(2, gap="xsmall")
        offer(a, "Futures, WebP", f"{name}-futures.webp", lambda: moving("WEBP"))
        offer(b, "Futures, GIF", f"{name}-futures.gif", lambda: moving("GIF"))
        offer(
            st, "Strip of all steps, PNG", f"{name}-strip.png",
            lambda: exports.picture_png(np.concatenate(list(film(loaded, footage, shown, upright=True)), axis=1), SCALE),
        )  # fmt: skip


def film(loaded: Loaded, footage: Footage, shown: Shown, *, upright: bool = False) -> NDArray[np.uint8]:
    """The true future and each sample side by side, frame by frame.

    Arguments:
        loaded: A model of sequences.
        footage: Its sequences.
        shown: What is shown.
        upright: Below each other instead.

    Returns:
        uint8, (frames, H, W, C): the last frames seen, then each step. Grey where there is no truth.
    """
    followed = follow(loaded, footage, shown.sequence)
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
    """Films (N, H, W, C) as one, side by side (axis 2) or below each other (axis 1), a gap around each."""
    space = [(0, 0), (GAP, GAP), (GAP, GAP), (0, 0)]
    return np.concatenate([np.pad(row, space, constant_values=GROUND) for row in rows], axis=axis)


@st.cache_data(max_entries=64, show_spinner=False)
def _certainty(
    _loaded: Loaded, _footage: Footage, name: str, version: str, sequence: int, seed: int
) -> tuple[Uncertainty, NDArray[np.float64] | None, int]:
    """How uncertain the belief is, share of jumps the true way (T,), and the numbers of the top layer."""
    followed = follow(_loaded, _footage, sequence)
    share = direction_known(_loaded, _footage, followed, seed)
    return uncertainty(_loaded, followed, seed), share, as_sequence_model(_loaded.decoder.model).top_size


@st.cache_data(max_entries=64, show_spinner=False)
def _errors(
    _loaded: Loaded, _footage: Footage, name: str, version: str, sequence: int, seen: int, steps: int, by: int,
    seed: int,
) -> Any:  # fmt: skip
    """The futures' errors, kept for when the same is shown again."""
    return errors_of(_loaded, _footage, follow(_loaded, _footage, sequence), seen, steps, by, seed)
