"""Lists of tickets, each served by an index: by age or by price, on sale or of one seller, with or without words."""

from typing import Any

from bson import ObjectId
from pymongo import ASCENDING, DESCENDING

from functions.shared.storage.database import collection, database
from functions.tickets.domain import Ticket
from functions.tickets.repository import TicketRow, from_row
from functions.tickets.search import Position, Search, Sort

Query = dict[str, Any]


def find(search: Search, limit: int, after: Position | None) -> list[Ticket]:
    """Return the tickets that match, after a position if there is one, and one more than `limit` if there are more."""
    rows = collection(database(), "tickets", TicketRow)
    conditions = [_owner(search), *_words(search), *_prices(search), *_beyond(search.sort, after)]
    found = rows.find({"$and": conditions}).sort(_order(search.sort)).limit(limit + 1)
    return [from_row(row) for row in found]


def _owner(search: Search) -> Query:
    return {"userId": search.seller} if search.seller else {"orderId": None}


def _words(search: Search) -> list[Query]:
    """The longest word comes first: it narrows the index most."""
    return [{"prefixes": word} for word in sorted(search.words, key=len, reverse=True)]


def _prices(search: Search) -> list[Query]:
    lowest = [{"priceCents": {"$gte": search.lowest}}] if search.lowest is not None else []
    highest = [{"priceCents": {"$lte": search.highest}}] if search.highest is not None else []
    return [*lowest, *highest]


def _order(sort: Sort) -> list[tuple[str, int]]:
    direction = ASCENDING if sort == Sort.CHEAPEST else DESCENDING
    return [("_id", direction)] if sort == Sort.NEWEST else [("priceCents", direction), ("_id", direction)]


def _beyond(sort: Sort, after: Position | None) -> list[Query]:
    """Of equal prices the id decides; the plain bound on the price lets the index begin there."""
    if after is None:
        return []
    further = "$gt" if sort == Sort.CHEAPEST else "$lt"
    beyond = {"_id": {further: ObjectId(after.id)}}
    if after.price is None:
        return [beyond]
    equal_or_further = {"priceCents": {f"{further}e": after.price}}
    return [equal_or_further, {"$or": [{"priceCents": {further: after.price}}, {"priceCents": after.price, **beyond}]}]
