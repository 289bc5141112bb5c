"""`/metrics`, read by Prometheus' own parser."""

import pytest

from remix_track.server.access import Access
from remix_track.server.library import Library
from remix_track.server.metrics import metrics_of
from tests.server.drawn_store import NOON, Client
from tests.server.run_folders import run_folder
from tests.server.test_prometheus import read


def value(text, name, **labels):
    found = [one for told, one in read(text)[name] if labels.items() <= told.items()]
    assert len(found) == 1
    return found[0]


def test_what_is_in_a_store_and_in_a_run(store, tmp_path):
    run = run_folder(tmp_path / "run", lambda track, index: track, source=tmp_path / "gate.mp4", video=False)
    text = metrics_of(Library.of([store.path, run]), NOON.timestamp() + 100)
    assert value(text, "remix_track_people", collection="1") == 2
    assert value(text, "remix_track_people", collection="2") == 2
    assert value(text, "remix_track_tracklets", camera="yard") == 2
    assert value(text, "remix_track_boxes", camera="gate") == 100
    assert value(text, "remix_track_recordings", camera="night") == 1
    assert value(text, "remix_track_last_row_age_seconds", camera="gate") == pytest.approx(100 - 5.9)
    assert {one["camera"] for one, _ in read(text)["remix_track_last_row_age_seconds"]} == {"gate", "yard"}
    assert value(text, "remix_track_jobs_failed") == 0, "of the store alone"
    assert value(text, "remix_track_jobs_unusable", collection="1") == 0


def test_on_the_loopback_it_is_free_and_elsewhere_it_needs_the_token(store):
    answer = Client(store.path).get("/metrics")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    access = Access.to("0.0.0.0")
    pages = Client(store.path, access=access)
    assert pages.get("/metrics").status == 403
    assert pages.get("/metrics", authorization="Bearer x").status == 403
    assert pages.get("/metrics", authorization="Basic " + access.token).status == 403
    assert pages.get("/metrics", authorization=f"Bearer {access.token}").status == 200
