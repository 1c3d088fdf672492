"""A line over the stage while the model that is shown is being trained further, or when a better version is there."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from explorer.catalogue import training_time
from explorer.jobs.trainings import trainings
from explorer.pages.shared import checkpoint_picker, navigation
from explorer.pages.shared.text import plain

__all__ = ["line"]

STYLE = "<style>.st-key-lx-newer [data-stale] { opacity: 1 !important; }</style>"


def line(name: str, switch: Callable[[str], None]) -> None:
    """Shows the line, where there is something to say.

    Arguments:
        name: Of the checkpoint that is shown.
        switch: Called with the name of the better version, where that is wanted.
    """
    if trainings().of(name) or trainings().newer(name):
        st.html(STYLE)
        _line(name, switch)


@st.fragment(run_every=2.0)
def _line(name: str, switch: Callable[[str], None]) -> None:
    newer, training = trainings().newer(name), trainings().of(name)
    if not newer and training is None:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="lx-newer"):
        if newer:
            st.markdown("A better version has been trained.", width="content")
            if st.button("Show it", type="primary", key="newer-show"):
                checkpoint_picker.refresh(newer)
                switch(newer)
                st.rerun()
        if training is not None:
            left = training.seconds_left
            told = f"about {training_time.in_words(left)} left" if left is not None else training.what
            st.caption(plain(f"It is still being trained: {told}."), width="content")
            if st.button("Watch the training", type="tertiary", key="newer-watch"):
                navigation.show(navigation.YOUR_IMAGES, {"run": training.name})
