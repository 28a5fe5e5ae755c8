"""What people apply is right."""

import re
import tomllib
from base64 import b64decode
from pathlib import Path
from urllib.parse import urlsplit

import jwt
import pytest
import yaml

from events import keyring
from functions.payments.webhook import ENDS, REFUND_FAILED
from tests.manifests.checks import CHECKS, EXCEPTIONS
from tests.manifests.environment import secrets
from tests.manifests.rendering import APPLIED, KNATIVE, Manifest, containers, of_kind, pod_spec, workloads

SECRETS = (KNATIVE.parent / "docs/operations/secrets.md").read_text()
INSTALL = (KNATIVE.parent / "docs/operations/install.md").read_text()
OFF = {"console"}  # people add it to their overlay: test_console does
DATABASES = ("auth", "tickets", "orders", "payments")
_VERSION = re.compile(r"-\d+-\d+-\d+$")  # in the name of a Job

Rendered = dict[str, list[Manifest]]


@pytest.mark.parametrize("about", CHECKS)
@pytest.mark.parametrize("name", APPLIED)
def test_an_overlay_passes_every_check(rendered: Rendered, name: str, about: str) -> None:
    if (name, about) in EXCEPTIONS:
        assert list(CHECKS[about](rendered[name])), "an exception that nothing needs"
    else:
        assert list(CHECKS[about](rendered[name])) == []


def test_production_holds_no_secret_and_its_page_names_each_with_all_that_read_it(rendered: Rendered) -> None:
    rows = re.findall(r"^\| `([\w<>-]+)` \| `(\w+)` \| [^|]+ \| ([^|]+) \|$", SECRETS, re.MULTILINE)
    told = {
        (name.replace("<service>", service), key): set(re.findall(r"`([\w-]+)`", cell.replace("<service>", service)))
        for name, key, cell in rows
        for service in DATABASES
    }
    readers: dict[tuple[str, str], set[str]] = {}
    for name, key, reader in secrets(rendered["production"]):
        readers.setdefault((name, key), set()).add(_VERSION.sub("", reader.split()[1]))

    assert of_kind(rendered["production"], "Secret") == []
    assert readers == told


def test_only_who_signs_has_a_signing_key(rendered: Rendered) -> None:
    holders = {
        (key, user.rpartition(" ")[2])
        for _, key, user in secrets(rendered["production"])
        if key.endswith("SIGNING_KEY")
    }
    assert holders == {
        ("SESSION_SIGNING_KEY", "auth-signup"),
        ("SESSION_SIGNING_KEY", "auth-signin"),
        ("EVENTS_SIGNING_KEY", "bridge"),
    }


@pytest.mark.parametrize("name", ["local", "dev"])
def test_secrets_for_a_laptop_are_pairs_and_cannot_replace_those_of_production(rendered: Rendered, name: str) -> None:
    generated = {found["metadata"]["name"]: found["data"] for found in of_kind(rendered[name], "Secret")}
    values = {key: b64decode(value).decode() for data in generated.values() for key, value in data.items()}

    assert generated.keys().isdisjoint(name for name, _, _ in secrets(rendered["production"]))
    for pair in ("SESSION", "EVENTS"):
        [key_id] = keyring.read_public_keys(values[f"{pair}_PUBLIC_KEYS"])
        token = keyring.sign({}, values[f"{pair}_SIGNING_KEY"])
        assert jwt.get_unverified_header(token)["kid"] == key_id


def test_productions_page_names_the_webhook_and_every_event_that_it_takes() -> None:
    assert "`https://<your domain>/api/payments/webhook`" in INSTALL
    assert set(re.findall(r"`((?:payment_intent|refund)\.\w+)`", INSTALL)) == {*ENDS, REFUND_FAILED}


