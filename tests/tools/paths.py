"""Where the tools of the tests are: `python -m tests.tools.paths` prints it. `make test-tools` puts them there."""

import hashlib
import os
import platform
from pathlib import Path

from tests.tools.recipes import RECIPES, Binaries

HERE = Path(__file__).parent
MISSING = "run `make test-tools` once (it needs Go and its module proxy)"


def cache() -> Path:
    """The folder of all builds, outside the repository."""
    if chosen := os.environ.get("WEBINTEL_TEST_TOOLS"):
        return Path(chosen).expanduser().absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "webintel" / "test-tools"


def build_folder(module: str) -> Path:
    """The folder of this very build of a module: another version or recipe has another folder."""
    digest = hashlib.sha256(f"{platform.system()} {platform.machine()} {RECIPES[module]}".encode())
    for name in ("go.mod", "go.sum"):
        digest.update((HERE / module / name).read_bytes())
    return cache() / f"{module}-{digest.hexdigest()[:16]}"


def tool(name: str) -> Path | None:
    """The built command of this name, or None where it is not built."""
    for module, recipe in RECIPES.items():
        if isinstance(recipe, Binaries) and name in recipe.packages:
            path = build_folder(module) / "bin" / name
            return path if path.is_file() else None
    raise ValueError(f"{name} is no tool of tests/tools/recipes.py")


def crds() -> Path | None:
    """The folder of all CustomResourceDefinitions, one folder for each project, or None where not collected."""
    return _collected("crds")


def argocd_manifests() -> Path | None:
    """The `manifests` folder of Argo CD's release (ha/install.yaml, ...), or None where not collected."""
    return _collected("argocd-manifests")


def charts() -> Path | None:
    """The charts that modules carry, one folder for each, or None where not collected."""
    return _collected("charts")


def kwok_stages() -> Path | None:
    """How kwok's nodes and pods live, as its release has it, or None where not collected."""
    return _collected("kwok-stages")


def _collected(name: str) -> Path | None:
    path = build_folder("crds") / name
    return path if path.is_dir() else None


def main() -> None:
    """Print each tool and folder with its path."""
    found = {
        name: tool(name) for recipe in RECIPES.values() if isinstance(recipe, Binaries) for name in recipe.packages
    }
    for name, path in {
        **found,
        "crds": crds(),
        "argocd-manifests": argocd_manifests(),
        "charts": charts(),
        "kwok-stages": kwok_stages(),
    }.items():
        print(f"{name:24} {path or f'not there: {MISSING}'}")


if __name__ == "__main__":
    main()
