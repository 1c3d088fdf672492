"""Front-end bundles as Streamlit components: a loader that imports the bundle from its own URL."""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Any

import streamlit as st

from explorer.live.routes import BUNDLES

__all__ = ["component"]

# The browser caches the bundle; it is not part of any message. The URL is relative to the page, because a proxy may serve
# the app below a path; all other URLs are relative to the bundle's (frontend/src/address.ts). Until the bundle is loaded,
# a placeholder has the component's height. A failed import is reported and can be retried at another URL, because a
# browser may cache the failure of a bundle, and of a chunk that it imports. Components share their chunks, and with them
# one instance of each module; they wait for the style sheet that they share.
LOADER = """
const place = (folder) => new URL(`live/bundle/${folder}NAME.js?v=VERSION`, document.baseURI).href;
let address = place(""), bundle = null, tries = 0;
const load = () => import(address).then(async (found) => {
  await found.ready();
  bundle = found;
});
const first = load();
first.catch(() => {});
const reason = async () => {
  try {
    return `status ${(await fetch(address)).status}`;
  } catch (error) {
    return error.message;
  }
};
export default function (component) {
  if (bundle) return bundle.mount(component);
  const block = document.createElement("div");
  block.setAttribute("role", "status");
  block.dataset.testid = "loading-NAME";
  block.style.cssText = "display:grid;place-content:center;justify-items:center;gap:10px;min-height:HEIGHTpx;" +
    "border-radius:8px;font:13px var(--st-font,sans-serif);color:var(--st-text-color);" +
    "background:var(--st-secondary-background-color)";
  block.textContent = "Loading …";
  if (HEIGHT > 0) component.parentElement.append(block);
  let cleanUp = null, gone = false;
  const show = (loading) => loading.then(() => {
    block.remove();
    if (!gone) cleanUp = bundle.mount(component);
  }, async (error) => {
    const note = document.createElement("p");
    note.setAttribute("role", "alert");
    note.dataset.testid = "bundle-error";
    note.style.cssText = "margin:0;padding:0 1rem;overflow-wrap:anywhere";
    note.textContent =
      `This part of the page could not be loaded from ${address} (${await reason()}; ${error.message}). ` +
      "Behind a proxy, check that it passes on every path below the page's, WebSockets included.";
    const retry = document.createElement("button");
    retry.textContent = "Try again";
    retry.style.cssText = "font:inherit;color:inherit;padding:4px 12px;border:1px solid;border-radius:6px;" +
      "background:none;cursor:pointer";
    retry.onclick = () => {
      tries += 1;
      address = place(`again-${tries}/`);
      block.textContent = "Loading …";
      show(load());
    };
    block.hidden = false;
    block.replaceChildren(note, retry);
  });
  show(first);
  return () => {
    gone = true;
    block.remove();
    if (cleanUp) cleanUp();
  };
}
"""
# Approximate height of each component in CSS pixels; 0 for one that shows nothing.
HEIGHTS = {
    "stage": 760,
    "compare": 640,
    "anatomy": 520,
    "codes": 640,
    "time": 640,
    "paths": 360,
    "samples": 480,
    "pad": 280,
}


@cache
def component(name: str) -> Any:
    """Registers a component once. Styles are not isolated, so that tests can find its elements.

    A rebuilt bundle is used after a restart: replacing it under an open page would mount a second one.

    Arguments:
        name: Name of the bundle, e.g. "stage" for `dist/stage.js`, which exports `mount`.

    Raises:
        FileNotFoundError: If the bundle is missing.
    """
    path = BUNDLES / f"{name}.js"
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing. Build it: `npm run build` in the frontend folder.")
    version = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    return st.components.v2.component(
        f"latent_explorer_{name}",
        js=LOADER.replace("NAME", name)
        .replace("VERSION", version)
        .replace("HEIGHT", str(HEIGHTS.get(name, 0))),
        isolate_styles=False,
    )
