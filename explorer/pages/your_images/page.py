"""The Your images page: what was found, what is proposed, the training while it runs, and where it leads."""

from __future__ import annotations

from functools import partial
from html import escape

import streamlit as st

from explorer.jobs import image_sources
from explorer.jobs.image_sources import ImageSource
from explorer.pages.shared import address
from explorer.pages.shared.page_state import PageState
from explorer.pages.shared.text import plain
from explorer.pages.your_images import proposal, source_form, summary, url, watch
from explorer.pages.your_images.url import Asked

page = PageState[Asked]("yi")


def main() -> None:
    """From top to bottom: which images, the training of them, what was found, what is proposed."""
    asked = follow()
    source_form.show(asked, choose)
    for problem in page.problems:
        st.warning(plain(problem), icon=":material/link_off:")
    if not asked.path:
        show_state(None, "empty")
        source_form.empty()
        write(asked)
        return
    write(asked)
    source = image_sources.opened(asked.path, asked.labels)
    if asked.run:
        watch.show(asked.run, lambda: choose(Asked(asked.path, asked.labels)))
    if source.summary is None:
        show_state(source, "failed" if source.error else "reading")
        reading(source)
        return
    show_state(source, "training" if asked.run else "found")
    if source.error and source.summary.pairs is None:
        st.warning(plain(source.error), icon=":material/error:")
    if asked.run:
        with st.expander("The images", icon=":material/photo_library:"):
            summary.show(source, source.summary, partial(progress, source, False))
        return
    summary.show(source, source.summary, partial(progress, source, False))
    proposal.show(source, source.summary, lambda run: choose(Asked(asked.path, asked.labels, run)))


def follow() -> Asked:
    """What is to be shown: what the address asks for, if that is news, else what was shown before."""
    if page.now.is_new(address.parameters()) or page.now.shown is None:
        asked, problems = url.read()
        page.now.problems = [f"In the address: {problem} It is ignored." for problem in problems]
        if asked.run and not asked.path:
            asked = Asked(*watch.images_of(asked.run), asked.run)
        elif asked.path and not asked.run:
            asked = Asked(asked.path, asked.labels, watch.going_on(asked.path))
        page.shown = asked
    return page.shown


def choose(asked: Asked) -> None:
    """Shows other images, or another training of them."""
    page.shown, page.now.problems = asked, []
    write(asked)
    st.rerun()


def write(asked: Asked) -> None:
    """Puts what is shown into the address bar."""
    query = url.query(asked)
    page.now.remember(query)
    address.put(query)


def show_state(source: ImageSource | None, state: str) -> None:
    """Says what the page shows, to programs."""
    known = source.summary if source else None
    images, refused = (known.images, len(known.refused)) if known else (0, 0)
    st.html(
        f'<div class="lx-yi" data-testid="your-images" data-state="{escape(state)}" data-images="{images}" '
        f'data-refused="{refused}"></div>'
    )


def reading(source: ImageSource) -> None:
    """While nothing is known yet: places for the pictures, and progress; or why it could not be read."""
    if source.error:
        st.error(plain(source.error), icon=":material/error:")
        if st.button("Read again", icon=":material/refresh:", key="yi_again"):
            source.read_again()
            st.rerun()
        return
    progress(source, True)
    summary.skeleton()


@st.fragment(run_every=0.4)
def progress(source: ImageSource, first: bool) -> None:
    """Progress and cancel; the page runs again when there is something new to show."""
    if not source.running or (first and source.summary is not None):
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.progress(source.share, plain(source.what))
        if st.button("Cancel", key="yi_cancel_reading", icon=":material/stop:"):
            source.cancel()


main()
