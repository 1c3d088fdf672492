"""The live stage as a Streamlit component: the map, the handles, the pictures, the sliders.

Python hands over what to show and gets the edit back when a hand lets go. The drag itself never comes here: the
browser speaks with `explorer.live` over its own socket.
"""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Any

import streamlit as st

from explorer.live.routes import STAGE

__all__ = ["stage"]

# A few lines that import the bundle from its own address: the browser caches it, and no message carries it.
LOADER = """
const bundle = import(new URL("/live/stage.js?v=VERSION", location.origin).href);
export default function (component) {
  let cleanUp = null, gone = false;
  bundle.then((stage) => {
    if (!gone) cleanUp = stage.mount(component);
  });
  return () => {
    gone = true;
    if (cleanUp) cleanUp();
  };
}
"""


@cache
def _component() -> Any:
    """Registers the component, once; styles are shared so that any program finds its parts.

    A bundle that is built anew counts from the next start on: to change it under an open page would mount a second stage.
    """
    version = hashlib.sha256(STAGE.read_bytes()).hexdigest()[:12]
    return st.components.v2.component(
        "latent_explorer_stage", js=LOADER.replace("VERSION", version), isolate_styles=False
    )


def stage(data: dict[str, Any], key: str = "stage") -> object:
    """Shows the stage.

    Arguments:
        data: Model, view, colour, directions, edit and revision, as the front end's `StageData` has them.
        key: Streamlit's key.

    Returns:
        The edit as the browser last let go of it (untrusted JSON), or None if nothing was moved yet.

    Raises:
        FileNotFoundError: If the bundle is missing.
    """
    if not STAGE.is_file():
        raise FileNotFoundError(f"{STAGE} is missing. Build it: `npm run build` in its frontend folder.")
    return _component()(data=data, key=key, on_edit_change=lambda: None).edit
