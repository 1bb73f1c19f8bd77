"""What `make test-tools` makes from each Go module beside this file, and how."""

from dataclasses import dataclass, field

KUBERNETES = "v1.36.3"
KUBERNETES_VERSION = "k8s.io/component-base/version"
# Kubernetes says its version only when the linker tells it.
KUBERNETES_FLAGS = (
    f"-s -w -X {KUBERNETES_VERSION}.gitVersion={KUBERNETES} -X {KUBERNETES_VERSION}.gitMajor=1 "
    f"-X {KUBERNETES_VERSION}.gitMinor=36 -X {KUBERNETES_VERSION}.gitTreeState=clean"
)
ARGOCD_FLAGS = "-s -w -X github.com/argoproj/argo-cd/v3/common.version=3.6.1"


@dataclass(frozen=True)
class Binaries:
    """Commands to compile: name to package."""

    packages: dict[str, str]
    linker_flags: str


@dataclass(frozen=True)
class AdaptedBinaries(Binaries):
    """Commands to compile otherwise than their module says: with tags, or with files that only a release has."""

    tags: str = ""
    # Module to file to text.
    added: dict[str, dict[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Files:
    """Folders to take out of modules as they are, or through `helm template`: name to (module, folder)."""

    folders: dict[str, tuple[str, str]]
    charts: dict[str, tuple[str, str]] = field(default_factory=dict)
    chart_values: tuple[str, ...] = ()


RECIPES: dict[str, Binaries | Files] = {
    "kubernetes": Binaries(
        {
            "kustomize": "sigs.k8s.io/kustomize/kustomize/v5",
            "etcd": "go.etcd.io/etcd/server/v3",
            "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
            "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
            "kube-scheduler": "k8s.io/kubernetes/cmd/kube-scheduler",
            "kubectl": "k8s.io/kubernetes/cmd/kubectl",
            "kwok": "sigs.k8s.io/kwok/cmd/kwok",
            "helm": "helm.sh/helm/v4/cmd/helm",
        },
        KUBERNETES_FLAGS,
    ),
    "argocd": Binaries({"argocd": "github.com/argoproj/argo-cd/v3/cmd"}, ARGOCD_FLAGS),
    "prometheus": AdaptedBinaries(
        {
            "prometheus": "github.com/prometheus/prometheus/cmd/prometheus",
            "promtool": "github.com/prometheus/prometheus/cmd/promtool",
        },
        "-s -w",
        # The tests scrape by address: the clients of every cloud would double the build.
        tags="remove_all_sd",
    ),
    # A module of its own: the two do not agree on a dependency.
    "alertmanager": AdaptedBinaries(
        {
            "alertmanager": "github.com/prometheus/alertmanager/cmd/alertmanager",
            "amtool": "github.com/prometheus/alertmanager/cmd/amtool",
        },
        "-s -w",
        # A release has Alertmanager's pages, which npm makes; no test looks at them.
        added={"github.com/prometheus/alertmanager": {"ui/app/dist/index.html": "Only the API is built here.\n"}},
    ),
    "crds": Files(
        {
            "crds/argocd": ("github.com/argoproj/argo-cd/v3", "manifests/crds"),
            "crds/barman-cloud": ("github.com/cloudnative-pg/plugin-barman-cloud", "config/crd/bases"),
            "crds/cert-manager": ("github.com/cert-manager/cert-manager", "deploy/crds"),
            "crds/cloudnative-pg": ("github.com/cloudnative-pg/cloudnative-pg", "config/crd/bases"),
            "crds/external-secrets": ("github.com/external-secrets/external-secrets", "config/crds/bases"),
            "crds/gateway-api": ("sigs.k8s.io/gateway-api", "config/crd/standard"),
            "crds/keda": ("github.com/kedacore/keda/v2", "config/crd/bases"),
            "crds/prometheus-operator": (
                "github.com/prometheus-operator/prometheus-operator",
                "example/prometheus-operator-crd",
            ),
            "charts/cert-manager": ("github.com/cert-manager/cert-manager", "deploy/charts/cert-manager"),
            "charts/envoy-gateway": ("github.com/envoyproxy/gateway", "charts/gateway-helm"),
            "charts/gateway-crds": ("github.com/envoyproxy/gateway", "charts/gateway-crds-helm"),
            "argocd-manifests": ("github.com/argoproj/argo-cd/v3", "manifests"),
            "kwok-stages": ("sigs.k8s.io/kwok", "kustomize/stage"),
        },
        charts={"crds/envoy-gateway": ("github.com/envoyproxy/gateway", "charts/gateway-crds-helm")},
        chart_values=("crds.envoyGateway.enabled=true", "crds.gatewayAPI.enabled=false"),
    ),
}
