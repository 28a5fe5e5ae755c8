"""The tokens of a CloudEvents SQL expression."""

import re

# The words of the grammar that are not names of attributes.
KEYWORDS = frozenset({"AND", "OR", "XOR", "NOT", "LIKE", "EXISTS", "IN", "TRUE", "FALSE"})

_LONGEST = 4096  # characters
_TOKEN = re.compile(
    r"""\s*(?:(?P<string>"(?:\\.|""|[^"\\])*"|'(?:\\.|''|[^'\\])*')|(?P<integer>[0-9]+(?![A-Za-z_]))"""
    r"""|(?P<word>[A-Za-z0-9_]+)|(?P<symbol>!=|<>|<=|>=|[-()=<>*/%+,])|(?P<end>\Z))""",
    re.DOTALL,
)


class Tokens:
    """Reads an expression token by token; `kind` and `text` describe the next one.

    Kinds are `string`, `integer`, `word` and `end`; a keyword (in upper case) and a symbol are their own kind.
    """

    def __init__(self, expression: str) -> None:
        """Read the first token. Raises ValueError if the expression is too long or does not begin with a token."""
        if len(expression) > _LONGEST:
            raise ValueError(f"filter 'cesql' is longer than {_LONGEST} characters")
        self.expression = expression
        self._position = 0
        self.kind = self.text = ""
        self.advance()

    def advance(self) -> str:
        """Return the next token's text and go on to the one behind it. Raises ValueError if that is not a token."""
        taken, found = self.text, _TOKEN.match(self.expression, self._position)
        if found is None:
            raise ValueError(f"filter 'cesql': not understood from character {self._position + 1} on")
        self._position = found.end()
        self.kind = str(found.lastgroup)
        self.text = found[self.kind]
        keyword = self.text.upper()
        if self.kind == "symbol" or (self.kind == "word" and keyword in KEYWORDS):
            self.kind = keyword
        return taken

    def take(self, kind: str) -> str:
        """Return the text of the next token and go on. Raises ValueError if it is of another kind."""
        if self.kind != kind:
            raise ValueError(f"filter 'cesql': {kind} is missing before character {self._position + 1}")
        return self.advance() if kind != "end" else ""

    def skip(self, kind: str) -> bool:
        """Go on if the next token is of a kind; say whether it was."""
        if self.kind != kind:
            return False
        self.advance()
        return True


def unquoted(token: str) -> str:
    """Return the text of a string token."""
    return token[1:-1].replace("\\" + token[0], token[0])
