"""What is wrong with files: of a run and its ground truth by the input doctor, of a store its jobs and sources."""

from collections.abc import Iterable
from dataclasses import dataclass

from remix_track.errors import InputError
from remix_track.eval.files.validation import Issue, Severity
from remix_track.run_files import files_at
from remix_track.server.collection import Collection
from remix_track.server.library import Library
from remix_track.server.run_truth import issues_of, truth_of
from remix_track.server.web import Page, Request, Route
from remix_track.store.archive.failures import Failures
from remix_track.store.store import Store
from remix_track.store.stored_job import COMPLETE
from remix_track.trackers.pipeline.recorded_run import read_recorded_run

MOST = 500
"""Findings on the page, and jobs of a store whose own files are read for it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding.

    Attributes:
        severity: as the input doctor has it.
        where: file, and line or address.
        what: what it is.
        advice: what to do, or what is done with it.
        address: of the recording; empty where there is none.
    """

    severity: Severity
    where: str
    what: str
    advice: str = ""
    address: str = ""


def routes(library: Library) -> list[Route]:
    """The page."""
    return [Route("/{collection}/doctor", lambda request: doctor(library, request))]


def doctor(library: Library, request: Request) -> Page:
    """All findings, errors first."""
    collection = library.at(request)
    store = collection.store
    found, looked_at = (list(of_store(collection, store)), []) if store is not None else of_run(library, collection)
    order = ("error", "warning", "note")
    shown = sorted(found, key=lambda one: order.index(one.severity))[:MOST]
    counts = [(name, sum(one.severity == name for one in found)) for name in order]
    values = {
        "section": "doctor",
        "collection": collection,
        "found": shown,
        "counts": counts,
        "more": len(found) - len(shown),
        "looked_at": looked_at,
        "truth": library.truth,
    }
    return Page("doctor.html", values)


def of_run(library: Library, collection: Collection) -> tuple[list[Finding], list[str]]:
    """What the doctor says of each run's rows, and of its truth where there is one; and the files that it looked at."""
    found: list[Finding] = []
    looked_at: list[str] = []
    for folder in collection.folders:
        try:
            run = read_recorded_run(folder)
            looked_at += map(str, files_at(folder, "tracks.txt", ""))
            truth = None if library.truth is None else truth_of(library.truth, run)
            looked_at += [] if truth is None else [str(truth.gt)]
            found += [_told(one) for one in issues_of(run, truth)]
        except InputError as error:
            found.append(Finding("error", str(folder), str(error)))
    return found, list(dict.fromkeys(looked_at))


def of_store(collection: Collection, store: Store) -> Iterable[Finding]:
    """Jobs that cannot be used, sources that could not be tracked, and what was wrong with those that were."""
    facts = store.facts()
    for one in facts:
        if one.problem:
            what, _, advice = one.problem.removeprefix(f"{store.path}").lstrip("/").partition("; ")
            yield Finding("error", one.key, what, advice)
    for failure in Failures(store.path).all(MOST):
        advice = "tracked again when the file has changed, or by remix-track SOURCE --store STORE --retry-failed"
        yield Finding(
            "error", failure.source, failure.reason, f"{advice} (tried {failure.at})" if failure.at else advice
        )
    for one in [job for job in facts if not job.problem][-MOST:]:
        stored = store.job(one.key)
        address = f"/{collection.number}/recording/{one.key}"
        if stored.result.ended != COMPLETE:
            yield Finding("warning", one.source, f"it broke off: {stored.result.ended}", "", address)
        for problem in stored.result.problems:
            yield Finding("warning", one.source, problem, "", address)


def _told(issue: Issue) -> Finding:
    where = str(issue.path) if issue.line is None else f"{issue.path}:{issue.line}"
    return Finding(issue.severity, where, issue.message, issue.advice)
