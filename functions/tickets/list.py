"""GET /api/tickets: the tickets on sale, or those of the caller."""

from functools import partial

import functions_framework
from flask import Request

from events.catalogue import TicketState
from functions.shared.web.body import Fields
from functions.shared.web.http import Response, route
from functions.shared.web.pagination import page_response, parse_limit
from functions.shared.web.session import signed_in
from functions.tickets import listing, search
from functions.tickets.domain import Ticket
from functions.tickets.messages import own, state
from functions.tickets.search import Search


@functions_framework.http
@route
def list_tickets(request: Request) -> Response:
    """Return 200 and an array of tickets that are not reserved; with `seller=me` of all of the caller's, with `status`.

    `q`, `minPrice`, `maxPrice` and `sort` narrow and order it.
    """
    seller = signed_in(request).id if request.args.get("seller") == "me" else None
    with Fields(request.args) as query:
        query.read("seller", search.parse_seller)
        wanted = Search(
            words=query.read("q", search.parse_words),
            lowest=query.read("minPrice", search.parse_bound),
            highest=query.read("maxPrice", search.parse_bound),
            sort=query.read("sort", search.parse_sort),
            seller=seller,
        )
        limit = query.read("limit", parse_limit)
        after = query.read("cursor", partial(search.parse_cursor, wanted.sort))
    found = listing.find(wanted, limit, after)
    show = own if seller else _on_sale
    return page_response(request, limit, found, partial(search.cursor, wanted.sort), show)


def _on_sale(ticket: Ticket) -> TicketState:
    return state(TicketState, ticket)
