"""Names on NATS: a Broker's streams and subjects, and the subject of an event type."""

import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote, unquote

ANY_SUBJECT = ">"

# A subject must fit into one protocol line of 4 KiB, together with the subject that its answer goes to.
_MAX_SUBJECT = 1024

_EMPTY_TOKEN = re.compile(r"(?:^|(?<=\.))\.|\.$")


@lru_cache(maxsize=1024)
def encode(event_type: str) -> str:
    """Return the NATS subject of an event type, a different one for each; an ordinary type is its own subject.

    Characters that no subject may hold are percent-encoded, as are dots that would leave a token empty. A type that is
    too long becomes its hash, marked by an escape that no encoding yields.
    """
    subject = _EMPTY_TOKEN.sub("%2E", quote(event_type, safe="!#$&'()+,-./:;<=?@[]^_`{|}~\\"))
    if len(subject) > _MAX_SUBJECT:
        return "%sha256." + hashlib.sha256(event_type.encode()).hexdigest()
    return subject


def decode(subject: str) -> str:
    """Return the event type that `encode` made the subject of; a hash stays a hash."""
    return unquote(subject)


@dataclass(frozen=True, slots=True)
class StreamNames:
    """The names of a Broker's streams and subjects.

    The log stores every event; the schedules store those that are not due yet; the dead letters those that a Trigger
    could not deliver. Names of Kubernetes objects hold no underscore, so no two Brokers share a stream name.
    """

    namespace: str
    broker: str

    @classmethod
    def parse(cls, text: str) -> "StreamNames":
        """Return the names of a Broker that is written as `namespace/name`."""
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

    def parked_stream(self, trigger: str) -> str:
        """Return the name of the stream of a Trigger's parked events."""
        return f"{self.log}_parked_{_token(trigger)}"

    def parked(self, trigger: str) -> str:
        """Return the subject of a Trigger's parked events."""
        return self._subject("parked", _token(trigger))

    def all_parked(self) -> str:
        """Return the subject filter of all parked events."""
        return self._subject("parked", ANY_SUBJECT)

    def event(self, event_type: str) -> str:
        """The subject of events of a type."""
        return self._subject("events", encode(event_type))

    def events(self) -> str:
        """The subjects of all events."""
        return self._subject("events", ANY_SUBJECT)

    def event_type(self, subject: str) -> str:
        """Return the event type of a subject that `event` made."""
        return decode(subject.removeprefix(self._subject("events", "")))

    def scheduled(self, key: str = ANY_SUBJECT) -> str:
        """The subject of one event that waits until it is due; without a key, of all."""
        return self._subject("schedules", f"waiting.{key}")

    def due(self, event_type: str) -> str:
        """The subject to which the schedules publish an event of a type once it is due."""
        return self._subject("schedules", f"due.{encode(event_type)}")

    def all_due(self) -> str:
        """The subjects of all events that came due."""
        return self._subject("schedules", f"due.{ANY_SUBJECT}")

    def replay(self, trigger: str) -> str:
        """The subject of dead letters that are replayed to one Trigger only."""
        return self._subject("replays", _token(trigger))

    def replays(self) -> str:
        """The subjects of all replays."""
        return self._subject("replays", ANY_SUBJECT)

    def dead_letter(self, trigger: str) -> str:
        """The subject of a Trigger's dead letters."""
        return self._subject("deadletters", _token(trigger))

    def all_dead_letters(self) -> str:
        """The subjects of all dead letters."""
        return self._subject("deadletters", ANY_SUBJECT)

    def consumer(self, trigger: str) -> str:
        """The name of a Trigger's durable consumer."""
        return _token(trigger)

    def _subject(self, kind: str, rest: str) -> str:
        return f"{kind}.{self.namespace}.{_token(self.broker)}.{rest}"


def _token(name: str) -> str:
    return name.replace(".", "%2E")
