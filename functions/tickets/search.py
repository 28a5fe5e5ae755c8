"""What a search for tickets means: words, prices, order. Case and accents do not matter."""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from functions.shared.errors import InvalidField
from functions.shared.ids import parse_id
from functions.tickets.domain import Ticket

MAX_QUERY = 200
MAX_PREFIX = 20  # characters of a word that count; more would only make the index larger
_WORD = re.compile(r"\w+")
_AMOUNT = re.compile(r"(?=\.?\d)(\d{0,7})(?:\.(\d{0,2}))?", re.ASCII)
_PRICE_CURSOR = re.compile(r"(\d{1,10})-([0-9a-f]{24})", re.ASCII)


class Sort(StrEnum):
    """The order of a list; the exact strings are known to clients."""

    NEWEST = "newest"
    CHEAPEST = "price"
    DEAREST = "-price"


@dataclass(frozen=True)
class Position:
    """The last item of a page, where the next one goes on: its id, and its price in cents if that decides the order."""

    id: str
    price: int | None = None


@dataclass(frozen=True)
class Search:
    """What is asked for. Prices are in cents; `words` are normalised. `seller` lists that user's, reserved ones too."""

    words: tuple[str, ...] = ()
    lowest: int | None = None
    highest: int | None = None
    sort: Sort = Sort.NEWEST
    seller: str | None = None


def normalised_words(text: str) -> list[str]:
    """Return the words of a text in lower case, without accents, cut to the length that counts."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(character for character in decomposed if not unicodedata.combining(character))
    return [word[:MAX_PREFIX] for word in _WORD.findall(plain)]


def prefixes(title: str) -> list[str]:
    """Return every beginning of every word of a title: what a search for it may be."""
    return sorted({word[:end] for word in normalised_words(title) for end in range(1, len(word) + 1)})


def parse_words(value: object) -> tuple[str, ...]:
    """Return the words to search for; none where no query was sent."""
    if value is None:
        return ()
    if not isinstance(value, str) or len(value) > MAX_QUERY:
        raise InvalidField(f"Query must be at most {MAX_QUERY} characters")
    return tuple(dict.fromkeys(normalised_words(value)))


def parse_bound(value: object) -> int | None:
    """Return the cents of one end of a price range; None where none was sent."""
    if value is None:
        return None
    if not isinstance(value, str) or not (found := _AMOUNT.fullmatch(value)):
        raise InvalidField("Price must be an amount in dollars, such as 20 or 19.99")
    return int(found[1] or 0) * 100 + int((found[2] or "").ljust(2, "0"))


def parse_sort(value: object) -> Sort:
    """Return the order that is asked for."""
    if value is None:
        return Sort.NEWEST
    if value not in set(Sort):
        raise InvalidField(f"Sort must be one of {', '.join(Sort)}")
    return Sort(str(value))


def parse_seller(value: object) -> bool:
    """Tell if the caller's own tickets are asked for."""
    if value not in {None, "me"}:
        raise InvalidField("Seller must be me")
    return value == "me"


def parse_cursor(sort: Sort, value: object) -> Position | None:
    """Return the position that a cursor of a list in this order names; None where none was sent."""
    if value is None:
        return None
    if sort == Sort.NEWEST and (last := parse_id(value)):
        return Position(last)
    if sort != Sort.NEWEST and isinstance(value, str) and (found := _PRICE_CURSOR.fullmatch(value)):
        return Position(found[2], int(found[1]))
    raise InvalidField("Cursor must be one that a Link header named")


def cursor(sort: Sort, ticket: Ticket) -> str:
    """Return the cursor of the page after one that ends with this ticket."""
    return ticket.id if sort == Sort.NEWEST else f"{ticket.price}-{ticket.id}"
