"""Text that may be shown at a terminal."""


def printable(text: str) -> str:
    """Return the text with control and formatting characters escaped: anyone may have sent it, line feeds stay."""
    return "".join(char if char.isprintable() or char == "\n" else ascii(char)[1:-1] for char in text)
