"""Front-end bundles as Streamlit components: a few lines that import the bundle from its own address."""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Any

import streamlit as st

from explorer.live.routes import BUNDLES

__all__ = ["component"]

# The browser caches the bundle, and no message carries it. The address is relative to the page: a proxy may serve the
# app below a path. All other addresses are relative to the bundle's (frontend/src/address.ts).
LOADER = """
const address = new URL("live/bundle/NAME.js?v=VERSION", document.baseURI).href;
const bundle = import(address);
const reason = async () => {
  try {
    const answer = await fetch(address);
    return `status ${answer.status}`;
  } catch (error) {
    return error.message;
  }
};
const explain = async (parent, error) => {
  const note = document.createElement("p");
  note.setAttribute("role", "alert");
  note.dataset.testid = "bundle-error";
  note.style.cssText = "margin:0;padding:1rem;border:1px solid;border-radius:8px;overflow-wrap:anywhere";
  note.textContent =
    `This part of the page could not be loaded from ${address} (${await reason()}; ${error.message}). ` +
    "Reload the page. Behind a proxy, check that it passes on every path below the page's, WebSockets included.";
  parent.replaceChildren(note);
};
export default function (component) {
  let cleanUp = null, gone = false;
  bundle.then(
    (part) => {
      if (!gone) cleanUp = part.mount(component);
    },
    (error) => explain(component.parentElement, error),
  );
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
