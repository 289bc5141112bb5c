"""`remix-track search crop.jpg --store STORE`: the tracklets of a store ranked by their similarity to an image."""

import argparse
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from remix_track.cli.terminal import add_rows, show, show_table
from remix_track.errors import InputError
from remix_track.setting_values import nearest

if TYPE_CHECKING:
    from remix_track.store import Hits, Store
    from remix_track.store.people_log import Log


def search_store(arguments: argparse.Namespace) -> int:
    """Embed the image, rank the tracklets, print them, draw what can be drawn; 0.

    Raises:
        InputError: flags or images that do not fit, or a store of other weights.
    """
    crop = _crop(arguments)
    since, until = _moment(arguments.since, "--since"), _moment(arguments.until, "--until")

    from remix_track.cli.search import draw
    from remix_track.data.crops.tracklet_crops import embed_crop
    from remix_track.encoder.load import load_embedder
    from remix_track.store import Weights, open_store
    from remix_track.store.people import PeopleFiles

    store = open_store(arguments.store)
    _check_camera(store, arguments.camera)
    embedder = load_embedder(arguments.weights)
    if embedder is None:
        raise InputError("--weights none: there is no appearance to search by")
    store.refuse_other_weights(Weights.of(embedder.description))
    vector = embed_crop(crop, embedder)
    hits = store.search(vector, arguments.top, camera=arguments.camera, since=since, until=until)
    _print(hits, embedder.max_cosine_distance, PeopleFiles(store.path).log())
    arguments.like = crop
    if len(hits):
        draw(_crops(store, hits), arguments)
    return 0


def _crop(arguments: argparse.Namespace) -> Path:
    given = [*arguments.embeddings, *([arguments.like] if arguments.like else [])]
    if len(given) != 1:
        raise InputError("--store takes one image: remix-track search CROP.jpg --store STORE")
    return Path(given[0])


def _check_camera(store: "Store", camera: str | None) -> None:
    cameras = sorted({one.camera for one in store.facts()} - {""})
    if camera is not None and camera not in cameras:
        near = nearest(camera, cameras)
        raise InputError(f"--camera {camera[:80]}: none of {store.path}{f'; did you mean {near}?' if near else ''}")


def short_job(key: str) -> str:
    """The beginning of a job's key, and of a camera's the number of its part: what finds its folder in the store."""
    job, mark, part = key.partition("~")
    return job[:8] + mark + part


def _moment(text: str | None, flag: str) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        _ = moment.timestamp()
    except (ValueError, OverflowError):
        raise InputError(f"{flag} {text[:40]!r} is no time; expected such as 2026-11-29T15:00, in UTC") from None
    return moment


def _print(hits: "Hits", calibrated: float | None, people: "Log") -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for title in ("", "camera", "person", "distance", "from", "seconds", "track", "job"):
        left = title in ("camera", "job")
        table.add_column(title, justify="left" if left else "right", overflow="fold", no_wrap=not left)
    threshold = calibrated if hits.unlikely is None else hits.unlikely
    found = hits.tracklets
    for row, (key, track) in enumerate(found.keys()):
        near = threshold is not None and hits.distance[row] <= threshold
        add_rows(table, [(
            row + 1,
            found.cameras[found.camera[row]],
            people.shown(int(found.person[row])) or "-",
            f"{hits.distance[row]:.4f}{' *' if near else '  '}",
            _shown(found.first_utc[row], found.first_time[row]),
            f"{found.last_time[row] - found.first_time[row]:.1f}",
            track,
            short_job(key),
        )])  # fmt: skip
    show_table(table)
    show(f"{hits.compared:,} tracklets compared")
    if hits.unlikely is not None:
        show(
            f"* at most {hits.unlikely:.4f}, as near as a stranger comes in one of ten searches; cameras are taken out"
        )
    elif calibrated is not None:
        show(f"* at most {calibrated:.4f}, the distance up to which these weights call crops of one video one person")


def _shown(utc: np.datetime64, seconds: float) -> str:
    """A time of day, or how long after the source's first frame where that is not known."""
    if np.isnat(utc):
        return f"{seconds:.1f} s"
    return f"{np.datetime_as_string(utc, 's').replace('T', ' ')}Z"


def _crops(store: "Store", hits: "Hits") -> Sequence[tuple[str, Path]]:
    """The best crop of each tracklet that has one, with a title."""
    shown, found = list[tuple[str, Path]](), hits.tracklets
    for row, (key, track) in enumerate(found.keys()):
        stored = store.job(key)
        crops = stored.crops(stored.tracklets()["crops"][found.row[row]])
        if crops:
            shown.append((f"{found.cameras[found.camera[row]]} {track}: {hits.distance[row]:.3f}", crops[0]))
    return shown
