"""What Stripe does not have: routes for tests, to tell the stand-in how to behave and to see where the money is."""

from pathlib import Path

import msgspec
from aiohttp import web

from local.stripe_standin import browser, confirmations, refunds
from local.stripe_standin.call import Call
from local.stripe_standin.faults import FaultInjection, FaultInjector
from local.stripe_standin.ledger import Ledger, Object
from local.stripe_standin.problems import Problem
from local.stripe_standin.webhooks import Webhooks

PAGE = Path(__file__).with_name("challenge.html").read_text()


class Controls:
    """A POST of a behaviour replaces the one before: what it does not name is in order again."""

    def __init__(self, ledger: Ledger, webhooks: Webhooks, injector: FaultInjector) -> None:
        self._ledger = ledger
        self._webhooks = webhooks
        self._injector = injector

    def routes(self) -> list[web.RouteDef]:
        """All of them; any client that reaches the port may use them."""
        return [
            web.get("/test/behaviour", self._show_behaviour),
            web.post("/test/behaviour", self._change_behaviour),
            web.delete("/test/behaviour", self._reset_behaviour),
            web.get("/test/ledger", self._show_ledger),
            web.delete("/test/ledger", self._clear_ledger),
            web.get("/test/challenges/{id}", self._show_challenge),
            web.post("/test/challenges/{id}", self._answer_challenge),
        ]

    async def _show_behaviour(self, _: web.Request) -> web.Response:
        return web.json_response(msgspec.to_builtins(self._injector.behaviour))

    async def _change_behaviour(self, request: web.Request) -> web.Response:
        try:
            self._adopt(msgspec.json.decode(await request.read(), type=FaultInjection))
        except msgspec.DecodeError as error:
            return web.json_response({"error": {"message": str(error)}}, status=400)
        return await self._show_behaviour(request)

    async def _reset_behaviour(self, request: web.Request) -> web.Response:
        self._adopt(FaultInjection())
        return await self._show_behaviour(request)

    def _adopt(self, behaviour: FaultInjection) -> None:
        """Behave like this; what was under way comes to its end, if it is to."""
        with self._ledger.transaction():
            self._injector.adopt(behaviour)
            unasked = self._call()
            confirmations.conclude(unasked)
            refunds.conclude(unasked)

    async def _show_ledger(self, _: web.Request) -> web.Response:
        """Every intent and refund, and how many events are still to be sent."""
        refunded = {charge["id"]: charge["amount_refunded"] for charge in self._ledger.all("charge")}
        asked = [
            _part(intent, "id", "status", "amount", "currency", "amount_received", "metadata")
            | {"amount_refunded": refunded.get(intent["latest_charge"], 0)}
            for intent in self._ledger.all("payment_intent")
        ]
        names = ("id", "status", "amount", "payment_intent", "metadata")
        given_back = [_part(refund, *names) for refund in self._ledger.all("refund")]
        unsent = self._webhooks.unsent()
        return web.json_response({"payment_intents": asked, "refunds": given_back, "unsent_events": unsent})

    async def _clear_ledger(self, request: web.Request) -> web.Response:
        with self._ledger.transaction():
            self._ledger.clear()
            self._webhooks.clear()
        return await self._show_ledger(request)

    async def _show_challenge(self, _: web.Request) -> web.Response:
        """The page on which a card's owner approves or refuses, in place of the bank's."""
        return web.Response(text=PAGE, content_type="text/html")

    async def _answer_challenge(self, request: web.Request) -> web.Response:
        approved = (await request.post()).get("answer") == "approve"
        try:
            with self._ledger.transaction():
                intent = confirmations.answer_challenge(self._call(), request.match_info["id"], approved=approved)
        except Problem as problem:
            return web.json_response(problem.body, status=problem.status)
        return web.json_response(browser.shown(intent))

    def _call(self) -> Call:
        """What happens without a request to the API."""
        return Call(
            None, None, "", is_browser=False, ledger=self._ledger, webhooks=self._webhooks, injector=self._injector
        )


def _part(item: Object, *names: str) -> Object:
    return {name: item[name] for name in names}
