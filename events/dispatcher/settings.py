"""How long the dispatcher waits for what."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    """Times in seconds.

    `ack_wait`: JetStream redelivers what a dead bridge had in hand after this time. `drain`: how long deliveries may
    still take once the process is to stop. `linger`: how long before that the ingress goes on to accept events from
    clients that do not know yet that it is not ready. `away`: how long NATS may be silent until that is reported.
    """

    ack_wait: float = 10.0
    drain: float = 4.0
    linger: float = 0.0
    away: float = 30.0
