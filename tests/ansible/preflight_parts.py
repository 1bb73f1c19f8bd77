"""The parts of the role preflight, as tests and not Ansible load them."""

import importlib.util
from pathlib import Path
from types import ModuleType

import yaml

from tests.ansible.playing import ANSIBLE

ROLE = ANSIBLE / "roles" / "preflight"


def module(path: str) -> ModuleType:
    """What Ansible loads by a path of its own."""
    spec = importlib.util.spec_from_file_location(Path(path).stem, ROLE / path)
    assert spec
    assert spec.loader
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


JUDGES = module("filter_plugins/preflight_cluster.py")
GIT = module("filter_plugins/preflight_repository.py")
NEEDS = yaml.safe_load((ROLE / "vars/main/needs.yml").read_text())
PERMISSIONS = yaml.safe_load((ROLE / "vars/main/permissions.yml").read_text())
MAIN = yaml.safe_load((ROLE / "vars/main/main.yml").read_text())
