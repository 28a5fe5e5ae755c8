#!/usr/bin/env bash
# Run a task of knative/base/operations once: create a Job from the suspended CronJob of that name, with these arguments
# in place of its own, print its log, and end with status 1 if it failed. Secrets reach it by reference only.
set -euo pipefail

namespace=ticketing
seconds=3600  # as in knative/base/operations/shared.yaml

if (($# == 0)); then
  echo "Usage: knative/task.sh TASK [ARGUMENT…], in the current context: $(kubectl config current-context)" >&2
  echo "The tasks are: $(kubectl --namespace $namespace get cronjobs --output jsonpath='{.items[?(@.spec.suspend)].metadata.name}')" >&2
  exit 2
fi
task=$1
shift
for argument in "$@"; do
  if [[ ! $argument =~ ^[A-Za-z0-9._/:-]+$ ]]; then
    echo "Argument '$argument' has characters other than letters, digits and . _ / : -" >&2
    exit 2
  fi
done

patch='[]'
if (($#)); then
  arguments=$(printf '"%s",' "$@")
  patch="[{\"op\": \"add\", \"path\": \"/spec/template/spec/containers/0/args\", \"value\": [${arguments%,}]}]"
fi
job=$task-$(date +%s)
kubectl --namespace $namespace create job "$job" --from="cronjob/$task" --dry-run=client --output json |
  kubectl patch --local --filename - --type json --patch "$patch" --output json |
  kubectl create --filename - >&2

finished() {
  kubectl --namespace $namespace get job "$job" --output jsonpath='{.status.conditions[?(@.status=="True")].type}' |
    grep --only-matching --word-regexp --extended-regexp 'Complete|Failed'
}
until result=$(finished); do
  if ((SECONDS > seconds)); then
    echo "Job $job has not ended after $seconds s; it goes on. See: kubectl -n $namespace describe job/$job" >&2
    exit 1
  fi
  sleep 1
done
kubectl --namespace $namespace logs "job/$job"
[[ $result == *Complete* ]]
