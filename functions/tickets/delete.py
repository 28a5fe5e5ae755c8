"""DELETE /api/tickets/:id: delete a ticket that is not reserved."""

import functions_framework
from flask import Request

from events.catalogue import TicketDeleted
from functions.shared.web.http import Response, no_content, path_id, route
from functions.shared.web.session import signed_in
from functions.tickets import repository
from functions.tickets.domain import Ticket


@functions_framework.http
@route
def delete_ticket(request: Request) -> Response:
    """Return 204."""
    seller = signed_in(request)

    def delete(ticket: Ticket) -> TicketDeleted:
        last = ticket.delete(seller.id)
        return TicketDeleted(id=last.id, version=last.version)

    repository.delete(path_id(request), delete)
    return no_content()
