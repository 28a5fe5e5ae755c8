"""What happens to events on their way, and to those who carry and receive them."""

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.properties.faults import death_before_commit
from tests.properties.market import WHICH, Market, pick

PICKS = st.lists(WHICH, min_size=1, max_size=6)
SERVICES = st.sampled_from(["tickets", "orders", "payments"])


def waiting(market: Market) -> bool:
    """Whether a delivery is still to be made."""
    return bool(market.broker.waiting)


class Messaging(Market):
    """Rules by which events arrive: in any order, twice, late, at a bad moment."""

    @precondition(waiting)
    @rule(picks=PICKS)
    def deliver(self, picks: list[int]) -> None:
        """Some of the events that wait arrive, in any order."""
        for which in picks:
            if self.broker.waiting:
                self.broker.deliver(pick(self.broker.waiting, which))

    @precondition(waiting)
    @rule(which=WHICH)
    def deliver_a_kind(self, which: int) -> None:
        """Events of one kind run ahead of all others."""
        kind = pick(sorted({delivery.event["type"] for delivery in self.broker.waiting}), which)
        for delivery in [waits for waits in self.broker.waiting if waits.event["type"] == kind]:
            self.broker.deliver(delivery)

    @precondition(lambda self: self.broker.made)
    @rule(which=WHICH)
    def deliver_again(self, which: int) -> None:
        """An event arrives that had arrived before: its acknowledgement was lost, or it was replayed."""
        self.broker.deliver(pick(self.broker.made, which))

    @precondition(waiting)
    @rule(which=WHICH)
    def deliver_to_the_dying(self, which: int) -> None:
        """A function dies as it handles an event."""
        delivery = pick(self.broker.waiting, which)
        with death_before_commit():
            self.broker.attempt(delivery)

    @precondition(lambda self: self.broker.pairs())
    @rule()
    def deliver_at_once(self) -> None:
        """Events of different orders for one ticket arrive at the same time, two and two."""
        self.broker.deliver_pairs()

    @precondition(lambda self: not self.broker.stopped)
    @rule(service=SERVICES)
    def relay_dies(self, service: str) -> None:
        """What is committed from now on waits in the outbox."""
        self.broker.stopped.add(service)

    @precondition(lambda self: self.broker.stopped)
    @rule(service=SERVICES, forgot=st.booleans())
    def relay_restarts(self, service: str, *, forgot: bool) -> None:
        """A relay publishes what waits; what it published before as well, if it died before it noted that."""
        self.broker.stopped.discard(service)
        if forgot:
            self.broker.forget_published(service)
