"""The client of the Kubernetes API."""

import logging
import ssl
import sys
from typing import cast

from httpx2 import AsyncHTTPTransport
from lightkube import AsyncClient, KubeConfig, SingleConfig
from lightkube.config.client_adapter import verify_cluster
from lightkube.config.models import User

_DEEPEST = 12_000  # objects within each other: of JSON, Kubernetes takes 10,000, and Python 1,000 unless told otherwise


def client() -> AsyncClient:
    """A client of the cluster that this process runs in, or else of KUBECONFIG's.

    Many a cluster's own authority has a certificate without the extensions that RFC 5280 (section 4.2) asks for.
    kubectl takes it, and Python did before 3.13 (https://github.com/kubernetes-client/python/issues/2394). So does
    this; signatures, names and dates are checked all the same.
    """
    logging.getLogger("httpx2").setLevel(logging.WARNING)  # it tells of every request
    sys.setrecursionlimit(_DEEPEST)  # or one object, by whomever, would keep all others from being read
    config = cast("SingleConfig", KubeConfig.from_env().get())  # it raises if there is none
    context = verify_cluster(config.cluster, config.user or User(), config.abs_file)
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return AsyncClient(config, transport=AsyncHTTPTransport(verify=context))
