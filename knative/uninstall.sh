#!/usr/bin/env bash
# Uninstall an overlay, data included. Brokers and Triggers go first, in every namespace: their finalizer is removed by
# the bridge once their streams and consumers are deleted, so the bridge must still run then.
set -euo pipefail
cd "$(dirname "$0")"
overlay=overlays/${1:-} context=${2:-}
if [[ -z ${1:-} || ! -d $overlay || -z $context ]]; then
  echo "Usage: $0 OVERLAY CONTEXT" >&2
  echo "OVERLAY is one of: $(ls overlays | xargs)" >&2
  echo "CONTEXT is a context of kubectl and has no default; the current one is: $(kubectl config current-context 2>/dev/null || echo none)" >&2
  exit 2
fi
echo "Uninstalling $overlay from $context"
kubectl() { command kubectl --context "$context" "$@"; }

held='{{range .items}}{{$one := .}}{{range .metadata.finalizers}}{{if eq . "jetstream.ticketing.dev/bridge"}}'
held+='{{$one.metadata.namespace}} {{$one.metadata.name}}{{"\n"}}{{end}}{{end}}{{end}}'
for kind in trigger broker; do
  kubectl get "$kind" --all-namespaces --output go-template="$held" | while read -r namespace name; do
    kubectl delete "$kind" "$name" --namespace "$namespace" --timeout=2m </dev/null || {
      echo "$kind $namespace/$name still has its finalizer. Check that the bridge runs: kubectl --context $context -n ticketing logs deploy/bridge" >&2
      echo "If the bridge is gone, remove the finalizer by hand; streams and consumers then stay in NATS:" >&2
      echo "kubectl --context $context -n $namespace patch $kind $name --type=merge --patch '{\"metadata\": {\"finalizers\": null}}'" >&2
      exit 1
    }
  done
done
kubectl delete --kustomize "$overlay" --ignore-not-found
