"""A dependency of a Trigger, for instance a source: Knative's annotation `knative.dev/dependency`."""

import json

from events.broker.destinations import UnresolvedError
from events.broker.manifest import SPEC_ERRORS, namespace
from events.controller.conditions import READY, Condition
from events.controller.kinds import Object
from events.controller.references import PendingError, References

_ANNOTATION = "knative.dev/dependency"
_TYPE = "DependencyReady"


def dependency(item: Object, references: References) -> Condition:
    """Return the condition of a Trigger's dependency. Reasons are those of Knative's own Trigger."""
    given = (item["metadata"].get("annotations") or {}).get(_ANNOTATION)
    if not given:
        return Condition.true(_TYPE)
    try:
        return _readiness(references.find(json.loads(given), namespace(item)))
    except PendingError as error:
        return Condition.pending(_TYPE, str(error))
    except UnresolvedError as error:
        return Condition.false(_TYPE, "DependencyDoesNotExist", str(error))
    except SPEC_ERRORS as error:
        return Condition.false(_TYPE, "ReferenceError", f"{_ANNOTATION}: {error!r}")


def _readiness(found: Object) -> Condition:
    status = found["status"]
    if status.get("observedGeneration") != found["generation"]:
        return Condition(_TYPE, "Unknown", "GenerationNotEqual", "The dependency's status is out of date.")
    ready = next((entry for entry in status.get("conditions", ()) if entry["type"] == READY), None)
    if ready is None:
        return Condition(
            _TYPE, "Unknown", "DependencyNotConfigured", "The dependency does not report a Ready condition yet."
        )
    return Condition(_TYPE, ready["status"], ready.get("reason", ""), ready.get("message", ""))
