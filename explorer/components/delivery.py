"""A component that makes the browser download a file as soon as it is rendered."""

from __future__ import annotations

from functools import cache
from typing import Any

import streamlit as st

from explorer.live import made_files

__all__ = ["deliver"]

# Streamlit calls this in every run that renders the component; each URL is downloaded once. The link is not
# attached to the page, so that its click closes no popover.
SCRIPT = """
const taken = new Set();
export default function (component) {
  const { address, name } = component.data;
  if (taken.has(address)) return;
  taken.add(address);
  const link = document.createElement("a");
  link.href = new URL(address, document.baseURI).href;
  link.download = name;
  link.click();
}
"""


@cache
def _component() -> Any:
    return st.components.v2.component("latent_explorer_delivery", js=SCRIPT, isolate_styles=False)


def deliver(data: bytes, name: str, key: str) -> None:
    """Makes the browser save a file.

    Arguments:
        data: Content of the file.
        name: Name of the file.
        key: Streamlit's key.
    """
    _component()(data={"address": made_files.address(made_files.keep(data, name)), "name": name}, key=key)
