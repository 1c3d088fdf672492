"""Streamlit's file uploader, showing the limit that page and server enforce."""

from __future__ import annotations

from typing import Any

import streamlit as st

__all__ = ["uploader"]


def uploader(label: str, mib: int, **more: Any) -> Any:
    """Shows an uploader.

    Arguments:
        label: Label of the uploader.
        mib: Largest file that the page accepts, in MiB; a lower limit of the server takes precedence.
        more: Further arguments of `st.file_uploader`.
    """
    limit = min(mib, int(st.get_option("server.maxUploadSize")))
    return st.file_uploader(label, max_upload_size=limit, **more)
