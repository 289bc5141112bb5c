"""`/metrics`: what is in the stores and runs of a server, for Prometheus.

It is behind the same rules as each page: free on the loopback, elsewhere with the token, which Prometheus sends as
`authorization: credentials`.
"""

import sqlite3
import time

from remix_track.server.collection import Collection
from remix_track.server.library import Library
from remix_track.server.prometheus import CONTENT_TYPE, Metric, Sample, prometheus_text
from remix_track.server.web import Answer, Route
from remix_track.store import layout
from remix_track.store.archive.failures import Failures
from remix_track.store.index_people import number_of_people
from remix_track.text_files import utf8

_PER_CAMERA = (
    ("remix_track_recordings", "Recordings that are done."),
    ("remix_track_recorded_seconds", "Film in them."),
    ("remix_track_tracklets", "Tracks in them."),
    ("remix_track_boxes", "Boxes in them."),
    ("remix_track_last_row_age_seconds", "How long ago somebody was last there, where the time of day is known."),
)


def routes(library: Library) -> list[Route]:
    """The metrics."""
    return [Route("/metrics", lambda _: Answer(utf8(metrics_of(library, time.time())).encode(), CONTENT_TYPE))]


def metrics_of(library: Library, now: float) -> str:
    """The text at a time, in seconds since 1970."""
    people, failed, unusable = list[Sample](), list[Sample](), list[Sample]()
    by_camera: dict[str, list[Sample]] = {name: [] for name, _ in _PER_CAMERA}
    for one in library.collections:
        labels = {"collection": f"{one.number}", "title": one.title}
        with one.reading() as connection:
            people.append(Sample(number_of_people(connection), labels))
            (broken,) = connection.execute("SELECT count(*) FROM jobs WHERE problem != ''").fetchone()
            rows = _of_cameras(connection)
        unusable.append(Sample(broken, labels))
        failed += _failed(one, labels)
        for camera, recordings, seconds, tracklets, boxes, last_utc in rows:
            age = float("nan") if last_utc is None else now - last_utc / 1000
            values = recordings, seconds, tracklets, boxes, age
            for (name, _), value in zip(_PER_CAMERA, values, strict=True):
                by_camera[name].append(Sample(value, {**labels, "camera": camera}))
    return prometheus_text([
        Metric("remix_track_people", "People who were seen.", people),
        Metric("remix_track_jobs_failed", "Sources that could not be tracked.", failed),
        Metric("remix_track_jobs_unusable", "Recordings whose files are damaged.", unusable),
        *(Metric(name, about, by_camera[name]) for name, about in _PER_CAMERA),
    ])  # fmt: skip


def _of_cameras(connection: sqlite3.Connection) -> list[tuple[str, int, float, int, int, int | None]]:
    """Name, recordings, seconds, tracklets, boxes, last time of day of each camera."""
    found = connection.execute(
        "SELECT name, count(*), sum(seconds), sum(tracklets), sum(boxes), max(last_utc) FROM jobs "
        "JOIN cameras ON cameras.id = jobs.camera WHERE name != ? AND problem = '' GROUP BY cameras.id ORDER BY name",
        (layout.ENROLLED,),
    )
    return found.fetchall()


def _failed(collection: Collection, labels: dict[str, str]) -> list[Sample]:
    return [] if collection.store is None else [Sample(Failures(collection.folder).count(), labels)]
