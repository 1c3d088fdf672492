"""The Streamlit script: page config and navigation. `app.py` serves it.

It stands among the pages, for Streamlit takes a folder `pages` beside its script for pages of its own making.
"""

from __future__ import annotations

import sys
from pathlib import Path

import streamlit as st

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:  # Streamlit puts this file's own folder there
    sys.path.insert(0, str(ROOT))

ICON = ROOT / "explorer" / "pages" / "icon.svg"
st.set_page_config(page_title="Latent Explorer", page_icon=str(ICON), layout="wide")
PAGES = ("Explore", "Compare", "Anatomy", "Models")
HERE = Path(__file__).resolve().parent
pages = [
    st.Page(f"{title.lower()}.py", title=title, default=title == PAGES[0])
    for title in PAGES
    if (HERE / f"{title.lower()}.py").is_file()
]
st.navigation(pages, position="top" if len(pages) > 1 else "hidden").run()
