"""What is to hold in a cluster, each with what was seen of it."""

import statistics
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import requests

from tests.cluster.kubectl import PATIENCE_SECONDS, SERVICES, Cluster
from tests.cluster.shop import Insistent, purchase
from tests.e2e.person import Visitor
from tests.eventually import eventually

WINDOW = "EXPIRATION_WINDOW_SECONDS"
RENEWED = ("tickets-list", "tickets-show", "orders-create", "gateway")
CROWD = 4


class Proofs:
    """`url` is the cluster's ingress, `host` the shop's name there."""

    def __init__(self, cluster: Cluster, url: str, host: str) -> None:
        self._cluster, self._url, self._host = cluster, url, host

    def all_is_ready(self) -> str:
        """Every Knative Service, Broker and Trigger says so."""
        kinds = (SERVICES, "domainmappings", "brokers", "triggers", "pods")
        self._cluster.await_ready(*kinds)
        return ", ".join(f"{len(self._cluster.names(kind))} {kind}" for kind in kinds)

    def a_purchase_from_zero(self) -> str:
        """With no function running, a ticket is offered, reserved and paid for."""
        self._await_zero()
        seller, buyer = self._person(), self._person()
        began = time.monotonic()
        purchase(seller, buyer)
        return f"{time.monotonic() - began:.1f} s from the offer to the paid order"

    def first_answers_from_zero(self) -> str:
        """Each route that anybody may read answers from zero, one by one."""
        visitor = Visitor(self._url, self._host)
        ticket = "0" * 24
        asked = [("GET", "/tickets"), ("GET", "/users/currentuser"), ("POST", "/users/signout")]
        asked += [("GET", f"/tickets/{ticket}"), ("GET", "/orders"), ("GET", f"/orders/{ticket}")]
        took = []
        self._await_zero()
        for method, path in asked:
            began = time.perf_counter()
            assert visitor.api(method, path).status_code in (200, 401, 404)
            took.append(time.perf_counter() - began)
        return f"p50 {statistics.median(took):.2f} s, {min(took):.2f} to {max(took):.2f} s, of {len(took)} functions"

    def an_order_expires(self) -> str:
        """Who does not pay in time loses the reservation, and the ticket is on sale again."""
        self._cluster.set_variable("orders-create", WINDOW, "20")
        self._cluster.await_ready(SERVICES)
        seller, buyer = self._person(), self._person()
        ticket = seller.sell()
        order = buyer.insist("POST", "/orders", ticketId=ticket).json()
        self._cluster.set_variable("orders-create", WINDOW, "900")
        eventually(lambda: ticket not in seller.on_sale(), PATIENCE_SECONDS)
        buyer.await_status(order["id"], "cancelled")
        eventually(lambda: ticket in seller.on_sale(), PATIENCE_SECONDS)
        return f"order {order['id']} was cancelled at its time"

    def updates_fail_no_request(self) -> str:
        """Functions and gateway are replaced while people ask for them."""
        answers: Counter[str] = Counter()
        done = threading.Event()
        seller = self._person()
        ticket = seller.sell()
        with ThreadPoolExecutor(CROWD) as crowd, ExitStack() as end:
            end.callback(done.set)
            browsers = [crowd.submit(self._browse, ticket, answers, done) for _ in range(CROWD)]
            self._renew()
        for browser in browsers:
            browser.result()  # or what it got in an answer's place
        assert all(answer.startswith("2") for answer in answers), answers
        return f"{sum(answers.values())} requests while {', '.join(RENEWED)} were replaced: {dict(answers)}"

    def no_pod_is_missed(self) -> str:
        """Each pod is deleted in its turn, in the middle of a purchase that all the same ends as it should."""
        seller, buyer = self._person(), self._person()
        purchase(seller, buyer)
        deleted = self._cluster.objects("pods")
        orders = []
        for pod in deleted:
            self._cluster.kubectl("delete", "pod", pod["metadata"]["name"], "--wait=false", "--ignore-not-found")
            orders.append(purchase(seller, buyer)["id"])
            self._cluster.await_end_of(pod)
        for order in orders:
            buyer.await_status(order, "complete")
        return f"{len(deleted)} pods deleted, {len(orders)} purchases complete"

    def _renew(self) -> None:
        for service in RENEWED:
            self._cluster.renew(service, str(time.time()))
            time.sleep(2)
            self._cluster.await_ready(SERVICES)
        time.sleep(10)  # the old ones are on their way out now

    def _browse(self, ticket: str, answers: Counter[str], done: threading.Event) -> None:
        buyer = self._person()
        while not done.is_set():
            asked = [buyer.api("GET", "/tickets"), buyer.api("GET", f"/tickets/{ticket}")]
            asked.append(buyer.api("POST", "/tickets", title="Matinee", price=20))
            if asked[-1].ok:
                asked.append(buyer.api("POST", "/orders", ticketId=asked[-1].json()["id"]))
            answers.update(map(_in_short, asked))

    def _await_zero(self) -> None:
        eventually(lambda: not self._cluster.functions_running(), PATIENCE_SECONDS)

    def _person(self) -> Insistent:
        return Insistent(self._url, self._host)


def _in_short(answer: requests.Response) -> str:
    """Return the status, and the words if they say that it failed."""
    return str(answer.status_code) if answer.ok else f"{answer.status_code} {answer.text}"
