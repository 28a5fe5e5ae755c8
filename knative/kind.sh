#!/usr/bin/env bash
# Create a cluster in Docker with Knative Serving, Kourier and Knative Eventing's core, at the versions below. Run it
# again to continue after a failure; `kind delete cluster --name ticketing` deletes the cluster.
set -euo pipefail

node=kindest/node:v1.36.1@sha256:3489c7674813ba5d8b1a9977baea8a6e553784dab7b84759d1014dbd78f7ebd5  # of kind 0.32.0
serving=https://github.com/knative/serving/releases/download/knative-v1.22.1
eventing=https://github.com/knative/eventing/releases/download/knative-v1.22.2
kourier=https://github.com/knative-extensions/net-kourier/releases/download/knative-v1.22.1

missing=()
for tool in docker kind kubectl skaffold; do command -v "$tool" >/dev/null || missing+=("$tool"); done
if ((${#missing[@]})); then
  echo "Not installed: ${missing[*]}. See https://kind.sigs.k8s.io/docs/user/quick-start and https://skaffold.dev/docs/install" >&2
  exit 1
fi
minor=$(kubectl version --client --output json | sed -n 's/.*"minor": "\([0-9]*\).*/\1/p')
if ((minor < 32)); then
  echo "kubectl is 1.$minor. Install 1.32 or newer: its kustomize renders the overlays." >&2
  exit 1
fi
if ! docker info >/dev/null 2>&1; then
  echo "The Docker daemon does not respond. Start it, and check with 'docker info' that you may use it." >&2
  exit 1
fi

if kind get clusters 2>/dev/null | grep -qx ticketing; then
  kind export kubeconfig --name ticketing
else
  kind create cluster --name ticketing --image "$node" --wait 3m
fi
kubectl() { command kubectl --context kind-ticketing "$@"; }

# With --force-conflicts: the cluster fills in the rules of aggregated ClusterRoles, and a second run would conflict.
apply() { kubectl apply --server-side --force-conflicts -f "$1"; }
for manifest in "$serving"/serving-crds.yaml "$eventing"/eventing-crds.yaml; do
  apply "$manifest"
done
kubectl wait --for=condition=Established --all crd --timeout=2m
for manifest in "$serving"/serving-core.yaml "$eventing"/eventing-core.yaml "$kourier"/kourier.yaml; do
  apply "$manifest"
done

# Serving's webhook validates its ConfigMaps, so wait for it.
kubectl wait deployment/webhook --namespace knative-serving --for=condition=Available --timeout=5m
settings() { kubectl patch configmap "$1" --namespace knative-serving --type merge --patch "{\"data\": $2}"; }
settings config-network '{"ingress-class": "kourier.ingress.networking.knative.dev"}'
settings config-domain '{"127.0.0.1.sslip.io": ""}'
settings config-deployment '{"registries-skipping-tag-resolving": "kind.local,ko.local,dev.local"}'
# Without this Kourier passes on x-forwarded-for as the client sent it, and clients could forge their address.
settings config-kourier '{"use-remote-address": "true"}'

for namespace in knative-serving knative-eventing kourier-system; do
  kubectl wait deployment --all --namespace "$namespace" --for=condition=Available --timeout=5m
done
echo "Ready. Next: skaffold run --port-forward=user, or skaffold dev -p dev"
