"""Front-end bundles as Streamlit components: a few lines that import the bundle from its own address."""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Any

import streamlit as st

from explorer.live.routes import BUNDLES

__all__ = ["component"]

# The browser caches the bundle, and no message carries it.
LOADER = """
const bundle = import(new URL("/live/bundle/NAME.js?v=VERSION", location.origin).href);
export default function (component) {
  let cleanUp = null, gone = false;
  bundle.then((part) => {
    if (!gone) cleanUp = part.mount(component);
  });
  return () => {
    gone = true;
    if (cleanUp) cleanUp();
  };
}
"""


@cache
def component(name: str) -> Any:
    """Registers a component, once; styles are shared so that any program finds its parts.

    A bundle that is built anew counts from the next start on: to change it under an open page would mount a second
    one.

    Arguments:
        name: The bundle's name, such as "stage" for `dist/stage.js`, which exports `mount`.

    Raises:
        FileNotFoundError: If the bundle is missing.
    """
    path = BUNDLES / f"{name}.js"
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing. Build it: `npm run build` in the frontend folder.")
    version = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    return st.components.v2.component(
        f"latent_explorer_{name}",
        js=LOADER.replace("NAME", name).replace("VERSION", version),
        isolate_styles=False,
    )
