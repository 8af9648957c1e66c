"""A project on Kubernetes: the objects that run it on many hosts, made from its settings.

Hosts that answer are one deployment, scaled by load; hosts that fold, flush, train and keep schedules another, of which
one works and one stands by. They share nothing but the servers of the settings. What is written is JSON, which is
YAML: ``kubectl apply -f`` takes it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any, Literal

from tidewheel.errors import ConfigError, InputError
from tidewheel.runtime.config import Settings

Json = dict[str, Any]
SERVERS = ("catalog", "log", "state", "lake", "artifacts")
"""Settings that have to name a server before hosts can share a project."""
DATA = "/data"
DRAIN_SECONDS = 30
LEAVE_SECONDS = 5
"""Between leaving the service and draining: balancers learn of the former a moment later."""
STARTUP = {"periodSeconds": 2, "failureThreshold": 90}


@dataclass(frozen=True)
class Cluster:
    """What a cluster asks beyond the project's settings.

    Attributes
    ----------
    name : str
        Of every object, with ``-serve`` and ``-work`` behind it.
    image : str
        The container with tidewheel and the project in it.
    folder : str
        The project's folder in the image.
    env : str
        The environment of ``tidewheel.toml``.
    least, most : int
        Answering hosts.
    scale : str
        ``hpa`` by processor time, ``keda`` by decisions a second, ``none``.
    rate : int
        Decisions a second for which another host is added (``keda``).
    prometheus : str
        Where those are read (``keda``).
    monitor : bool
        Whether the Prometheus operator is to scrape the answering hosts.
    secret : str
        A secret whose keys become variables: passwords, URLs with them, ``TIDEWHEEL_METRICS_TOKEN`` for the monitor.
    labels : dict
    """

    name: str
    image: str
    folder: str = "/app"
    env: str = ""
    least: int = 2
    most: int = 10
    scale: Literal["hpa", "keda", "none"] = "hpa"
    rate: int = 2000
    prometheus: str = "http://prometheus-operated.monitoring:9090"
    monitor: bool = True
    secret: str = ""
    labels: dict[str, str] = field(default_factory=dict)


def manifests(settings: Settings, cluster: Cluster) -> str:
    """Return the objects as one list.

    Raises
    ------
    ConfigError
        Some store is on the machine's own disk, so that hosts could not share it.
    InputError
        The name is none for Kubernetes, or the numbers of hosts do not fit.
    """
    own = [name for name in SERVERS if not getattr(settings, name)]
    if own:
        raise ConfigError(
            f"many hosts can't share {', '.join(own)} on the machine's own disk",
            where="tidewheel.toml" + (f" [env.{cluster.env}]" if cluster.env else ""),
            remedy='name servers, as in catalog = "postgresql://..."; see docs/moving-off-one-machine.md',
        )
    if not re.fullmatch(r"[a-z]([-a-z0-9]{0,40}[a-z0-9])?", cluster.name):
        raise InputError(f"{cluster.name!r} can't name objects of Kubernetes", remedy="use a-z, 0-9 and -")
    if not 1 <= cluster.least <= cluster.most:
        raise InputError(f"from {cluster.least} to {cluster.most} hosts", remedy="give --least 2 --most 10")
    items = [_serving(settings, cluster), _working(settings, cluster), _service(settings, cluster), _budget(cluster)]
    if cluster.scale != "none":
        items.append(_autoscaler(cluster) if cluster.scale == "hpa" else _scaled_object(cluster))
    if cluster.monitor:
        items.append(_monitor(cluster))
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items}, indent=2) + "\n"


def _serving(settings: Settings, cluster: Cluster) -> Json:
    ports = [{"name": "http", "containerPort": settings.port}]
    if settings.grpc_port:
        ports.append({"name": "grpc", "containerPort": settings.grpc_port})
    scheme = "HTTPS" if settings.certificate else "HTTP"

    def probe(path: str, **timing: int) -> Json:
        return {"httpGet": {"path": path, "port": "http", "scheme": scheme}, **timing}

    container = _container(settings, cluster, "serve") | {
        "ports": ports,
        "startupProbe": probe("/startupz", **STARTUP),
        "readinessProbe": probe("/readyz", periodSeconds=2, failureThreshold=2),
        "livenessProbe": probe("/livez", periodSeconds=10, failureThreshold=3),
        "lifecycle": {"preStop": {"exec": {"command": ["sleep", str(LEAVE_SECONDS)]}}},
    }
    rollout = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}
    spread = {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": _labels(cluster, "serve")},
    }
    replicas = {} if cluster.scale != "none" else {"replicas": cluster.least}
    return _deployment(cluster, "serve", container, {"strategy": rollout, **replicas}, [spread])


def _working(settings: Settings, cluster: Cluster) -> Json:
    return _deployment(cluster, "work", _container(settings, cluster, "work"), {"replicas": 2}, [])


def _container(settings: Settings, cluster: Cluster, role: str) -> Json:
    variables = {"TIDEWHEEL_ROLE": role, "TIDEWHEEL_DATA": DATA, "TIDEWHEEL_HOST": "0.0.0.0"}
    if cluster.env:
        variables["TIDEWHEEL_ENV"] = cluster.env
    processors = str(settings.workers if role == "serve" else settings.partitions + 1)
    made: Json = {
        "name": role,
        "image": cluster.image,
        "args": ["-C", cluster.folder, "up"],
        "env": [{"name": name, "value": value} for name, value in variables.items()],
        "resources": {"requests": {"cpu": processors, "memory": "1Gi"}, "limits": {"memory": "4Gi"}},
        "volumeMounts": [{"name": "data", "mountPath": DATA}],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    if cluster.secret:
        made["envFrom"] = [{"secretRef": {"name": cluster.secret}}]
    return made


def _deployment(cluster: Cluster, role: str, container: Json, spec: Json, spread: list[Json]) -> Json:
    pod: Json = {
        "terminationGracePeriodSeconds": DRAIN_SECONDS + LEAVE_SECONDS,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 10001, "fsGroup": 10001},
        "containers": [container],
        "volumes": [{"name": "data", "emptyDir": {}}],
    }
    if spread:
        pod["topologySpreadConstraints"] = spread
    labels = _labels(cluster, role)
    template = {"metadata": {"labels": labels | cluster.labels}, "spec": pod}
    body = {**spec, "selector": {"matchLabels": labels}, "template": template}
    return _object("apps/v1", "Deployment", cluster, role, body)


def _service(settings: Settings, cluster: Cluster) -> Json:
    ports = [{"name": "http", "port": settings.port, "targetPort": "http"}]
    if settings.grpc_port:
        ports.append({"name": "grpc", "port": settings.grpc_port, "targetPort": "grpc"})
    return _object("v1", "Service", cluster, "serve", {"selector": _labels(cluster, "serve"), "ports": ports})


def _budget(cluster: Cluster) -> Json:
    body = {"maxUnavailable": 1, "selector": {"matchLabels": _labels(cluster, "serve")}}
    return _object("policy/v1", "PodDisruptionBudget", cluster, "serve", body)


def _autoscaler(cluster: Cluster) -> Json:
    busy = {
        "type": "Resource",
        "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}},
    }
    body = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": f"{cluster.name}-serve"},
        "minReplicas": cluster.least,
        "maxReplicas": cluster.most,
        "metrics": [busy],
        # Up at once, down slowly: a new host has its copy of the log to make first.
        "behavior": {"scaleDown": {"stabilizationWindowSeconds": 300}},
    }
    return _object("autoscaling/v2", "HorizontalPodAutoscaler", cluster, "serve", body)


def _scaled_object(cluster: Cluster) -> Json:
    query = f'sum(rate(tidewheel_decisions_total{{service=~".+",job="{cluster.name}-serve"}}[1m]))'
    trigger = {
        "type": "prometheus",
        "metadata": {"serverAddress": cluster.prometheus, "query": query, "threshold": str(cluster.rate)},
    }
    body = {
        "scaleTargetRef": {"name": f"{cluster.name}-serve"},
        "minReplicaCount": cluster.least,
        "maxReplicaCount": cluster.most,
        "cooldownPeriod": 300,
        "triggers": [trigger],
    }
    return _object("keda.sh/v1alpha1", "ScaledObject", cluster, "serve", body)


def _monitor(cluster: Cluster) -> Json:
    endpoint: Json = {"port": "http", "path": "/metrics", "interval": "15s"}
    if cluster.secret:
        endpoint["authorization"] = {"credentials": {"name": cluster.secret, "key": "TIDEWHEEL_METRICS_TOKEN"}}
    body = {"selector": {"matchLabels": _labels(cluster, "serve")}, "endpoints": [endpoint]}
    return _object("monitoring.coreos.com/v1", "ServiceMonitor", cluster, "serve", body)


def _object(version: str, kind: str, cluster: Cluster, role: str, spec: Json) -> Json:
    labels = _labels(cluster, role) | cluster.labels
    return {
        "apiVersion": version,
        "kind": kind,
        "metadata": {"name": f"{cluster.name}-{role}", "labels": labels},
        "spec": spec,
    }


def _labels(cluster: Cluster, role: str) -> dict[str, str]:
    return {"app.kubernetes.io/name": cluster.name, "app.kubernetes.io/component": role}
