#!/usr/bin/env bash
# Takes an overlay away, data included, in the one order that ends: the bridge holds Brokers and Triggers, in every
# namespace, until it has removed their streams, so they go before it.
set -euo pipefail
cd "$(dirname "$0")"
overlay=overlays/${1:-} context=${2:-}
if [[ -z ${1:-} || ! -d $overlay || -z $context ]]; then
  echo "Usage: $0 OVERLAY CONTEXT" >&2
  echo "OVERLAY is one of: $(ls overlays | xargs)" >&2
  echo "CONTEXT, of kubectl's, is never taken for granted; the current one is: $(kubectl config current-context 2>/dev/null || echo none)" >&2
  exit 2
fi
echo "Taking $overlay away from $context"
kubectl() { command kubectl --context "$context" "$@"; }

held='{{range .items}}{{$one := .}}{{range .metadata.finalizers}}{{if eq . "jetstream.ticketing.dev/bridge"}}'
held+='{{$one.metadata.namespace}} {{$one.metadata.name}}{{"\n"}}{{end}}{{end}}{{end}}'
for kind in trigger broker; do
  kubectl get "$kind" --all-namespaces --output go-template="$held" | while read -r namespace name; do
    kubectl delete "$kind" "$name" --namespace "$namespace" --timeout=2m </dev/null || {
      echo "$kind $namespace/$name is still held. Is the bridge up? kubectl --context $context -n ticketing logs deploy/bridge" >&2
      echo "Where there is no bridge any more, let go of it by hand, and streams and consumers stay in NATS:" >&2
      echo "kubectl --context $context -n $namespace patch $kind $name --type=merge --patch '{\"metadata\": {\"finalizers\": null}}'" >&2
      exit 1
    }
  done
done
kubectl delete --kustomize "$overlay" --ignore-not-found
