"""Text from elsewhere in Streamlit's Markdown."""

from __future__ import annotations

import pytest

from explorer.pages.shared.text import plain


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("`a_with` must hold numbers. Got 'x'.", "`a_with` must hold numbers. Got 'x'."),
        ("![x](//evil)", r"\!\[x\](//evil)"),
        ("a_b *c* $d$ :red[e] <f> ~g~ # h | i", r"a\_b \*c\* \$d\$ \:red\[e\] \<f\> \~g\~ \# h \| i"),
        ("one ` backtick *", r"one \` backtick \*"),
        ("`code` and ` more [x]", r"`code` and \` more \[x\]"),
        ("", ""),
    ],
)
def test_markdown_is_escaped(given: str, shown: str) -> None:
    assert plain(given) == shown
