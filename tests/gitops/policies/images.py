"""Which images run: known to the byte where they are ours, to the exact version where they are not."""

import re
from collections.abc import Iterator

from tests.gitops.policies.objects import Document, Violation, reject, walk, workloads

OURS = re.compile(r"(^|/)webintel(?=[:@]|$)")
DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")
TAG = re.compile(r":(?P<tag>[\w][\w.-]*)$")
FULL = re.compile(r"v?\d+\.\d+\.\d+([-.+_].*)?")
POSTGRES = re.compile(r"(^|/)postgres(ql)?:")
# PostgreSQL numbers its releases with two parts.
FULL_POSTGRES = re.compile(r"\d+\.\d+([-.+_].*)?")


def our_image_has_a_digest(documents: list[Document]) -> list[Violation]:
    """A tag can be moved; a digest is the image that was tested."""
    return [
        reject(document, f"runs {image}, which is not known by its digest", "Set the digest in the cluster's settings")
        for document, image in _images(documents)
        if OURS.search(image.partition("@")[0]) and (not DIGEST.search(image) or "/" not in image)
    ]


def foreign_images_have_a_full_version(documents: list[Document]) -> list[Violation]:
    """`latest` and `18` are other images tomorrow."""
    violations = []
    for document, image in _images(documents):
        reference = image.partition("@")[0]
        if OURS.search(reference):
            continue
        tag = TAG.search(reference)
        full = FULL_POSTGRES if POSTGRES.search(reference) else FULL
        if not tag or not full.fullmatch(tag["tag"]):
            violations.append(reject(document, f"runs {image}", "Give the full version as its tag, as in valkey:9.1.3"))
    return violations


def images_are_pulled_once(documents: list[Document]) -> list[Violation]:
    """A node that holds the image starts it while the registry is away."""
    return [
        workload.reject(f"container {container['name']} is always pulled anew", "Remove imagePullPolicy")
        for workload in workloads(documents)
        for container in workload.containers
        if container.get("imagePullPolicy") == "Always"
    ]


def _images(documents: list[Document]) -> Iterator[tuple[Document, str]]:
    for document in documents:
        if document["kind"] in {"CustomResourceDefinition", "ConfigMap"}:
            continue
        for path, value in walk(document):
            if path.endswith((".image", ".imageName")) and isinstance(value, str):
                yield document, value
