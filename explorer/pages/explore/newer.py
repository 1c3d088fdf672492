"""A line above the stage while the model shown is still training, or when a better version exists."""

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
    """Shows the line if the checkpoint is in training or has a newer version.

    Arguments:
        name: Name of the checkpoint shown.
        switch: Called with the name of the better version when the user asks for it.
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
            status = f"about {training_time.in_words(left)} left" if left is not None else training.what
            st.caption(plain(f"Still training: {status}."), width="content")
            if st.button("Watch the training", type="tertiary", key="newer-watch"):
                navigation.show(navigation.YOUR_IMAGES, {"run": training.name})
