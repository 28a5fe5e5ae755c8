"""Whom the control plane takes for the Kubernetes API."""

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from httpx2 import ConnectError

from events.controller.client import client
from events.controller.decoding import decode
from events.controller.kinds import BROKER
from tests.events.api_server import ApiServer
from tests.events.authority import Authority
from tests.events.loop import Loop

HOST = "127.0.0.1"
Trust = Callable[[Authority], None]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "kubernetes")


@pytest.fixture
def secure(authority: Authority) -> Iterator[ApiServer]:
    """An API server that the authority vouches for."""
    server = ApiServer(tls=authority.server(HOST))
    yield server
    server.stop()


@pytest.fixture
def trust(secure: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trust:
    """Names the authority that KUBECONFIG tells to trust, to a Python that is as strict as it is from 3.13 on."""
    create = ssl.create_default_context

    def strict(*args: object, **kwargs: object) -> ssl.SSLContext:
        context = create(*args, **kwargs)  # type: ignore[arg-type]
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        return context

    def trust(authority: Authority) -> None:
        cluster = {"server": secure.url, "certificate-authority": str(authority.certificate)}
        path = tmp_path / "kubeconfig"
        path.write_text(
            yaml.safe_dump(
                {
                    "current-context": "here",
                    "contexts": [{"name": "here", "context": {"cluster": "this", "user": "me"}}],
                    "clusters": [{"name": "this", "cluster": cluster}],
                    "users": [{"name": "me", "user": {}}],
                }
            )
        )
        monkeypatch.setenv("KUBECONFIG", str(path))
        monkeypatch.setattr(ssl, "create_default_context", strict)

    return trust


async def _brokers() -> list[object]:
    api = client()
    try:
        return [broker async for broker in api.list(BROKER, namespace="default")]
    finally:
        await api.close()


def test_an_authority_of_the_old_kind(authority: Authority, trust: Trust, loop: Loop) -> None:
    trust(authority)
    assert loop.run(_brokers()) == []


def test_another_authority_of_the_same_name(tmp_path: Path, trust: Trust, loop: Loop) -> None:
    (tmp_path / "other").mkdir()
    trust(Authority(tmp_path / "other", "kubernetes"))
    with pytest.raises(ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        loop.run(_brokers())


def test_an_object_that_is_too_deep_is_read_but_for_its_depth() -> None:
    """Brackets within strings are none."""
    strings = r'"before": "[[\\", "{\"[": "\u005b\\\""'
    deep = "[{}, " * 20_000 + "1" + "]" * 20_000
    found = decode(f'{{{strings}, "deep": {deep}, "list": [{deep}, {{"after": true}}]}}')
    assert found.items() >= {"before": "[[\\", '{"[': '[\\"'}.items()
    assert found["list"][1] == {"after": True}
    assert found["deep"][1][1][1][0] == {}
