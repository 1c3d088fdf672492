"""Estimates how long a training on the user's images takes, from a few steps timed on this machine."""

from __future__ import annotations

from typing import Any

import streamlit as st

from explorer.catalogue.training_time import in_words
from explorer.jobs.image_reading import ImageSummary
from explorer.jobs.runner import Job, start
from explorer.jobs.training_pace import PaceRequest, measure_pace
from models.data.own import Preparation
from models.training.run import Run

__all__ = ["show"]

S = st.session_state
FIRST_MODEL = 30.0  # s of training before the first map
START = 12.0  # s to start a training and to encode the images for the first map


def show(run: Run, shape: tuple[int, int, int], summary: ImageSummary, preparation: Preparation) -> None:
    """One line: when there will be a first map, and how often the model sees each image."""
    request = PaceRequest(run.model, {**run.config, "image_shape": list(shape)}, run.batch)
    known: dict[PaceKey, float | None] = S.setdefault("yi_paces", {})
    key = (request.model, repr(sorted(request.config.items())), request.batch)
    if key not in known:
        _measuring(request, key)
        return
    train = round(summary.images * (1 - preparation.validation - preparation.test))
    st.markdown(_estimate(run, known[key], train, summary))


PaceKey = tuple[str, str, int]


@st.fragment(run_every=0.5)
def _measuring(request: PaceRequest, key: PaceKey) -> None:
    """Times a few steps in a job; reruns the page at the end."""
    job: Job = start(measure_pace, request, key="pace") if S.get("yi_pace_of") != key else S.yi_pace_job
    S.yi_pace_of, S.yi_pace_job = key, job
    if job.running:
        st.caption("Timing a few training steps on this machine …")
        return
    result: dict[str, Any] = job.result or {}
    S.yi_paces[key] = result.get("seconds")
    st.rerun()


def _estimate(run: Run, step: float | None, train: int, summary: ImageSummary) -> str:
    prepare = summary.seconds_an_image * summary.images
    first = in_words(prepare + START + FIRST_MODEL)
    text = (
        f"About **{in_words(prepare)}** to prepare the images; **first map after about {first}**; training for "
        f"**{run.minutes:g} minutes**"
    )
    if step is None:
        return f"{text}. The model is too large to time on this machine."
    passes = 60 * run.minutes / (step * -(-train // run.batch))
    seen = f"{passes:,.0f} times" if passes >= 2 else f"{passes:.1f} times"
    return f"{text}, in which the model sees each of about {train:,} training images {seen}."
