"""The Your images page: the images, the proposed model, and the training while it runs."""

from __future__ import annotations

from functools import partial
from html import escape

import streamlit as st

from explorer.jobs import image_sources
from explorer.jobs.image_sources import ImageSource
from explorer.pages.shared import address
from explorer.pages.shared.page_state import PageState
from explorer.pages.shared.text import with_code
from explorer.pages.your_images import proposal, source_form, summary, url, watch
from explorer.pages.your_images.url import Shown

page = PageState[Shown]("yi")


def main() -> None:
    """From top to bottom: the source, the training, the summary of the images, the proposal."""
    shown = read_address()
    source_form.show(shown, choose)
    for problem in page.problems:
        st.warning(with_code(problem), icon=":material/link_off:")
    if not shown.path:
        show_state(None, "empty")
        source_form.empty()
        write(shown)
        return
    write(shown)
    source = image_sources.opened(shown.path, shown.labels)
    if shown.run:
        watch.show(shown.run, lambda: choose(Shown(shown.path, shown.labels)))
    if source.summary is None:
        show_state(source, "failed" if source.error else "reading")
        reading(source)
        return
    show_state(source, "training" if shown.run else "found")
    if source.error and source.summary.pairs is None:
        st.warning(with_code(source.error), icon=":material/error:")
    if shown.run:
        with st.expander("The images", icon=":material/photo_library:"):
            summary.show(source, source.summary, partial(progress, source, False))
        return
    summary.show(source, source.summary, partial(progress, source, False))
    proposal.show(source, source.summary, lambda run: choose(Shown(shown.path, shown.labels, run)))


def read_address() -> Shown:
    """The images and the training to show: from a new address, else as before."""
    if page.now.is_new(address.parameters()) or page.now.shown is None:
        shown, problems = url.read()
        page.now.problems = [f"In the address: {problem} It is ignored." for problem in problems]
        if shown.run and not shown.path:
            shown = Shown(*watch.images_of(shown.run), shown.run)
        elif shown.path and not shown.run:
            shown = Shown(shown.path, shown.labels, watch.running_on(shown.path))
        page.shown = shown
    return page.shown


def choose(shown: Shown) -> None:
    """Shows other images, or another training of them."""
    page.shown, page.now.problems = shown, []
    write(shown)
    st.rerun()


def write(shown: Shown) -> None:
    """Writes the address of what is shown."""
    query = url.query(shown)
    page.now.remember(query)
    address.put(query)


def show_state(source: ImageSource | None, state: str) -> None:
    """The state of the page, as attributes for tests."""
    known = source.summary if source else None
    images, refused = (known.images, len(known.refused)) if known else (0, 0)
    st.html(
        f'<div class="lx-yi" data-testid="your-images" data-state="{escape(state)}" data-images="{images}" '
        f'data-refused="{refused}"></div>'
    )


def reading(source: ImageSource) -> None:
    """While nothing is known yet: placeholders and progress, or the error."""
    if source.error:
        st.error(with_code(source.error), icon=":material/error:")
        if st.button("Read again", icon=":material/refresh:", key="yi_again"):
            source.read_again()
            st.rerun()
        return
    progress(source, True)
    summary.skeleton()


@st.fragment(run_every=0.4)
def progress(source: ImageSource, first: bool) -> None:
    """Progress and Cancel; reruns the page when there is something new to show."""
    if not source.running or (first and source.summary is not None):
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.progress(source.share, with_code(source.what))
        if st.button("Cancel", key="yi_cancel_reading", icon=":material/stop:"):
            source.cancel()


main()
