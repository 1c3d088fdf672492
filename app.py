"""The ASGI app: the Streamlit pages and, on the same port, the live routes. Run it with `make run` or `latent-drag`."""

from pathlib import Path

import streamlit as st

import explorer
from explorer.live.routes import routes

app = st.App(Path(explorer.__file__).with_name("pages") / "main.py", routes=routes)
