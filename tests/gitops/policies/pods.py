"""Pod Security "restricted", check by check, so that a fault is known before a cluster refuses the pod."""

from collections.abc import Iterator

from tests.gitops.policies.objects import Document, Violation, Workload, workloads

HARMLESS_VOLUMES = frozenset(
    ("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret")
)
CONTAINER_TYPES = frozenset(("", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"))
SAFE_SYSCTLS = frozenset(
    (
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.ping_group_range",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
    )
)
CONFINED = frozenset(("RuntimeDefault", "Localhost"))


def pods_share_nothing_with_the_host(documents: list[Document]) -> list[Violation]:
    violations = []
    for workload in workloads(documents):
        shared = [name for name in ("hostNetwork", "hostPID", "hostIPC") if workload.spec.get(name)]
        shared += [
            f"hostPort {port['hostPort']}"
            for container in workload.containers
            for port in container.get("ports", [])
            if port.get("hostPort")
        ]
        violations += [workload.reject(f"uses {name}", "Remove it") for name in shared]
    return violations


def containers_are_not_privileged(documents: list[Document]) -> list[Violation]:
    return [
        workload.reject(f"{place} is privileged", "Remove privileged and hostProcess")
        for workload in workloads(documents)
        for place, context in _contexts(workload)
        if context.get("privileged") or context.get("windowsOptions", {}).get("hostProcess")
    ]


def containers_drop_all_capabilities(documents: list[Document]) -> list[Violation]:
    violations = []
    for workload in workloads(documents):
        for container in workload.containers:
            capabilities = container.get("securityContext", {}).get("capabilities", {})
            if "ALL" not in capabilities.get("drop", []) or set(capabilities.get("add", [])) - {"NET_BIND_SERVICE"}:
                wrong = f"container {container['name']} keeps capabilities"
                violations.append(workload.reject(wrong, "Set capabilities: {drop: [ALL]} and add none"))
    return violations


def volumes_are_of_harmless_kinds(documents: list[Document]) -> list[Violation]:
    return [
        workload.reject(f"volume {volume['name']} is a {kind}", f"Use one of {', '.join(sorted(HARMLESS_VOLUMES))}")
        for workload in workloads(documents)
        for volume in workload.spec.get("volumes", [])
        for kind in set(volume) - {"name"}
        if kind not in HARMLESS_VOLUMES
    ]


def app_armor_stays_on(documents: list[Document]) -> list[Violation]:
    return [
        workload.reject(f"{place} turns AppArmor off", "Use appArmorProfile: {type: RuntimeDefault}")
        for workload in workloads(documents)
        for place, context in _contexts(workload)
        if context.get("appArmorProfile", {}).get("type", "RuntimeDefault") not in CONFINED
    ]


def selinux_stays_with_containers(documents: list[Document]) -> list[Violation]:
    violations = []
    for workload in workloads(documents):
        for place, context in _contexts(workload):
            options = context.get("seLinuxOptions", {})
            if options.get("type", "") not in CONTAINER_TYPES or options.get("user") or options.get("role"):
                violations.append(workload.reject(f"{place} sets seLinuxOptions {options}", "Remove them"))
    return violations


def proc_is_masked(documents: list[Document]) -> list[Violation]:
    return [
        workload.reject(f"{place} sets procMount", "Remove it")
        for workload in workloads(documents)
        for place, context in _contexts(workload)
        if context.get("procMount", "Default") != "Default"
    ]


def sysctls_are_safe(documents: list[Document]) -> list[Violation]:
    return [
        workload.reject(f"sets {sysctl['name']}", "Remove it: only what belongs to the pod alone may be set")
        for workload in workloads(documents)
        for sysctl in workload.spec.get("securityContext", {}).get("sysctls", [])
        if sysctl["name"] not in SAFE_SYSCTLS
    ]


def system_calls_are_filtered(documents: list[Document]) -> list[Violation]:
    violations = []
    for workload in workloads(documents):
        default = workload.spec.get("securityContext", {}).get("seccompProfile", {})
        for container in workload.containers:
            profile = container.get("securityContext", {}).get("seccompProfile", default)
            if profile.get("type") not in CONFINED:
                wrong = f"container {container['name']} has no seccomp profile"
                violations.append(workload.reject(wrong, "Set seccompProfile: {type: RuntimeDefault} on the pod"))
    return violations


def privileges_do_not_grow(documents: list[Document]) -> list[Violation]:
    return [
        workload.reject(f"container {container['name']} may gain privileges", "Set allowPrivilegeEscalation: false")
        for workload in workloads(documents)
        for container in workload.containers
        if container.get("securityContext", {}).get("allowPrivilegeEscalation") is not False
    ]


def nothing_runs_as_root(documents: list[Document]) -> list[Violation]:
    violations = []
    for workload in workloads(documents):
        pod = workload.spec.get("securityContext", {})
        for container in workload.containers:
            context = pod | container.get("securityContext", {})
            if context.get("runAsNonRoot") is not True:
                wrong = f"container {container['name']} may run as root"
                violations.append(workload.reject(wrong, "Set runAsNonRoot: true on the pod"))
    return violations


def users_are_not_zero(documents: list[Document]) -> list[Violation]:
    return [
        workload.reject(f"{place} names user 0", "Name the image's user, 10001 in ours")
        for workload in workloads(documents)
        for place, context in _contexts(workload)
        if context.get("runAsUser") == 0
    ]


def probes_stay_with_their_pod(documents: list[Document]) -> list[Violation]:
    """Baseline since Kubernetes 1.34: a probe or hook that names a host makes the kubelet call elsewhere."""
    violations = []
    for workload in workloads(documents):
        for container in workload.containers:
            handlers = {name: container.get(name, {}) for name in ("livenessProbe", "readinessProbe", "startupProbe")}
            handlers |= {name: container.get("lifecycle", {}).get(name, {}) for name in ("postStart", "preStop")}
            violations += [
                workload.reject(f"{name} of container {container['name']} names a host", "Remove host")
                for name, handler in handlers.items()
                if any(handler.get(action, {}).get("host") for action in ("httpGet", "tcpSocket"))
            ]
    return violations


def _contexts(workload: Workload) -> Iterator[tuple[str, Document]]:
    yield "the pod", workload.spec.get("securityContext", {})
    for container in workload.containers:
        yield f"container {container['name']}", container.get("securityContext", {})
