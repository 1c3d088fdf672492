"""Hands a file to the browser as a download, as soon as it is shown."""

from __future__ import annotations

from functools import cache
from typing import Any

import streamlit as st

from explorer.live import made_files

__all__ = ["deliver"]

# Streamlit calls this for every run in which the component stands: each address is followed once. The link is on no
# page, so that its click closes no popover.
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
    """Has the browser save a file.

    Arguments:
        data: Its bytes.
        name: What it is called.
        key: Streamlit's key.
    """
    _component()(data={"address": made_files.address(made_files.keep(data, name)), "name": name}, key=key)
