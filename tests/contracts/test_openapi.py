"""The OpenAPI document: it lists what the gateway leads to, and the running system keeps what it promises."""

import hashlib
import hmac
import json
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
import yaml
from jsonschema_rs import Draft202012Validator

from local import gateway, manifests, servers
from tests.e2e.person import Person
from tests.e2e.stack import Stack
from tests.functions import prices

PATH = "/api/openapi.json"
FILE = manifests.ENVOY.with_name("openapi.json")
DOCUMENT: dict[str, Any] = json.loads(FILE.read_text())
SCHEMATHESIS = [str(servers.WHEEL_BINARIES / "schemathesis"), "--config-file"]
CONFIGURATION = str(Path(__file__).with_name("schemathesis.toml"))
CLOUDEVENT = "application/cloudevents+json"
FEW = ["--phases", "examples,fuzzing", "--mode", "positive", "--max-examples", "4"]
EVERYTHING: list[str] = []

_TEXT = {"type": "string", "minLength": 1, "pattern": "^[^\\u0000-\\u001f\\u007f-\\u009f]*$"}
ENVELOPE: dict[str, Any] = {
    "type": "object",
    "required": ["specversion", "id", "source", "type", "data"],
    "properties": {"specversion": {"const": "1.0"}, "id": _TEXT, "source": _TEXT, "type": _TEXT},
}

Operation = tuple[str, str]  # method and path

# What schemathesis cannot bring about: it cannot sign, and pays for the orders that it makes before it cancels them.
BY_HAND = {("POST", "/api/payments/webhook"), ("DELETE", "/api/orders/{id}")}


def routes() -> dict[Operation, str]:
    """The API's routes, each with its function; pages are outside of the document."""
    api = [route for route in gateway.routes() if route.path.startswith("/api/")]
    return {(route.method, route.path.replace(":id", "{id}")): route.function for route in api}


def test_the_document_lists_every_route_and_the_function_behind_it() -> None:
    documented = {
        (method.upper(), path): operation["operationId"]
        for path, item in DOCUMENT["paths"].items()
        for method, operation in item.items()
        if method != "parameters"
    }

    assert documented == routes() | {("GET", PATH): "openapi"}


def test_the_document_is_where_the_gateway_looks_for_it_in_a_cluster() -> None:
    [manifest] = [
        found for found in manifests.read() if (found["kind"], found["metadata"]["name"]) == ("Service", "gateway")
    ]
    [mount] = manifests.container(manifest)["volumeMounts"]
    kustomization = yaml.safe_load(FILE.with_name("kustomization.yaml").read_text())

    assert f"filename: {mount['mountPath']}/{FILE.name}" in manifests.ENVOY.read_text()
    assert FILE.name in kustomization["configMapGenerator"][0]["files"]


def test_the_gateway_serves_the_document(stack: Stack) -> None:
    answer = requests.get(f"{stack.url}{PATH}", timeout=30)

    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.text == FILE.read_text()


def test_the_document_takes_the_prices_that_the_system_takes() -> None:
    """Of numbers it cannot tell how many decimals they have."""
    price = Draft202012Validator({**DOCUMENT, "$ref": "#/components/schemas/SentPrice"})
    texts = [told for told in prices.BAD if told.startswith('"')]

    assert [told for told in prices.GOOD if not price.is_valid(json.loads(told))] == []
    assert [text for text in texts if price.is_valid(json.loads(text))] == []


def test_no_number_must_be_a_multiple_of_another() -> None:
    """Validators that divide binary floats find that 19.99 is none of 0.01."""
    assert "multipleOf" not in FILE.read_text()


def test_a_signature_may_be_one_of_several() -> None:
    """With each secret while a new one takes over, and by other schemes (https://docs.stripe.com/webhooks)."""
    pattern = DOCUMENT["components"]["parameters"]["signature"]["schema"]["pattern"]
    [one, other] = ["0" * 64, "a1" * 32]

    assert all(re.search(pattern, f"t=1,{more}") for more in (f"v1={one}", f"v1={one},v1={other},v0={other}"))
    assert not any(re.search(pattern, forged) for forged in ("", "t=1", f"v1={one}", f"t=1,v1={one},", "t=1,v1=x"))


@pytest.mark.parametrize(
    "options", [pytest.param(FEW, id="few"), pytest.param(EVERYTHING, id="everything", marks=pytest.mark.slow)]
)
def test_the_running_system_keeps_what_the_document_promises(stack: Stack, tmp_path: Path, options: list[str]) -> None:
    report = tmp_path / "requests.har"
    ask(stack, tmp_path, f"{stack.url}{PATH}", "--report-har-path", str(report), *options)
    if options is EVERYTHING:
        assert succeeded(json.loads(report.read_text())) | BY_HAND == set(routes())


@pytest.mark.slow
def test_the_running_system_takes_and_sends_the_same_as_cloudevents(stack: Stack, tmp_path: Path) -> None:
    """The document has JSON only: generated clients cannot use a response that may be of two types."""
    document = tmp_path / "cloudevents.json"
    document.write_text(json.dumps(with_cloudevents(DOCUMENT)))
    ask(stack, tmp_path, str(document), "--url", stack.url, *FEW, "--header", f"Accept: {CLOUDEVENT}")


