"""Names on NATS: a Broker's streams and subjects, and the subject of an event type."""

import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote, unquote

EVERYTHING = ">"

# A subject must fit into one protocol line of 4 KiB, together with the subject that its answer goes to.
_MAX_SUBJECT = 1024

_EMPTY_TOKEN = re.compile(r"(?:^|(?<=\.))\.|\.$")


@lru_cache(maxsize=1024)
def encode(event_type: str) -> str:
    """The legal NATS subject of any event type, a different one for each; ordinary types are their own.

    What no subject may hold is percent-encoded, dots that would leave a token empty included. A type that is too
    long becomes its hash, marked by an escape that no encoding yields.
    """
    subject = _EMPTY_TOKEN.sub("%2E", quote(event_type, safe="!#$&'()+,-./:;<=?@[]^_`{|}~\\"))
    if len(subject) > _MAX_SUBJECT:
        return "%sha256." + hashlib.sha256(event_type.encode()).hexdigest()
    return subject


def decode(subject: str) -> str:
    """The event type that `encode` made the subject of, a hash remaining one."""
    return unquote(subject)


@dataclass(frozen=True, slots=True)
class StreamNames:
    """Where a Broker's events are kept on NATS.

    The log holds every event; schedules holds those that are not due yet; dead letters those that a Trigger could
    not deliver. Names of Kubernetes objects hold no underscore, so stream names of two Brokers never meet.
    """

    namespace: str
    broker: str

    @classmethod
    def parse(cls, text: str) -> "StreamNames":
        """The stream_names of a Broker written as `namespace/name`."""
        namespace, _, broker = text.partition("/")
        return cls(namespace, broker)

    @property
    def log(self) -> str:
        """The log's stream."""
        return f"{self.namespace}_{_token(self.broker)}"

    @property
    def schedules(self) -> str:
        """The schedules' stream."""
        return f"{self.log}_schedules"

    @property
    def dead_letters(self) -> str:
        """The dead letters' stream."""
        return f"{self.log}_dead_letters"

    def event(self, event_type: str) -> str:
        """Where events of a type are published to."""
        return self._subject("events", encode(event_type))

    def events(self) -> str:
        """Every event."""
        return self._subject("events", EVERYTHING)

    def event_type(self, subject: str) -> str:
        """The event type that a subject of `event` stands for."""
        return decode(subject.removeprefix(self._subject("events", "")))

    def scheduled(self, key: str = EVERYTHING) -> str:
        """Where one event waits until it is due."""
        return self._subject("schedules", f"waiting.{key}")

    def due(self, event_type: str) -> str:
        """Where the schedules stream puts an event of a type once it is due."""
        return self._subject("schedules", f"due.{encode(event_type)}")

    def all_due(self) -> str:
        """Every event that came due."""
        return self._subject("schedules", f"due.{EVERYTHING}")

    def replay(self, trigger: str) -> str:
        """Where a dead letter goes that one Trigger is to have again, and no other."""
        return self._subject("replays", _token(trigger))

    def replays(self) -> str:
        """Every replay."""
        return self._subject("replays", EVERYTHING)

    def dead_letter(self, trigger: str) -> str:
        """Where a Trigger's dead letters are."""
        return self._subject("deadletters", _token(trigger))

    def all_dead_letters(self) -> str:
        """Every dead letter."""
        return self._subject("deadletters", EVERYTHING)

    def consumer(self, trigger: str) -> str:
        """The durable consumer of a Trigger."""
        return _token(trigger)

    def _subject(self, kind: str, rest: str) -> str:
        return f"{kind}.{self.namespace}.{_token(self.broker)}.{rest}"


def _token(name: str) -> str:
    return name.replace(".", "%2E")
