"""What strangers sent is shown at a terminal, and tells the terminal nothing."""

import pytest

from events.runtime.printable import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Grüße, 東京 🎫", "Grüße, 東京 🎫"),
        ("two\nlines", "two\nlines"),
        ("\x1b[2J", r"\x1b[2J"),
        ("\u009b31m", r"\x9b31m"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("\r\b\t\x00\x7f", r"\r\x08\t\x00\x7f"),
        ("\ud800", r"\ud800"),
    ],
)
def test_control_and_formatting_characters_are_escaped(text: str, shown: str) -> None:
    assert printable(text) == shown
