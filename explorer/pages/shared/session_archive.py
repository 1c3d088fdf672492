"""Saves, restores and undoes a session archive, in the Download popover."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import streamlit as st

from explorer.pages.shared import faults, navigation
from explorer.pages.shared.text import with_code
from explorer.pages.shared.uploader import uploader
from explorer.scene.engine import engine
from explorer.scene.loaded import Loaded
from explorer.sharing import session_archive

__all__ = ["panel", "remember"]

S = st.session_state


def remember(title: str) -> None:
    """Records what a page shows and which checkpoints were used; called after each run of a page."""
    shown = {
        key: value for key, value in st.query_params.items() if len(value) <= session_archive.ADDRESS_AT_MOST
    }
    if shown:
        S.setdefault("lx_pages", {})[title] = shown
        S.setdefault("lx_used", {}).update(dict.fromkeys(session_archive.models_of(shown)))


def panel(loaded: Loaded, address: dict[str, str], offer: Callable[..., None]) -> None:
    """Buttons that save and restore.

    Arguments:
        loaded: The checkpoint that is shown.
        address: Parameters of what Explore shows now.
        offer: Shows a download button; takes container, label, file name and a function that returns the
            bytes.
    """
    shown = S.get("lx_pages", {}) | {"Explore": address}
    others = [name for name in S.get("lx_used", {}) if name != loaded.name]

    def make() -> bytes:  # called on the click, outside the script's run
        return session_archive.write_archive([loaded, *_opened(others)], shown)

    offer(st, "Save session", "latent-explorer-session.zip", make)
    file = uploader(
        "Restore a session",
        session_archive.MIB_AT_MOST,
        key="session-file",
        help="Adds the contents of the file; nothing is overwritten.",
    )
    if file is not None and S.get("session-taken") != file.file_id:
        S["session-taken"] = file.file_id
        _restore(file.getvalue())
    _show_result()


def _opened(names: list[str]) -> list[Loaded]:
    """The checkpoints of these names that can be opened."""
    opened = []
    for name in names:
        with contextlib.suppress(ValueError):
            opened.append(engine().open_sync(name))
    return opened


def _restore(data: bytes) -> None:
    try:
        with st.spinner("Restoring …"):
            S["session-restored"] = session_archive.restore(
                session_archive.read_archive(data), engine().open_sync
            )
    except ValueError as error:
        S.pop("session-restored", None)
        st.warning(with_code(str(error)))


def _show_result() -> None:
    """The result of the last restore: what was added, the pages that can be shown, and Undo."""
    done: Any = S.get("session-restored")
    if done is None:
        return
    same = f"; {done.same:,} existed already" if done.same else ""
    added = "1 item" if done.count == 1 else f"{done.count:,} items"
    st.success(f"{added} added{same}.", icon=":material/inventory_2:")
    if done.problems:
        st.warning("  \n".join(with_code(problem) for problem in done.problems[:8]))
    pages = navigation.existing()
    for title, parameters in done.pages.items():
        known = title in pages and title in navigation.DECIDED
        if known and st.button(f"Show {title} as it was", key=f"session-show-{title}", width="stretch"):
            navigation.show(title, parameters)
    if done.count and st.button("Undo restore", icon=":material/undo:", key="session-undo", width="stretch"):
        with faults.reported():
            session_archive.undo(done, engine().open_sync)
            del S["session-restored"]
            S.pop("lx_page_explore", None)  # the page reads its address again and reports what is gone
            st.rerun()
