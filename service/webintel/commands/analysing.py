"""Analysing stored pages, one after the other or in several processes."""

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import click
import msgspec

from webintel.commands.files import read_page
from webintel.engine.analyze import analyze_page
from webintel.engine.errors import EngineError
from webintel.engine.model import PageAnalysis
from webintel.engine.page import Page
from webintel.engine.urls import normalize_url

_encode = msgspec.json.Encoder(order="deterministic").encode
# Small enough that all processes stay busy to the end, large enough that handing over costs nothing.
_CHUNK = 8


class Source(NamedTuple):
    """A stored page and where it came from."""

    path: Path
    url: str


class Outcome(NamedTuple):
    """One page's analysis as JSON, or what is wrong with it."""

    analysis: bytes | None
    failure: str | None


class _IndexLine(msgspec.Struct):
    file: str
    url: str


def analyse(files: Sequence[Path], urls: Sequence[str], index: Path | None, *, as_json: bool, jobs: int) -> int:
    """Analyse and print every page; give the exit code."""
    sources = find_sources(files, urls, index)
    failures = 0
    for source, outcome in zip(sources, analyses(sources, jobs), strict=True):
        if outcome.analysis is None:
            failures += 1
            click.echo(f"webintel: {source.path}: {outcome.failure}", err=True)
        elif as_json:
            sys.stdout.buffer.write(outcome.analysis + b"\n")
        else:
            click.echo(describe(source.path, msgspec.json.decode(outcome.analysis, type=PageAnalysis)))
    sys.stdout.flush()
    return 1 if failures else 0


def find_sources(files: Sequence[Path], urls: Sequence[str], index: Path | None) -> list[Source]:
    """Give every file its URL."""
    if index is not None:
        return _indexed(files, urls, index)
    if not files:
        raise click.UsageError("Name at least one file, or an --index that lists them.")
    if len(urls) not in (1, len(files)):
        raise click.UsageError(
            f"There are {len(files)} files and {len(urls)} URLs: give one --url, or one for each file."
        )
    for url in urls:
        if normalize_url(url, url) is None:
            raise click.UsageError(f"{url!r} is no http or https URL.")
    of_each = list(urls) if len(urls) == len(files) else [*urls] * len(files)
    return [Source(path, url) for path, url in zip(files, of_each, strict=True)]


def _indexed(files: Sequence[Path], urls: Sequence[str], index: Path) -> list[Source]:
    if urls:
        raise click.UsageError("Give either --url or --index.")
    decoder = msgspec.json.Decoder(_IndexLine)
    known: dict[Path, str] = {}
    for number, line in enumerate(index.read_bytes().splitlines(), 1):
        try:
            entry = decoder.decode(line)
        except msgspec.DecodeError as error:
            raise click.UsageError(f"{index}, line {number}: {error}.") from None
        known[index.parent / entry.file] = entry.url
    if not files:
        return [Source(path, url) for path, url in known.items()]
    by_path = {path.resolve(): url for path, url in known.items()}
    missing = [path for path in files if path.resolve() not in by_path]
    if missing:
        raise click.UsageError(f"{index} does not list {missing[0]}.")
    return [Source(path, by_path[path.resolve()]) for path in files]


def analyses(sources: Sequence[Source], jobs: int) -> Iterator[Outcome]:
    """Analyse the pages in order, in this process or in several."""
    if jobs == 1 or len(sources) == 1:
        yield from map(analyze_file, sources)
        return
    # A fork would copy threads' locks; a fresh process imports the engine once.
    with ProcessPoolExecutor(min(jobs, len(sources)), mp_context=get_context("spawn")) as pool:
        yield from pool.map(analyze_file, sources, chunksize=_CHUNK)


def analyze_file(source: Source) -> Outcome:
    """Analyse one page; whatever is wrong with it is its own affair."""
    try:
        page = Page.from_bytes(source.url, read_page(source.path))
        return Outcome(_encode(analyze_page(page)), None)
    except OSError as error:
        return Outcome(None, f"{error.strerror}. Check the path and its permissions.")
    except ValueError as error:
        return Outcome(None, f"{error}. Store the page again.")
    except EngineError as error:
        return Outcome(None, f"{error.message} {error.recovery_action}")
    except RecursionError:
        return Outcome(None, "its markup is nested too deeply. Leave it out.")


def describe(path: Path, analysis: PageAnalysis) -> str:
    """Sum an analysis up for people."""
    return os.linesep.join(_lines(path, analysis))


def _lines(path: Path, analysis: PageAnalysis) -> Iterable[str]:
    yield f"{path} ({analysis.url})"
    yield f"  title       {analysis.title or '-'}"
    yield f"  page type   {analysis.page_type} ({analysis.page_type_confidence:.2f})"
    yield f"  runs on     {', '.join(technology.name for technology in analysis.fingerprint.technologies) or '-'}"
    yield f"  JavaScript  {'needed' if analysis.requires_js else 'not needed'}"
    yield f"  next page   {analysis.next_page or '-'}"
    for field in analysis.fields:
        value = field.value if isinstance(field.value, str) else f"{len(field.value)} values, first {field.value[:1]}"
        yield f"  {field.name:<11} {' '.join(value.split())[:100]} ({field.source}, {field.confidence:.2f})"
