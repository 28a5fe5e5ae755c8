"""Whether a pod that asks Kubernetes' API has an account there, and the roles for it."""

from collections.abc import Iterator

from tests.manifests.rendering import Manifest, label, of_kind, pod_spec, workloads

# The bridge's own, and Knative's, to which every kind of Addressable and of source adds itself
# (config/core/roles/{addressable-resolvers,source-observer}-clusterrole.yaml of knative/eventing).
_KNATIVES = {"addressable-resolver", "source-observer"}
_NEEDED = {"bridge": {"ticketing-bridge", "bridge-lease", *_KNATIVES}}
_BINDINGS = ("ClusterRoleBinding", "RoleBinding")


def violations(manifests: list[Manifest]) -> Iterator[str]:
    """Every pod with a token of no account or without a role, and every binding of a role that is not there."""
    accounts = {_name(found) for found in of_kind(manifests, "ServiceAccount")}
    roles = {name for _, name in map(_name, of_kind(manifests, "ClusterRole", "Role"))} | _KNATIVES
    for binding in of_kind(manifests, *_BINDINGS):
        if (role := binding["roleRef"]["name"]) not in roles:
            yield f"{label(binding)}: there is no role {role}"
    for workload in workloads(manifests):
        if account := pod_spec(workload).get("serviceAccountName"):
            identity = (workload["metadata"]["namespace"], account)
            if identity not in accounts:
                yield f"{label(workload)}: there is no ServiceAccount {account}"
            missing = _NEEDED.get(account, set()) - _roles_of(identity, manifests)
            yield from (f"{label(workload)}: has not the role {role}" for role in sorted(missing))


def _roles_of(identity: tuple[str, str], manifests: list[Manifest]) -> set[str]:
    return {
        binding["roleRef"]["name"]
        for binding in of_kind(manifests, *_BINDINGS)
        if identity in [(subject["namespace"], subject["name"]) for subject in binding["subjects"]]
    }


def _name(manifest: Manifest) -> tuple[str, str]:
    return manifest["metadata"].get("namespace", ""), manifest["metadata"]["name"]
