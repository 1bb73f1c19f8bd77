"""A bare clone of this repository, as Argo CD reads it, and a clone to commit from."""

import shutil
import subprocess
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[3]
READ_BY_ARGOCD = ("argocd", "gitops")
IDENTITY = ("-c", "user.name=Webintel tests", "-c", "user.email=tests@webintel.example")


class Repository:
    """Holds the last commit and, on top, what the work tree has in the folders that Argo CD reads."""

    def __init__(self, folder: Path) -> None:
        self.bare = folder / "webintel.git"
        self.clone = folder / "clone"
        self.url = f"file://{self.bare}"
        folder.mkdir(parents=True, exist_ok=True)
        _git(folder, "clone", "--quiet", "--bare", "--no-local", str(ROOT), str(self.bare))
        _git(self.bare, "symbolic-ref", "HEAD", "refs/heads/main")
        _git(self.bare, "update-ref", "refs/heads/main", _git(ROOT, "rev-parse", "HEAD").strip())
        _git(folder, "clone", "--quiet", str(self.bare), str(self.clone))
        self._first = self.revision()
        self._take_work_tree()
        self.commit("Take what the work tree has")

    def read_from_here(self) -> None:
        """The one change that points everything at this clone."""
        source = self.clone / "argocd" / "source.yaml"
        document = yaml.safe_load(source.read_text())
        document["data"] |= {"repoURL": self.url, "targetRevision": "main"}
        source.write_text(yaml.safe_dump(document))
        self._first = self.commit("Read from the bare clone")

    def write(self, path: str, text: str) -> None:
        (self.clone / path).write_text(text)

    def read(self, path: str) -> str:
        return (self.clone / path).read_text()

    def remove(self, path: str) -> None:
        _git(self.clone, "rm", "--quiet", "-r", path)

    def commit(self, message: str) -> str:
        """Commit and push; the new revision."""
        _git(self.clone, "add", "--all")
        _git(self.clone, *IDENTITY, "commit", "--quiet", "--allow-empty", "--message", message)
        _git(self.clone, "push", "--quiet", "origin", "HEAD:main")
        return self.revision()

    def restore(self) -> None:
        """Have everything again as it was when it was first read from here, with another commit where needed."""
        _git(self.clone, "checkout", "--quiet", self._first, "--", ".")
        if _git(self.clone, "status", "--porcelain"):
            self.commit("Take it back")

    def revision(self) -> str:
        return _git(self.clone, "rev-parse", "HEAD").strip()

    def _take_work_tree(self) -> None:
        for folder in READ_BY_ARGOCD:
            shutil.rmtree(self.clone / folder, ignore_errors=True)
        listed = _git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard", *READ_BY_ARGOCD)
        for name in filter(None, listed.split("\0")):
            if (ROOT / name).is_file():
                (self.clone / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(ROOT / name, self.clone / name)


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        raise RuntimeError(f"git {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout
