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

decoders.json_decode = decode  # type: ignore[assignment]  # all that it is called with is there


def client() -> AsyncClient:
    """A client of the cluster that this process runs in, or else of KUBECONFIG's.

    Many a cluster's own authority has a certificate without the extensions that RFC 5280 (section 4.2) asks for.
    kubectl takes it, and Python did before 3.13 (https://github.com/kubernetes-client/python/issues/2394). So does
    this; signatures, names and dates are checked all the same.
    """
    logging.getLogger("httpx2").setLevel(logging.WARNING)  # it tells of every request
    config = cast("SingleConfig", KubeConfig.from_env().get())  # it raises if there is none
    context = verify_cluster(config.cluster, config.user or User(), config.abs_file)
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return AsyncClient(config, transport=AsyncHTTPTransport(verify=context))
