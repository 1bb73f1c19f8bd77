"""What is not in order about issuers and certificates, each in a sentence that says what to look at."""

from datetime import UTC, datetime, timedelta

# What an authority wants to see, by the way in which it looks.
MENDS = {
    "HTTP-01": "Does {name} point at the gateway's address, and is port 80 open to everybody?",
    "DNS-01": "May the seed `dns` write into the zone of {name}?",
}


def issuing_problems(objects, renewal_hours=48, causes=()):
    """The problems of issuers and certificates; `causes` are the requests, orders and challenges of certificates."""
    problems = []
    for one in objects:
        if one["kind"] == "Certificate":
            problems += certificate(one, timedelta(hours=renewal_hours), causes)
        else:
            problems += issuer(one)
    return problems


def issuer(one):
    """An issuer that is ready; one of ACME has its account then."""
    status, said = condition(one, "Ready")
    if status == "True":
        return []
    return [f"{one['kind']} {place(one)} is not ready: {said or 'cert-manager has not looked at it yet.'}"]


def certificate(one, renewal, causes):
    """A certificate that is issued, and was renewed when it was time."""
    status, said = condition(one, "Ready")
    if status != "True":
        why = reasons(one, causes) or condition(one, "Issuing")[1] or said or "cert-manager has not looked at it yet."
        names = ", ".join(one["spec"].get("dnsNames") or [one["spec"].get("commonName", "no name")])
        return [f"Certificate {place(one)} ({names}) is not issued: {why}"]
    end, due = (moment(one["status"].get(key)) for key in ("notAfter", "renewalTime"))
    now = datetime.now(UTC)
    if end and end < now:
        return [f"Certificate {place(one)} ended on {end:%Y-%m-%d}: cert-manager does not see to it. Look at its log."]
    if end and due and due + renewal < now:
        late = f"Certificate {place(one)} ends on {end:%Y-%m-%d} and was to be renewed on {due:%Y-%m-%d}"
        return [f"{late}: {reasons(one, causes) or 'cert-manager does not see to it. Look at its log.'}"]
    return []


def reasons(one, causes):
    """What is wrong with what was made for a certificate."""
    return " ".join(filter(None, (TELLS[cause["kind"]](cause) for cause in made_for(one, causes))))


def made_for(owner, causes):
    """What was made for an object, and what was made for that."""
    uid = owner["metadata"]["uid"]
    made = [one for one in causes if uid in {ref["uid"] for ref in one["metadata"].get("ownerReferences") or []}]
    return [deeper for one in made for deeper in (one, *made_for(one, causes))]


def request(one):
    """Why a request was refused or cannot be answered."""
    for kind in ("Denied", "InvalidRequest"):
        status, said = condition(one, kind)
        if status == "True":
            return f"CertificateRequest {place(one)} is refused: {said}"
    if any(each["type"] == "Ready" and each.get("reason") == "Failed" for each in conditions(one)):
        return f"CertificateRequest {place(one)} failed: {condition(one, 'Ready')[1]}"
    return ""


def order(one):
    """How an authority has ended an order."""
    status = one.get("status") or {}
    if status.get("state") in {"invalid", "expired", "errored"}:
        return f"Order {place(one)} is {status['state']}: {status.get('reason') or 'the authority does not say why.'}"
    return ""


def challenge(one):
    """What an authority has not seen, and where it looked."""
    status, spec = one.get("status") or {}, one["spec"]
    state = status.get("state") or "pending"
    if state == "valid":
        return ""
    mend = MENDS.get(spec["type"], "").format(name=spec["dnsName"])
    reason = status.get("reason") or "it does not say why."
    return f"Challenge {place(one)} ({spec['type']} for {spec['dnsName']}) is {state}: {reason} {mend}".strip()


def conditions(one):
    """The conditions of an object."""
    return (one.get("status") or {}).get("conditions") or []


def condition(one, kind):
    """Status and message of a condition."""
    for each in conditions(one):
        if each["type"] == kind:
            return each["status"], each.get("message", "")
    return "Unknown", ""


def moment(text):
    """A time as Kubernetes writes it."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC) if text else None


def place(one):
    """Namespace and name."""
    namespace = one["metadata"].get("namespace")
    return f"{namespace}/{one['metadata']['name']}" if namespace else one["metadata"]["name"]


TELLS = {"CertificateRequest": request, "Order": order, "Challenge": challenge}


class FilterModule:
    """For Ansible."""

    def filters(self):
        """The filter `issuing_problems`."""
        return {"issuing_problems": issuing_problems}