def test_production_survives_the_loss_of_any_pod(rendered: Rendered) -> None:
    manifests = rendered["production"]
    replicas = {found["metadata"]["name"]: found["spec"]["replicas"] for found in of_kind(manifests, "Deployment")}
    members = {found["metadata"]["name"]: found["spec"]["replicas"] for found in of_kind(manifests, "StatefulSet")}
    guarded = {found["metadata"]["name"] for found in of_kind(manifests, "PodDisruptionBudget")}

    assert set(replicas.values()) == {2}
    assert set(members.values()) == {3}
    assert guarded == {*replicas, *members, "gateway"}
    for workload in of_kind(manifests, "Deployment", "StatefulSet"):
        assert pod_spec(workload)["topologySpreadConstraints"]


def test_a_rollout_in_production_waits_for_no_cordoned_node_and_a_member_with_a_volume_does(rendered: Rendered) -> None:
    policies = {
        kind: {
            constraint.get("nodeTaintsPolicy", "Ignore")
            for workload in of_kind(rendered["production"], kind)
            for constraint in pod_spec(workload)["topologySpreadConstraints"]
            if constraint["whenUnsatisfiable"] == "DoNotSchedule"
        }
        for kind in ("Deployment", "StatefulSet")
    }

    assert policies == {"Deployment": {"Honor"}, "StatefulSet": {"Ignore"}}


def test_a_replica_set_is_made_of_as_many_members_as_there_are_pods(rendered: Rendered) -> None:
    for name in ("local", "production"):
        for workload in of_kind(rendered[name], "StatefulSet"):
            declared = {entry["name"]: entry.get("value") for entry in containers(workload)[0]["env"]}
            if "MEMBERS" in declared:
                assert declared["MEMBERS"] == str(workload["spec"].get("replicas", 1))


def test_a_member_of_a_replica_set_finds_its_own_name_without_dns() -> None:
    script = (KNATIVE / "components/mongodb/replica-set/initiate.js").read_text()

    assert "`${set}.${process.env.NAMESPACE}.svc.cluster.local`" in script  # as it stands in a pod's /etc/hosts
    assert "host: `${set}-${n}.${domain}:27017`" in script


def test_in_production_each_client_of_a_database_is_a_user_of_it(rendered: Rendered) -> None:
    for workload in workloads(rendered["production"]):
        declared = {entry["name"]: entry for entry in containers(workload)[0].get("env", [])}
        if "MONGO_URI" in declared and "ADMIN_PASSWORD" not in declared:
            service = urlsplit(declared["MONGO_URI"]["value"]).path.strip("/")
            user = "relay" if "events.relay" in " ".join(containers(workload)[0]["command"]) else "functions"
            secret = {"name": f"{service}-mongo-{user}", "key": "PASSWORD"}
            assert declared["MONGO_USER"]["value"] == user
            assert declared["MONGO_PASSWORD"]["valueFrom"] == {"secretKeyRef": secret}
        else:
            assert "MONGO_USER" not in declared


def test_in_production_members_and_clients_of_a_database_authenticate(rendered: Rendered) -> None:
    for workload in of_kind(rendered["production"], "StatefulSet"):
        member, *before = containers(workload)
        if member["name"] == "mongo":
            assert member["args"][-2:] == ["--keyFile", "/key/KEYFILE"]
            assert [found["command"][-1] for found in before] == ["/key/KEYFILE"]


def test_a_machine_of_two_cores_holds_the_local_overlay_when_every_function_starts(rendered: Rendered) -> None:
    requests = [
        found["resources"]["requests"]["cpu"]
        for workload in workloads(rendered["local"])
        if not workload["spec"].get("suspend")
        for found in containers(workload)
    ]
    sidecars = [
        found["spec"]["template"]["metadata"]["annotations"]["queue.sidecar.serving.knative.dev/cpu-resource-request"]
        for found in of_kind(rendered["local"], "serving.knative.dev/Service")
    ]

    assert (
        sum(int(request.removesuffix("m")) for request in [*requests, *sidecars]) <= 800
    )  # of 2000, with Knative's own


