"""The small clusters that break one rule each, and the one in which everything is right."""

from pathlib import Path

from tests.gitops.rendering import Document, load

FIXTURES = Path(__file__).parent / "fixtures"
REPORTS = "# reports: "


def names(folder: str) -> set[str]:
    return {path.stem for path in (FIXTURES / folder).glob("*.yaml")}


def broken(folder: str, name: str) -> tuple[list[Document], list[str]]:
    """The objects of a case, and which of them are at fault, as its first lines say; all others are right."""
    text = (FIXTURES / folder / f"{name}.yaml").read_text("utf-8")
    lines = [line.removeprefix(REPORTS) for line in text.splitlines() if line.startswith(REPORTS)]
    return load(text), sorted(", ".join(lines).split(", "))


def right() -> list[Document]:
    return load((FIXTURES / "valid" / "cluster.yaml").read_text("utf-8"))
