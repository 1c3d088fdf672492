"""The ASGI app: the Streamlit pages and, on the same port, the live routes. Run it with `make run`."""

import streamlit as st

from explorer.live.routes import routes

app = st.App("explorer/pages/main.py", routes=routes)
