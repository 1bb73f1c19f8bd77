"""An alert that wakes somebody says how bad it is, what it means and what to do."""

from tests.gitops.policies.objects import Document, Violation, of_kind, reject

SEVERITIES = ("critical", "warning", "info", "none")
"""The last is for what programs wait for, and no person."""


def alerts_say_how_bad_it_is(documents: list[Document]) -> list[Violation]:
    return [
        reject(document, f"alert {rule['alert']} has severity {severity}", f"Label it one of {', '.join(SEVERITIES)}")
        for document, rule in _alerts(documents)
        if (severity := rule.get("labels", {}).get("severity")) not in SEVERITIES
    ]


def alerts_say_what_to_do(documents: list[Document]) -> list[Violation]:
    violations = []
    for document, rule in _alerts(documents):
        missing = [
            name for name in ("summary", "description", "runbook_url") if not rule.get("annotations", {}).get(name)
        ]
        if missing:
            violations.append(reject(document, f"alert {rule['alert']} has no {' and no '.join(missing)}", "Add it"))
    return violations


def _alerts(documents: list[Document]) -> list[tuple[Document, Document]]:
    return [
        (document, rule)
        for document in of_kind(documents, "PrometheusRule")
        for rules in document["spec"].get("groups", [])
        for rule in rules["rules"]
        if "alert" in rule
    ]
