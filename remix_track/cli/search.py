"""`remix-track search RUN --like crop.jpg`: tracks ranked by their similarity to an image of a person.

`remix-track search crop.jpg --store STORE` does it with all tracklets of a store.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from remix_track.cli.flags_from_settings import Parser
from remix_track.cli.terminal import add_rows, show, show_table
from remix_track.errors import InputError, parsing
from remix_track.run_files import files_at
from remix_track.setting_values import Limits, typed

if TYPE_CHECKING:
    from remix_track.retrieval.track_vectors import TrackVectors

DEFAULT_OUTPUT = Path("runs/search")


class Found(NamedTuple):
    """A track that was found: the file it is in, its row there, and its cosine distance."""

    vectors: "TrackVectors"
    row: int
    distance: float

    @property
    def id(self) -> int:
        """Of the track."""
        return int(self.vectors.tracks.ids[self.row])

    @property
    def run(self) -> str:
        """The name of the run's folder."""
        return self.vectors.path.resolve().parent.name


def run(words: Sequence[str]) -> int:
    """Embed the image, rank the tracks, print them, draw what can be drawn; 0."""
    arguments = parser().parse_intermixed_args(words)
    typed(arguments.top, int, "--top", Limits(low=1))
    if arguments.store is not None:
        from remix_track.cli.search_store import search_store

        return search_store(arguments)
    if arguments.like is None:
        raise InputError("--like CROP.jpg is missing: an image of the person; with --store it is the only one named")

    from remix_track.data.crops.tracklet_crops import embed_crop
    from remix_track.encoder.centred_tracks import centre_videos
    from remix_track.encoder.load import load_embedder
    from remix_track.encoder.stranger_distance import unlikely_distance
    from remix_track.retrieval.track_vectors import read_track_vectors, refuse_other_weights

    advice = "give the folder of a run that was tracked with --embeddings"
    paths = [path for given in arguments.embeddings for path in files_at(given, "embeddings.npz", advice)]
    files = [read_track_vectors(path) for path in paths]
    embedder = load_embedder(arguments.weights)
    if embedder is None:
        raise InputError("--weights none: there is no appearance to search by")
    for vectors in files:
        refuse_other_weights(vectors, embedder.description, arguments.weights)
    centred = centre_videos([vectors.tracks for vectors in files])
    query = centred.stranger(embed_crop(arguments.like, embedder)[None])[0]
    found = [
        Found(vectors, row, float(distance))
        for vectors, video in zip(files, centred.videos, strict=True)
        for row, distance in enumerate(1 - (video.mean @ query if len(video) else np.empty(0)))
    ]
    best = sorted(found, key=lambda one: one.distance)[: arguments.top]
    unlikely = None
    if centred.max_distance is not None:
        unlikely = unlikely_distance(np.array([one.distance for one in found]), len(found))
    _print(best, embedder.max_cosine_distance if centred.max_distance is None else None, unlikely)
    draw([(f"{one.run} {one.id}: {one.distance:.3f}", crop) for one in best if (crop := _crop(one))], arguments)
    return 0


def _print(best: Sequence[Found], calibrated: float | None, unlikely: float | None) -> None:
    """The table; what is within the threshold of the weights, or within what is unlikely for strangers, is marked."""
    from rich.table import Table

    threshold = calibrated if unlikely is None else unlikely
    table = Table(box=None, pad_edge=False)
    for title in ("", "run", "id", "cosine distance", "frames", "seen in"):
        table.add_column(title, justify="left" if title == "run" else "right", overflow="fold")
    for rank, one in enumerate(best, 1):
        tracks = one.vectors.tracks
        first, last = tracks.first_frame[one.row], tracks.last_frame[one.row]
        near = threshold is not None and one.distance <= threshold
        distance = f"{one.distance:.4f}{' *' if near else '  '}"
        add_rows(table, [(rank, one.run, one.id, distance, f"{first}-{last}", tracks.count[one.row])])
    show_table(table)
    if unlikely is not None:
        show(f"* at most {unlikely:.4f}, as near as a stranger comes in one of ten searches; the cameras are taken out")
    elif calibrated is not None:
        show(f"* at most {calibrated:.4f}, the distance up to which these weights call crops of one video one person")


def draw(shown: Sequence[tuple[str, Path]], arguments: argparse.Namespace) -> None:
    """The image, and beside it the crops of tracks, each with its title (`--crops` of the tracking run)."""
    from remix_track.bounded_file import read_bounded
    from remix_track.data.decoding import decode_image
    from remix_track.data.stores import LARGEST_IMAGE
    from remix_track.output_files import reserve_numbered_folder
    from remix_track.retrieval.figures import likeness_strip, write_image

    if not shown:
        show("no image: there are no crops beside the vectors (track with --crops)")
        return
    path = arguments.picture
    if path is None:
        path = reserve_numbered_folder(DEFAULT_OUTPUT, arguments.like.stem or "search") / "likeness.png"
    elif path.exists():
        raise InputError(f"{path}: there is something already; give another --picture")
    pictures = [("like this", decode_image(arguments.like.read_bytes()))]
    for title, crop in shown:
        with parsing(crop, "an image of a person", "remove it"):
            pictures.append((title, decode_image(read_bounded(crop, LARGEST_IMAGE))))
    write_image(path, likeness_strip(pictures))
    show(f"image: {path}")


def _crop(one: Found) -> Path | None:
    """The middle one of a track's crops."""
    crops = sorted((one.vectors.path.parent / "crops" / str(one.id)).glob("*.jpg"))
    return crops[len(crops) // 2] if crops else None


def parser() -> argparse.ArgumentParser:
    """The flags of the search."""
    made = Parser(prog="remix-track search", description="Rank tracks by how much they look like a picture.")
    add = made.add_argument
    add("embeddings", metavar="RUN", nargs="*", type=Path, help="folders of runs with --embeddings, or embeddings.npz")
    add("--like", metavar="CROP.jpg", type=Path, help="an image that shows the person, and little else")
    add("--weights", metavar="W", default="default", help="those of the runs (default: default)")
    add("--top", type=int, default=10, metavar="N", help="how many tracks (default: 10)")
    add("--picture", type=Path, metavar="FILE.png", help="default: runs/search/NAME/likeness.png, numbered")
    add("--store", type=Path, metavar="STORE", help="search a store: remix-track search CROP.jpg --store STORE")
    add("--camera", metavar="NAME", help="of a store: only this camera")
    add("--since", metavar="TIME", help="of a store: only from then on, such as 2026-11-29T15:00 (UTC)")
    add("--until", metavar="TIME", help="of a store: only before")
    return made
