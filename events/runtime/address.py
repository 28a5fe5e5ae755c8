"""Where NATS is, and which user of it a process is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit, urlunsplit


@dataclass(frozen=True, slots=True)
class NatsAddress:
    """The URL of a NATS server, or of several behind one name, and the credentials for all of them if there are any.

    The URL holds none, since nats-py gives those of a URL to the server of that URL only. A `token` is what a URL has
    in a user's place where it has no password.
    """

    url: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, url: str, user: str | None = None, password: str | None = None) -> "NatsAddress":
        """Return the address of a URL. Credentials in the URL replace those that are given separately."""
        parts = urlsplit(url)
        plain = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
        if parts.password:
            return cls(plain, unquote(parts.username or ""), unquote(parts.password))
        if parts.username:
            return cls(plain, token=unquote(parts.username))
        return cls(plain, user or None, password or None)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "NatsAddress":
        """Return the address that NATS_URL, NATS_USER and NATS_PASSWORD say; the last two are optional."""
        return cls.parse(environment["NATS_URL"], environment.get("NATS_USER"), environment.get("NATS_PASSWORD"))

    @property
    def inbox_prefix(self) -> str:
        """Return where replies come to: a subject of the user's own, which other users need not be able to read."""
        return f"_INBOX.{self.user}" if self.user else "_INBOX"
