"""The bridge: a Knative Broker class on JetStream, from the log to CloudEvents over HTTP."""
