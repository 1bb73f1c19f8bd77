"""Runs a Kubernetes control plane: etcd, API server, controllers, scheduler, and kwok in place of nodes."""

import base64
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path

import yaml
from kubernetes import config

from tests.cluster.control_plane.certificates import Authority, Certificate, new_key
from tests.cluster.control_plane.cluster import Cluster
from tests.cluster.control_plane.processes import Processes, free_ports, wait_for_port
from tests.cluster.control_plane.programs import Programs

STARTS_WITHIN = 60.0
# Pods of kwok are ready, and gone, after these milliseconds instead of at once, so that what happens in between shows.
STAGE_DELAYS = {"pod-ready": 500, "pod-delete": 300, "pod-complete": 300}
# An image that no node can start.
NEVER_READY = "registry.example/never-ready@sha256:" + "1" * 64
STARTS = {"key": ".spec.containers.[].image", "operator": "NotIn", "values": [NEVER_READY]}


class ControlPlane:
    """The programs of one control plane, all in one folder."""

    def __init__(self, folder: Path, programs: Programs) -> None:
        self.folder = folder
        self.kubeconfig = folder / "kubeconfig"
        self.processes = Processes(folder)
        self._programs = programs
        self._authority = Authority(folder, "kubernetes-ca")
        # Whoever holds a certificate of this one may speak for others: it signs only for the API server.
        self._front_proxy = Authority(folder, "front-proxy-ca")
        self._tokens_key = new_key(folder / "service-accounts.key")
        self._etcd_port, self._etcd_peer_port, self._port, self._controllers_port = free_ports(4)

    def start(self, *, controllers: bool, data: Path | None = None) -> Cluster:
        """Start everything; without controllers objects are kept and checked, and nothing else happens."""
        if data:
            shutil.copytree(data, self.folder / "etcd")
        self._start_etcd()
        self._start_api_server()
        self._write_kubeconfig(self.kubeconfig, self._authority.issue("admin", organization="system:masters"))
        self._wait_until_ready()
        cluster = Cluster(self.kubeconfig, own=True, logs=self.processes.tails)
        if controllers:
            self._start_controllers()
            self._start_kwok()
        return cluster

    def stop(self) -> Path:
        """Stop everything; the data that another control plane may start with."""
        self.processes.stop()
        return self.folder / "etcd"

    def _start_etcd(self) -> None:
        client, peer = (f"http://127.0.0.1:{port}" for port in (self._etcd_port, self._etcd_peer_port))
        self._run(
            "etcd",
            data_dir=str(self.folder / "etcd"),
            listen_client_urls=client,
            advertise_client_urls=client,
            listen_peer_urls=peer,
            initial_advertise_peer_urls=peer,
            initial_cluster=f"default={peer}",
            log_level="warn",
            unsafe_no_fsync="true",
        )
        wait_for_port(self.processes, self._etcd_port, STARTS_WITHIN)

    def _start_api_server(self) -> None:
        hosts = ("127.0.0.1", "localhost", "kubernetes", "kubernetes.default.svc", "10.96.0.1")
        serving = self._authority.issue("kube-apiserver", hosts=hosts)
        proxy = self._front_proxy.issue("front-proxy-client")
        self._run(
            "kube-apiserver",
            etcd_servers=f"http://127.0.0.1:{self._etcd_port}",
            bind_address="127.0.0.1",
            secure_port=str(self._port),
            # There is no other API server, and pods that would look for this one do not run.
            endpoint_reconciler_type="none",
            service_cluster_ip_range="10.96.0.0/16",
            authorization_mode="Node,RBAC",
            enable_admission_plugins="NodeRestriction",
            allow_privileged="true",
            tls_cert_file=str(serving.certificate),
            tls_private_key_file=str(serving.key),
            client_ca_file=str(self._authority.files.certificate),
            service_account_issuer="https://kubernetes.default.svc",
            service_account_key_file=str(self._tokens_key),
            service_account_signing_key_file=str(self._tokens_key),
            proxy_client_cert_file=str(proxy.certificate),
            proxy_client_key_file=str(proxy.key),
            requestheader_client_ca_file=str(self._front_proxy.files.certificate),
            requestheader_allowed_names="front-proxy-client",
            requestheader_username_headers="X-Remote-User",
            requestheader_group_headers="X-Remote-Group",
            requestheader_extra_headers_prefix="X-Remote-Extra-",
        )

    def _start_controllers(self) -> None:
        authority = self._authority.files
        rates = {"kube_api_qps": "200", "kube_api_burst": "400", "leader_elect": "false", "secure_port": "0"}
        self._run(
            "kube-controller-manager",
            kubeconfig=self._kubeconfig_of("kube-controller-manager"),
            use_service_account_credentials="true",
            service_account_private_key_file=str(self._tokens_key),
            root_ca_file=str(authority.certificate),
            cluster_signing_cert_file=str(authority.certificate),
            cluster_signing_key_file=str(authority.key),
            node_monitor_period="1s",
            horizontal_pod_autoscaler_sync_period="1s",
            horizontal_pod_autoscaler_initial_readiness_delay="1s",
            horizontal_pod_autoscaler_cpu_initialization_period="1s",
            **rates,
        )
        self._run("kube-scheduler", kubeconfig=self._kubeconfig_of("kube-scheduler"), **rates)

    def _start_kwok(self) -> None:
        stages = []
        for file in sorted(self._programs.stages.glob("*/fast/*.yaml")):
            stage = yaml.safe_load(file.read_text())
            if stage["kind"] == "Stage" and stage["spec"]["resourceRef"]["kind"] in {"Node", "Pod"}:
                if delay := STAGE_DELAYS.get(stage["metadata"]["name"]):
                    stage["spec"]["delay"] = {"durationMilliseconds": delay}
                if stage["metadata"]["name"] == "pod-ready":
                    stage["spec"]["selector"]["matchExpressions"].append(STARTS)
                stages.append(stage)
        file = self.folder / "kwok.yaml"
        file.write_text(yaml.safe_dump_all(stages))
        self._run(
            "kwok",
            kubeconfig=str(self.kubeconfig),
            config=str(file),
            manage_all_nodes="true",
            cidr="10.244.0.0/16",
            node_ip="10.0.0.1",
            node_lease_duration_seconds="40",
        )

    def _run(self, program: str, **flags: str) -> None:
        arguments = [f"--{name.replace('_', '-')}={value}" for name, value in flags.items()]
        self.processes.start(program, [str(self._programs.paths[program]), *arguments])

    def _kubeconfig_of(self, program: str) -> str:
        path = self.folder / f"{program}.kubeconfig"
        self._write_kubeconfig(path, self._authority.issue(f"system:{program}"))
        return str(path)

    def _write_kubeconfig(self, path: Path, certificate: Certificate) -> None:
        cluster = {
            "server": f"https://127.0.0.1:{self._port}",
            "certificate-authority-data": encoded(self._authority.files.certificate),
        }
        user = {
            "client-certificate-data": encoded(certificate.certificate),
            "client-key-data": encoded(certificate.key),
        }
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "test", "cluster": cluster}],
            "users": [{"name": "test", "user": user}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
            "current-context": "test",
        }
        path.touch(mode=0o600)
        path.write_text(yaml.safe_dump(document))

    def _wait_until_ready(self) -> None:
        wait_for_port(self.processes, self._port, STARTS_WITHIN)
        api = config.new_client_from_config(str(self.kubeconfig))
        end = time.monotonic() + STARTS_WITHIN
        while api.call_api("GET", f"https://127.0.0.1:{self._port}/readyz").status != HTTPStatus.OK:
            self.processes.check()
            if time.monotonic() > end:
                raise AssertionError(f"the API server is not ready\n{self.processes.tails()}")
            time.sleep(0.1)


def encoded(path: Path) -> str:
    """A file as kubeconfigs hold it."""
    return base64.b64encode(path.read_bytes()).decode()


@contextmanager
def running(
    folder: Path, programs: Programs, *, controllers: bool = True, data: Path | None = None
) -> Iterator[Cluster]:
    """A control plane that stops at the end of the block; its data goes then, its logs stay."""
    plane = ControlPlane(folder, programs)
    try:
        yield plane.start(controllers=controllers, data=data)
    finally:
        shutil.rmtree(plane.stop(), ignore_errors=True)