@pytest.mark.parametrize(("name", "pods"), [("local", "1"), ("dev", "1"), ("production", "2")])
def test_the_gateway_is_never_cold(rendered: Rendered, name: str, pods: str) -> None:
    services = of_kind(rendered[name], "serving.knative.dev/Service")
    [gateway] = [found for found in services if found["metadata"]["name"] == "gateway"]

    assert gateway["spec"]["template"]["metadata"]["annotations"]["autoscaling.knative.dev/min-scale"] == pods


@pytest.mark.parametrize(("name", "gigabytes"), [("local", 0.25), ("production", 1)])
def test_a_database_keeps_half_of_its_memory_for_what_is_no_cache(
    rendered: Rendered, name: str, gigabytes: float
) -> None:
    databases = [containers(found)[0] for found in of_kind(rendered[name], "StatefulSet")]
    limits = {
        container["resources"]["limits"]["memory"]
        for container in databases
        if container.get("args", [])[:2] == ["--wiredTigerCacheSizeGB", str(gigabytes)]
    }

    assert [int(limit.removesuffix("Gi")) >= 2 * gigabytes for limit in limits] == [True]


def test_our_images_have_the_projects_version(rendered: Rendered) -> None:
    version = tomllib.loads((KNATIVE.parent / "pyproject.toml").read_text())["project"]["version"]
    images = {found["image"] for workload in workloads(rendered["production"]) for found in containers(workload)}

    assert {image for image in images if image.startswith("ticketing")} == {f"ticketing:{version}"}


def test_each_version_has_migrations_of_its_own(rendered: Rendered) -> None:
    """A Job cannot be changed, so one of the same name would not run again."""
    version = tomllib.loads((KNATIVE.parent / "pyproject.toml").read_text())["project"]["version"]
    names = {found["metadata"]["name"] for found in of_kind(rendered["production"], "Job")}

    assert names
    assert [name for name in names if not name.endswith("-migrate-" + version.replace(".", "-"))] == []


def test_a_migration_on_a_laptop_runs_at_each_installation(rendered: Rendered) -> None:
    assert {found["spec"]["ttlSecondsAfterFinished"] for found in of_kind(rendered["local"], "Job")} == {0}


def test_images_of_others_are_pinned_by_digests(rendered: Rendered) -> None:
    unknown = {"envoyproxy/envoy", "natsio/prometheus-nats-exporter"}  # their digests have not been looked up yet
    images = {found["image"] for workload in workloads(rendered["production"]) for found in containers(workload)}

    assert {image.partition(":")[0] for image in images if "@sha256:" not in image} == {"ticketing", *unknown}


@pytest.mark.parametrize("component", sorted((KNATIVE / "components").iterdir()), ids=lambda path: path.name)
def test_a_component_has_a_readme_and_is_part_of_an_overlay(component: Path) -> None:
    used = "".join(path.read_text() for path in KNATIVE.glob("overlays/*/kustomization.yaml"))

    assert (component / "README.md").is_file()
    assert (f"../../components/{component.name}\n" in used) is (component.name not in OFF)


def test_every_file_is_part_of_a_kustomization() -> None:
    folders = [path.parent for path in KNATIVE.rglob("kustomization.yaml")]
    words = {folder: set(re.split(r"[\s\[\],{}]+", (folder / "kustomization.yaml").read_text())) for folder in folders}
    told = {"kustomization.yaml", "README.md"}

    assert [path for folder in folders for path in folder.glob("*.*") if path.name not in words[folder] | told] == []


def test_every_kubectl_renders_the_same() -> None:
    """Before 5.7, kustomize takes a pattern in a target for a name, and leaves out what it does not find."""
    targets = [
        target["select"]["name"]
        for path in KNATIVE.rglob("kustomization.yaml")
        for replacement in yaml.safe_load(path.read_text()).get("replacements", [])
        for target in replacement["targets"]
    ]

    assert targets
    assert [name for name in targets if not re.fullmatch(r"[a-z-]+", name)] == []
    assert [path for path in KNATIVE.rglob("*.yaml") if "sourceValue" in path.read_text()] == []
