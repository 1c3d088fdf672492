"""Streamlit's file uploader with one limit: what it shows is what the page and the server take."""

from __future__ import annotations

from typing import Any

import streamlit as st

__all__ = ["uploader"]


def uploader(label: str, mib: int, **more: Any) -> Any:
    """Shows an uploader.

    Arguments:
        label: What is to be brought.
        mib: The size of a file, in MiB, that the page can take; the server's own limit, where it is lower, counts.
        more: Further arguments of `st.file_uploader`.
    """
    limit = min(mib, int(st.get_option("server.maxUploadSize")))
    return st.file_uploader(label, max_upload_size=limit, **more)
