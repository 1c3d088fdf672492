"""Tests of upload limits: displayed and enforced limits agree, and every page uses the same uploader."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from explorer.sharing import session_archive
from explorer.workspace import direction_files, upload_lists, uploads

ROOT = Path(__file__).resolve().parents[4]


def script() -> None:
    from explorer.pages.shared.uploader import uploader

    uploader("Small", 4, key="small")
    uploader("Large", 256, key="large")


@pytest.mark.parametrize(("server", "shown"), [(20, [4, 20]), (1000, [4, 256]), (3, [3, 3])])
def test_the_displayed_limit_is_enforced(
    server: int, shown: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    get_option = st.get_option
    monkeypatch.setattr(st, "get_option", lambda n: server if n == "server.maxUploadSize" else get_option(n))
    at = AppTest.from_function(script).run()
    assert not at.exception
    assert [each.proto.max_upload_size_mb for each in at.file_uploader] == shown  # type: ignore[attr-defined]


def test_the_servers_limit_is_the_largest_of_the_pages() -> None:
    server = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())["server"]["maxUploadSize"]
    for module in (direction_files, session_archive, uploads):
        assert server >= module.MIB_AT_MOST and module.BYTES_AT_MOST == module.MIB_AT_MOST << 20
    assert server >= upload_lists.ARCHIVE_MIB_AT_MOST


def test_every_page_uses_this_uploader() -> None:
    files = (ROOT / "explorer" / "pages").rglob("*.py")
    assert [f.name for f in files if "file_uploader(" in f.read_text(encoding="utf-8")] == ["uploader.py"]
