"""Git holds no secret: it names them, and the cluster brings their values."""

import re

from tests.gitops.policies.objects import Document, Violation, describe, of_kind, reject, walk, workloads

TELLTALE = re.compile(r"(?i)(password|passwd|secret|token|credential|private|(api|access|routing)[-_]?key)")
PATHS = ("_DIR", "_FILE")
PLAINTEXT = {
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "an access key of AWS": re.compile(r"\b(AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a token of GitHub": re.compile(r"\b(gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{22,})\b"),
    "a token of Slack": re.compile(r"\bxox[abprs]-[A-Za-z0-9-]{10,}"),
    "a signed token": re.compile(r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\."),
    "a URL with a password": re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s:/@{}$]*:[^\s/@{}$]+@"),
    "a password hash": re.compile(r"\$(2[aby]|argon2(id?|d)|6)\$"),
}


def no_secret_carries_data(documents: list[Document]) -> list[Violation]:
    remedy = "Let an ExternalSecret make it; its value belongs into the vault"
    return [
        reject(document, "carries its value in git", remedy)
        for document in of_kind(documents, "Secret")
        if document.get("data") or document.get("stringData")
    ]


def no_setting_is_a_secret(documents: list[Document]) -> list[Violation]:
    """A variable or entry with a secret's name is a reference, never a text."""
    violations = []
    for workload in workloads(documents):
        for container in workload.containers:
            violations += [
                workload.reject(f"variable {entry['name']} holds its value", "Take it from a Secret by secretKeyRef")
                for entry in container.get("env", [])
                if TELLTALE.search(entry["name"])
                and entry.get("value")
                and not entry["name"].endswith(("_DIR", "_FILE"))
            ]
    for document in of_kind(documents, "ConfigMap"):
        violations += [
            reject(document, f"entry {key} holds a secret's value", "Take it from a Secret")
            for key, value in (document.get("data") or {}).items()
            if TELLTALE.search(key) and value and "\n" not in value
        ]
    return violations


def no_text_is_a_secret(documents: list[Document]) -> list[Violation]:
    """Keys, tokens and passwords that are known by their looks, wherever they stand."""
    return [
        Violation(describe(document), f"{path} holds {name}", "Replace it, and tell who owns it that it was shown")
        for document in documents
        for path, value in walk(document)
        if isinstance(value, str)
        for name, pattern in PLAINTEXT.items()
        if pattern.search(value)
    ]
