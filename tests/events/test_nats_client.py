"""How a client of NATS chooses its server and says who it is, without a server."""

from importlib.metadata import version

from events.runtime import nats_client
from events.runtime.address import NatsAddress
from events.runtime.server_pool import ServerPool
from tests.events.loop import Loop


def order(loop: Loop, pool: ServerPool, count: int) -> list[str]:
    async def choose() -> list[str]:
        return [(await pool.next(0.0)).uri.netloc for _ in range(count)]

    return loop.run(choose())


def test_every_server_is_tried_before_one_is_tried_again(loop: Loop) -> None:
    pool = ServerPool("nats://127.0.0.1:4222")
    pool.tell(["127.0.0.2:4222", "127.0.0.3:4222"])
    tried = order(loop, pool, 6)
    assert set(tried[:3]) == set(tried[3:]) == {"127.0.0.1:4222", "127.0.0.2:4222", "127.0.0.3:4222"}
    assert tried[:3] == tried[3:]


def test_servers_that_are_no_longer_announced_leave(loop: Loop) -> None:
    pool = ServerPool("nats://127.0.0.1:4222")
    pool.tell(["127.0.0.2:4222", "127.0.0.3:4222"])
    order(loop, pool, 3)
    pool.tell(["127.0.0.3:4222"])
    assert set(order(loop, pool, 4)) == {"127.0.0.1:4222", "127.0.0.3:4222"}


def test_a_name_that_cannot_be_resolved_does_not_stop_the_others(loop: Loop) -> None:
    pool = ServerPool("nats://does-not-exist.invalid")
    pool.tell(["127.0.0.2:4222"])
    assert set(order(loop, pool, 2)) == {"does-not-exist.invalid:4222", "127.0.0.2:4222"}


def test_a_name_is_resolved(loop: Loop) -> None:
    assert order(loop, ServerPool("nats://localhost:1"), 1)[0] in {"127.0.0.1:1", "[::1]:1"}


def test_credentials_of_a_url_are_for_all_servers_and_shown_nowhere() -> None:
    address = NatsAddress.parse("nats://bridge:pa%2Fss@nats:4222")
    assert (address.url, address.user, address.password) == ("nats://nats:4222", "bridge", "pa/ss")
    assert address.inbox_prefix == "_INBOX.bridge"
    assert "pa" not in repr(address)


def test_a_token_is_neither_a_user_nor_shown() -> None:
    address = NatsAddress.parse("nats://secret@nats:4222", user="bridge", password="other")
    assert (address.url, address.user, address.token) == ("nats://nats:4222", None, "secret")
    assert address.inbox_prefix == "_INBOX"
    assert "secret" not in repr(address)


def test_credentials_of_the_environment() -> None:
    environment = {"NATS_URL": "nats://nats:4222", "NATS_USER": "bridge", "NATS_PASSWORD": "pass"}
    assert NatsAddress.from_environment(environment) == NatsAddress("nats://nats:4222", "bridge", "pass")
    assert NatsAddress.from_environment({**environment, "NATS_URL": "nats://operator:x@nats"}).user == "operator"
    assert NatsAddress.from_environment({"NATS_URL": "nats://nats"}) == NatsAddress("nats://nats")


def test_the_patches_of_nats_py_are_for_the_version_that_is_installed() -> None:
    """With another one: compare each method in nats_client.py with the new one's, run tests/events, change VERSION."""
    assert version("nats-py") == nats_client.VERSION
