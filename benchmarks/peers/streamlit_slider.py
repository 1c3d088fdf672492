"""A slider and a picture in a Streamlit fragment, so that only they rerun."""

from __future__ import annotations

import streamlit as st

from benchmarks.peers.picture import START, STEP, picture, text


@st.fragment
def show() -> None:
    """The slider and its picture."""
    t = st.slider("Walk", 0.0, 1.0, START, STEP, format="%.3f")
    st.image(picture(t), caption=text(t), width=256)


show()
