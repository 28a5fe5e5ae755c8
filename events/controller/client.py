"""The client of the Kubernetes API."""

import logging
import ssl
from typing import cast

from httpx2 import AsyncHTTPTransport
from lightkube import AsyncClient, KubeConfig, SingleConfig
from lightkube.config.client_adapter import verify_cluster
from lightkube.config.models import User
from lightkube.core import decoders

from events.controller.decoding import decode

LIGHTKUBE_VERSION = "1.0.1"  # which this patch was written for: a test fails when another one is installed
decoders.json_decode = decode  # type: ignore[assignment]  # it accepts all that it is called with


def client() -> AsyncClient:
    """Return a client of the cluster that this process runs in, or else of KUBECONFIG's.

    The certificate authorities of many clusters lack the extensions that RFC 5280 (section 4.2) requires. kubectl
    accepts them, as Python did before 3.13 (https://github.com/kubernetes-client/python/issues/2394), and so does this
    client; signatures, names and dates are checked all the same.
    """
    logging.getLogger("httpx2").setLevel(logging.WARNING)  # it logs every request
    config = cast("SingleConfig", KubeConfig.from_env().get())  # it raises if there is none
    context = verify_cluster(config.cluster, config.user or User(), config.abs_file)
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return AsyncClient(config, transport=AsyncHTTPTransport(verify=context))
