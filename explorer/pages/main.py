"""The Streamlit script: page config and navigation. `app.py` serves it.

It lies inside `pages`: Streamlit would read a folder `pages` beside its script as pages of its own.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import streamlit as st

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:  # Streamlit puts this file's own folder there
    sys.path.insert(0, str(ROOT))

from explorer.components.shell import shell  # noqa: E402
from explorer.jobs.image_sources import at_start  # noqa: E402
from explorer.pages.shared import navigation  # noqa: E402

ICON = ROOT / "explorer" / "pages" / "icon.svg"
pages = [
    st.Page(f"{script}/page.py", title=title, url_path=navigation.url_path(title), default=title == "Explore")
    for title, script in navigation.existing().items()
]
chosen = st.navigation(pages, position="hidden")
if at_start() and "lx_opened" not in st.session_state:
    st.session_state.lx_opened = True  # the command line named images: a plain address opens Your images
    if chosen.title == "Explore" and not st.query_params:
        st.switch_page(next(page for page in pages if page.title == navigation.YOUR_IMAGES))
st.set_page_config(page_title=f"{chosen.title} · Latent Explorer", page_icon=str(ICON), layout="wide")
update_bar = navigation.bar(pages, chosen.title, st.session_state.get("lx_shown"))
navigation.heading(chosen.title)
shell()
if "lx_started" not in st.session_state:
    with st.spinner("Starting …"):  # the first visit after a start waits for PyTorch to load
        importlib.import_module("explorer.scene.engine")
    st.session_state.lx_started = True
faults = importlib.import_module("explorer.pages.shared.faults")
faults.check_settings()
with faults.reported((OSError,)):  # disk errors; any other error is a bug
    chosen.run()
importlib.import_module("explorer.pages.shared.widget_values").arrived()
importlib.import_module("explorer.pages.shared.session_archive").remember(chosen.title)
st.session_state.lx_shown = importlib.import_module("explorer.pages.shared.carried_checkpoint").shown(
    chosen.title
)
update_bar(st.session_state.lx_shown)
