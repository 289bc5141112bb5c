"""The golden tracks: what each tracker makes of the drawn street, as MOT text.

`python -m tests.golden.tracks` writes the files anew. Do so only where a change of tracks is meant, and give the reason
in the commit.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remix_track.boxes import tlwh_from_xyxy
from remix_track.detections import Detections, Tracks
from remix_track.mot_text import format_frame
from remix_track.trackers.frame import TrackedFrame
from remix_track.trackers.linking.across_videos import join_tracks
from remix_track.trackers.linking.finished_tracks import FinishedTracks
from remix_track.trackers.linking.finished_video import VideoCollector
from remix_track.trackers.linking.settings import OfflineSettings
from remix_track.trackers.tracker import Tracker
from tests.golden.street import FPS, HEIGHT, HERE, WIDTH, read

_PICTURE = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
_ALIKE = 0.25
"""Largest cosine distance of one person in the drawn street."""


def tracker(**changes: Any) -> Tracker:
    """A tracker of the drawn street, which brings its own vectors; the camera rests unless `update` is told."""
    if changes.get("tracker") != "deep-sort":
        changes["camera_motion"] = False
    return Tracker("none", fps=FPS, max_cosine_distance=_ALIKE, **changes)


def online(frames: Sequence[Detections], **changes: Any) -> list[Tracks]:
    """The tracks of every frame, as they come."""
    tracking = tracker(**changes)
    return [tracking.update(detections, _PICTURE) for detections in frames]


def offline(frames: Sequence[Detections], settings: OfflineSettings) -> list[Tracks]:
    """The tracks of every frame, known at the end."""
    tracking, noted = tracker(), FinishedTracks(FPS)
    for number, detections in enumerate(frames, 1):
        tracking.update(detections, _PICTURE)
        tracking.note(noted, number)
    finished = tracking.finish(noted, settings)
    return [finished.tracks(number) for number in range(1, len(frames) + 1)]


def moving_camera(frames: Sequence[Detections]) -> list[Tracks]:
    """The street seen by a camera that sways by eight pixels a frame, and says so."""
    tracking, tracks, before = tracker(), list[Tracks](), np.zeros(2)
    for number, detections in enumerate(frames):
        here = np.array([120 * np.sin(number / 15), 40 * np.sin(number / 7)])
        warp = np.concatenate([np.eye(2), (before - here)[:, None]], axis=1)
        shifted = detections.xyxy - np.tile(here, 2)
        moved = Detections(shifted, detections.score, detections.class_id, detections.embedding)
        tracks.append(tracking.update(moved, _PICTURE, warp))
        before = here
    return tracks


def linked(*videos: Sequence[Detections]) -> list[list[Tracks]]:
    """The tracks of several videos, with one id for a person in all of them."""
    finished = []
    for frames in videos:
        collected = VideoCollector()
        for number, tracks in enumerate(online(frames), 1):
            collected.add(TrackedFrame(number, _PICTURE, number / FPS, tracks))
        finished.append(collected.finished())
    people = join_tracks([video.means for video in finished], _ALIKE)
    return [
        [frame.tracks for frame in video.replay(ids=numbers + 1)]
        for video, numbers in zip(finished, people, strict=True)
    ]


def without_vectors(frames: Sequence[Detections]) -> list[Detections]:
    """The same boxes, of which nothing is known but where they are."""
    return [Detections(frame.xyxy, frame.score, frame.class_id) for frame in frames]


def cases() -> Iterator[tuple[str, Callable[[], list[Tracks]]]]:
    """Each golden file's name and what makes its tracks."""
    street, other = read("street-1"), read("street-2")
    yield "deep-sort", partial(online, street, tracker="deep-sort")
    yield "deep-sort-motion", partial(online, without_vectors(street), tracker="deep-sort")
    yield "deep-sort-auto", partial(online, street, tracker="deep-sort", reid="when-ambiguous")
    yield "deep-sort-coast", partial(online, street, tracker="deep-sort", max_coast=3, nms_max_overlap=0.6)
    yield "remix", partial(online, street)
    yield "remix-motion", partial(online, without_vectors(street))
    yield "remix-auto", partial(online, street, reid="when-ambiguous")
    yield (
        "remix-both",
        partial(online, street, appearance_memory="both", nn_budget=20, score_noise=True, match_classes=False),
    )
    yield "remix-moving-camera", partial(moving_camera, street)
    yield "remix-offline", partial(offline, street, OfflineSettings(offline=True))
    smooth = OfflineSettings(offline=True, smoothness=10, relink_reentries=True, fill_seconds=1.5)
    yield "remix-offline-smooth", partial(offline, street, smooth)
    yield "remix-link-1", lambda: linked(street, other)[0]
    yield "remix-link-2", lambda: linked(street, other)[1]


def text(tracks: Sequence[Tracks]) -> str:
    """MOT text of the tracks of frames 1, 2, ..."""
    return "".join(format_frame(number, one.ids, _tlwh(one), one.score) for number, one in enumerate(tracks, 1))


def _tlwh(tracks: Tracks) -> NDArray[np.float64]:
    return np.asarray(tlwh_from_xyxy(tracks.xyxy.astype(np.float64)), np.float64)


if __name__ == "__main__":
    for name, make in cases():
        (HERE / f"{name}.txt").write_text(text(make()), encoding="ascii")
