"""Which replica leads: the one that holds a Lease (coordination.k8s.io), as client-go's leader election does it.

The leader renews the Lease every two seconds. Another replica takes it once it has not seen it change for the Lease's
duration, by its own clock, so that clocks need not agree. A leader that could not renew it for ten seconds steps down
before another may take it. One that stops releases it.
"""

import asyncio
import logging
import secrets
import socket
from datetime import UTC, datetime

from lightkube import AsyncClient
from lightkube.types import PatchType

from events.controller import kinds
from events.controller.api_errors import NOT_FOUND, code
from events.controller.kinds import Object

_log = logging.getLogger(__name__)

LEASE = kinds.of("coordination.k8s.io/v1", "Lease")
NAME = "bridge"
# Seconds; client-go's defaults for LeaseDuration, RenewDeadline and RetryPeriod.
_DURATION, _RENEW_DEADLINE, _RETRY = 15, 10.0, 2.0


class Lease:
    """The Lease `bridge` of the client's namespace; `leading` is set while this process holds it."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client
        self._namespace = str(client.namespace)
        self._identity = f"{socket.gethostname()}_{secrets.token_hex(4)}"
        self._seen = ""  # the Lease's version, and since when it has that
        self._seen_at = 0.0
        self._renewed_at: float | None = None
        self.leading = asyncio.Event()

    async def run(self) -> None:
        """Acquire and renew until cancelled, then release."""
        try:
            while True:
                began = _clock()
                try:
                    async with asyncio.timeout(_RETRY):
                        self._renewed_at = began if await self._acquire() else None
                except Exception as error:  # noqa: BLE001 any response of the API, or none
                    _log.warning("lease not renewed; retrying in 2 s", extra={"lease": NAME, "reason": repr(error)})
                self._note()
                await asyncio.sleep(_RETRY)
        finally:
            await self._release()

    async def _acquire(self) -> bool:
        """Create, take or renew the Lease; return False if another replica holds it."""
        lease = await self._read()
        if lease is None:
            lease = LEASE.from_dict({"metadata": {"name": NAME}, "spec": dict(self._spec({}))})
            # The client's overloads are of its typed resources only.
            await self._client.create(lease, namespace=self._namespace)  # type: ignore[call-overload]
            return True
        if not self._may_take(lease):
            return False
        await self._write(lease, self._spec(kinds.spec(lease)))
        return True

    async def _read(self) -> Object | None:
        try:
            return await self._client.get(LEASE, NAME, namespace=self._namespace)
        except Exception as error:
            if code(error) == NOT_FOUND:
                return None
            raise

    async def _write(self, lease: Object, spec: Object) -> None:
        """Write the Lease unless it has changed since it was read, which the API answers with 409."""
        version = lease["metadata"]["resourceVersion"]
        patch = {"metadata": {"resourceVersion": version}, "spec": spec}
        await self._client.patch(LEASE, NAME, patch, namespace=self._namespace, patch_type=PatchType.MERGE)

    def _may_take(self, lease: Object) -> bool:
        """Tell if the Lease is this process's, free, or not renewed for its duration."""
        spec, version = kinds.spec(lease), lease["metadata"]["resourceVersion"]
        if spec.get("holderIdentity") in {None, "", self._identity}:
            return True
        if version != self._seen:
            self._seen, self._seen_at = version, _clock()
        return _clock() > self._seen_at + float(spec.get("leaseDurationSeconds", _DURATION))

    def _spec(self, before: Object) -> Object:
        time = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        spec = {"holderIdentity": self._identity, "leaseDurationSeconds": _DURATION, "renewTime": time}
        if before.get("holderIdentity") == self._identity:
            return spec
        return {**spec, "acquireTime": time, "leaseTransitions": before.get("leaseTransitions", -1) + 1}

    def _note(self) -> None:
        """Set or clear `leading`, and log if it changes."""
        leads = self._renewed_at is not None and _clock() < self._renewed_at + _RENEW_DEADLINE
        if leads and not self.leading.is_set():
            _log.info("lease acquired; this replica writes status", extra={"lease": NAME})
            self.leading.set()
        elif self.leading.is_set() and not leads:
            _log.warning("lease lost; another replica writes status", extra={"lease": NAME})
            self.leading.clear()

    async def _release(self) -> None:
        """Let another replica lead at once."""
        if not self.leading.is_set():
            return
        self.leading.clear()
        try:
            async with asyncio.timeout(_RETRY):
                if (lease := await self._read()) and kinds.spec(lease).get("holderIdentity") == self._identity:
                    await self._write(lease, {"holderIdentity": ""})
        except Exception as error:  # noqa: BLE001 as above
            fields = {"lease": NAME, "reason": repr(error)}
            _log.warning("lease not released; another replica takes it in 15 s", extra=fields)


def _clock() -> float:
    return asyncio.get_running_loop().time()
