"""Kubernetes: whether a cluster of yours is configured, and whether it answers.

This version starts no control plane: without a cluster, jobs run as local processes.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")
CONTROL_PLANE = ("etcd", "kube-apiserver")
TIMEOUT_S = 2.0


@dataclass(frozen=True)
class Cluster:
    """A cluster that the environment names."""

    source: str
    """The source of its address."""
    version: str | None
    """Version that its API server reports; None if it does not answer."""
    problem: str = ""


def find_cluster(timeout_s: float = TIMEOUT_S) -> Cluster | None:
    """The cluster that `KUBECONFIG`, `~/.kube/config` or the pod's own account names."""
    source = _source()
    if source is None:
        return None
    import urllib3
    from kubernetes import client, config

    try:
        if source == "in-cluster":
            config.load_incluster_config()
        else:
            config.load_kube_config()
        settings = client.Configuration.get_default_copy()
        settings.retries = urllib3.Retry(0)
        with client.ApiClient(settings) as api:
            version = client.VersionApi(api).get_code(_request_timeout=timeout_s).git_version
    except (
        config.ConfigException,
        client.ApiException,
        urllib3.exceptions.HTTPError,
        OSError,
    ) as error:
        return Cluster(source, None, _in_short(error))
    return Cluster(source, str(version))


def control_plane_binaries() -> Path | None:
    """The folder of control-plane programs, by the envtest convention or on PATH."""
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    places = [Path(assets)] if assets else []
    if on_path := shutil.which("kube-apiserver"):
        places.append(Path(on_path).parent)
    for place in places:
        if all((place / program).is_file() for program in CONTROL_PLANE):
            return place
    return None


def _source() -> str | None:
    if os.environ.get("KUBECONFIG"):
        return "KUBECONFIG"
    if (Path.home() / ".kube" / "config").is_file():
        return "~/.kube/config"
    if os.environ.get("KUBERNETES_SERVICE_HOST") and SERVICE_ACCOUNT.is_file():
        return "in-cluster"
    return None


def _in_short(error: Exception) -> str:
    """The last clause of what went wrong, without the layers that passed it on."""
    cause = getattr(error, "reason", None) or error
    return str(cause).strip().rpartition(": ")[2] or type(error).__name__
