"""URLs of subscribers are requested as they are written, and shown without what may be secret."""

import pytest

from events.broker.model import Destination
from events.broker.urls import redact
from tests.events.harness import Answer, Sink, Stage, event

OPAQUE = [
    "/a%2Fb/%41?sig=a%2Fb%2Bc%3D%3D&t=%7E",
    "/a/./b//c/",
    "/~user/(x)/;p=1/%c3%A4?q=a+b&q='*'&r[]=%20#",
    "",
]


@pytest.mark.parametrize("uri", OPAQUE)
def test_a_uri_is_requested_byte_for_byte(stage: Stage, sink: Sink, uri: str) -> None:
    stage.trigger("all", sink, subscriber={"uri": sink.url.rstrip("/") + uri})
    stage.start_bridge()
    stage.publish(event())
    assert sink.await_requests(1)[0].path == (uri.rstrip("#") or "/")


def test_a_uri_beside_a_reference_is_requested_byte_for_byte(stage: Stage, sink: Sink) -> None:
    subscriber = {**stage.function("function", sink), "uri": OPAQUE[0]}
    stage.trigger("all", sink, subscriber=subscriber)
    stage.start_bridge()
    stage.publish(event())
    assert sink.await_requests(1)[0].path == OPAQUE[0]


def test_characters_that_no_uri_has_are_encoded(stage: Stage, sink: Sink) -> None:
    stage.trigger("all", sink, subscriber={"uri": f"{sink.url}ü b\r\nX-Evil: 1"})
    stage.start_bridge()
    stage.publish(event())
    (request,) = sink.await_requests(1)
    assert request.path == "/%C3%BC%20b%0D%0AX-Evil:%201"
    assert "x-evil" not in request.headers


def test_credentials_in_a_uri_are_sent(stage: Stage, sink: Sink) -> None:
    uri = sink.url.replace("http://", "http://user:p%2Fw@")
    stage.trigger("all", sink, subscriber={"uri": f"{uri}a%2Fb"})
    stage.start_bridge()
    stage.publish(event())
    (request,) = sink.await_requests(1)
    assert (request.path, request.headers["authorization"]) == ("/a%2Fb", "Basic dXNlcjpwL3c=")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://host:80/path", "http://host:80/path"),
        ("http://user:secret@host/?token=secret&x=secret", "http://***@host/?token=***&x=***"),
        ("http://secret@host/", "http://***@host/"),
        ("http://host/?secret", "http://host/?***"),
        ("http://[secret", "***"),
    ],
)
def test_secrets_are_masked(url: str, shown: str) -> None:
    assert redact(url) == shown
    assert repr(Destination(url, url)) == shown


def test_secrets_of_a_subscriber_are_in_no_log_and_no_dead_letter(
    stage: Stage, sink: Sink, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    sink.answer = lambda _: Answer(400)
    uri = sink.url.replace("http://", "http://user:s3cret@") + "?token=s3cret"
    stage.trigger("all", sink, subscriber={"uri": uri})
    stage.trigger("nowhere", sink, subscriber={"uri": "ftp://user:s3cret@host/?token=s3cret"})
    stage.start_bridge()
    stage.publish(event())
    letters = stage.await_letters(2)
    assert "***@" in str([letter.headers for letter in letters])
    assert "s3cret" not in str(letters)
    assert "s3cret" not in "".join(str(record.__dict__) for record in caplog.records)