def ask(stack: Stack, folder: Path, document: str, *options: str) -> None:
    token = Person(stack.url).cookies["session"]
    command = [*SCHEMATHESIS, CONFIGURATION, "run", document, *options]
    asked = subprocess.run(
        command, cwd=folder, env={"TOKEN": token, "NO_PROXY": "*"}, capture_output=True, text=True, check=False
    )
    assert asked.returncode == 0, asked.stdout + asked.stderr


def with_cloudevents(found: Any) -> Any:  # noqa: ANN401 - any JSON
    """Return the document with a CloudEvent beside each body in JSON, whose data is that body."""
    if isinstance(found, list):
        return [with_cloudevents(item) for item in found]
    if not isinstance(found, dict):
        return found
    copy = {name: with_cloudevents(value) for name, value in found.items()}
    if isinstance(copy.get("content"), dict) and "application/json" in copy["content"]:
        event = ENVELOPE | {
            "properties": ENVELOPE["properties"] | {"data": copy["content"]["application/json"]["schema"]}
        }
        copy["content"] = copy["content"] | {CLOUDEVENT: {"schema": event}}
    return copy


@pytest.mark.parametrize("method_and_path", routes())
def test_who_may_call_a_route_is_said(method_and_path: Operation) -> None:
    method, path = method_and_path
    assert "security" in DOCUMENT["paths"][path][method.lower()]


def test_every_body_has_one_media_type() -> None:
    """A client that is generated cannot be strictly typed otherwise."""
    contents = [list(content) for content in found_in(DOCUMENT, "content")]
    assert contents
    assert {len(media_types) for media_types in contents} == {1}


def found_in(found: Any, name: str) -> Iterator[Any]:  # noqa: ANN401 - any JSON
    """Every value of that name, however deep."""
    for key, value in found.items() if isinstance(found, dict) else enumerate(found) if isinstance(found, list) else ():
        if key == name:
            yield value
        yield from found_in(value, name)


def test_a_signed_webhook_is_answered_as_the_document_promises(stack: Stack) -> None:
    answer = send_webhook(stack, signed_with=(stack.state / "secrets/stripe-secret/STRIPE_WEBHOOK_SECRET").read_text())
    forged = send_webhook(stack, signed_with="a guess")

    assert (answer.status_code, forged.status_code) == (200, 400)
    assert_promised("POST", "/api/payments/webhook", answer)
    assert_promised("POST", "/api/payments/webhook", forged)


def test_an_order_is_cancelled_as_the_document_promises(stack: Stack) -> None:
    buyer = Person(stack.url)
    answer = buyer.api("DELETE", f"/orders/{buyer.reserve(Person(stack.url).sell())}")

    assert answer.status_code == 204
    assert_promised("DELETE", "/api/orders/{id}", answer)


@pytest.mark.parametrize(
    ("token", "status"), [("tok_visa", 201), ("tok_chargeDeclined", 402), ("pm_card_authenticationRequired", 402)]
)
def test_a_payment_is_answered_as_the_document_promises(stack: Stack, token: str, status: int) -> None:
    buyer = Person(stack.url)
    order = buyer.reserve(Person(stack.url).sell())
    answer, again = buyer.pay(order, token), buyer.pay(order, token)

    assert (answer.status_code, again.status_code) == (status, 400)
    assert_promised("POST", "/api/payments", answer)
    assert_promised("POST", "/api/payments", again)


def test_a_browsers_payment_is_answered_as_the_document_promises(stack: Stack) -> None:
    buyer = Person(stack.url)
    order = buyer.reserve(Person(stack.url).sell())
    answer, again = buyer.begin_to_pay(order), buyer.begin_to_pay(order)

    assert (answer.status_code, again.json()) == (201, answer.json())
    assert_promised("POST", "/api/payments", answer)


def send_webhook(stack: Stack, signed_with: str) -> requests.Response:
    """Send the event of a charge that no order has, as the provider would."""
    intent = {"id": "pi_1", "amount": 2000, "currency": "usd", "metadata": {}}
    body = json.dumps({"type": "payment_intent.succeeded", "data": {"object": intent}})
    now = int(time.time())
    signature = hmac.new(signed_with.encode(), f"{now}.{body}".encode(), hashlib.sha256).hexdigest()
    headers = {"Content-Type": "application/json", "Stripe-Signature": f"t={now},v1={signature}"}
    return requests.post(f"{stack.url}/api/payments/webhook", data=body, headers=headers, timeout=30)


def assert_promised(method: str, path: str, answer: requests.Response) -> None:
    """The document names this status for the route, and the answer is what it says of it."""
    operation = schemathesis.openapi.from_dict(DOCUMENT)[path][method]
    assert str(answer.status_code) in operation.definition.raw["responses"]
    operation.validate_response(answer)


def succeeded(har: dict[str, Any]) -> set[Operation]:
    """The routes that were seen to do their work: where every request is refused, not much is checked."""
    done = [entry["request"] for entry in har["log"]["entries"] if entry["response"]["status"] in range(200, 300)]
    return {
        (request["method"], re.sub("/[0-9a-fA-F]{24}(?=/|$)", "/{id}", path_of(request["url"]))) for request in done
    }


def path_of(url: str) -> str:
    return "/" + url.split("/", 3)[3].partition("?")[0]
