"""Text from elsewhere in Streamlit's Markdown."""

from __future__ import annotations

import pytest

from explorer.pages.shared.text import JOINER, plain, with_code


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("![x](//evil)", r"\!\[x\](//evil)"),
        ("a_b *c* $d$ :red[e] <f> ~g~ # h | i", r"a\_b \*c\* \$d\$ \:red\[e\] \<f\> \~g\~ \# h \| i"),
        ("```a", r"\`\`\`a"),
        ("1. one\n\n- two", r"1\. one - two"),
        ("- one", r"\- one"),
        ("-5 dB", "-5 dB"),
        ("2-D, 0.5 nats", "2-D, 0.5 nats"),
        ("===", r"\==="),
        ("&lt;", r"\&lt;"),
        ("https://a.b", rf"https\:{JOINER}//a.b"),
        ("a\u202eb\udcff", r"a\\u202eb\\xff"),
        ("", ""),
    ],
)
def test_markdown_is_escaped(given: str, shown: str) -> None:
    assert plain(given) == shown


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("`a_with` must hold numbers. Got 'x'.", "`a_with` must hold numbers. Got 'x'."),
        ("one ` backtick *", r"one \` backtick \*"),
        ("`code` and ` more [x]", r"`code` and \` more \[x\]"),
        ("``a` ![x](y)", r"\`\`a\` \!\[x\](y)"),
        ("```![x](y) `b`", r"\`\`\`\!\[x\](y) `b`"),
    ],
)
def test_code_stays_code_in_a_message(given: str, shown: str) -> None:
    assert with_code(given) == shown
