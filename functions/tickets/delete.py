"""DELETE /api/tickets/:id: take a ticket back, as long as nobody has reserved it."""

import functions_framework
from flask import Request

from events.catalogue import TicketDeleted
from functions.shared.web.http import Answer, no_content, path_id, route
from functions.shared.web.session import signed_in
from functions.tickets import repository
from functions.tickets.domain import Ticket


@functions_framework.http
@route
def delete_ticket(request: Request) -> Answer:
    """→ 204."""
    deleter = signed_in(request)

    def take_back(ticket: Ticket) -> TicketDeleted:
        last = ticket.deletable(deleter.id)
        return TicketDeleted(id=last.id, version=last.version)

    repository.delete(path_id(request), take_back)
    return no_content()
