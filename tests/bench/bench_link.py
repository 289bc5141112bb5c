"""People of a drawn street before several cameras: identity over all cameras together, before and after linking.

python -m tests.bench.bench_link --weights W [W ...] [--seeds 0 1] [--cameras 3] [--pets DATA/pets09-s2l1]
    [--detector yolo11n.pt]

The boxes are those of the truth (of people who show at least a third) unless a detector is named, so that linking is
measured, not detection. The threshold is calibrated on the same films without labels, as `remix-track calibrate` does.
"""

import argparse
import dataclasses
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

import remix_track
from remix_track import mot_text
from remix_track.boxes import tlwh_from_xyxy
from remix_track.data.crops.harvest import harvest_footage
from remix_track.data.crops.tracklet_crops import embed_tracklets
from remix_track.data.crops.tracklets import HarvestSettings
from remix_track.encoder.centred_tracks import centre_videos
from remix_track.encoder.load import load_embedder
from remix_track.errors import InputError
from remix_track.eval.benchmarks import PRESETS, PROTOCOLS
from remix_track.eval.metrics.score import score_sequence
from remix_track.mot_text import MotRows
from remix_track.synthetic.scenes import StreetScene
from remix_track.trackers.association.settings import UNCALIBRATED_COSINE_DISTANCE
from remix_track.trackers.linking.across_videos import join_tracks
from remix_track.trackers.linking.finished_video import FinishedVideo, VideoCollector
from remix_track.training.threshold_from_tracklets import calibrate_tracklets
from tests.footage import write_video

SHOWN = 1 / 3


@dataclass(frozen=True, slots=True, eq=False)
class Footage:
    """Videos of the same people: each with what finds its people, and the truth of all, camera after camera."""

    name: str
    films: list[tuple[Path, str]]
    truth: MotRows
    frames: int


def main() -> None:
    """Print a table: each footage and encoder, before linking, as is, and with the cameras taken out."""
    arguments = _parser().parse_args()
    print("| footage | weights | tracks | alone | as is at | IDF1 | people | taken out | at | IDF1 | people | best |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory() as folder:
        for footage in _all_footage(arguments, Path(folder)):
            for weights in arguments.weights:
                print(_row(footage, weights, Path(folder)))
                sys.stdout.flush()


def _all_footage(arguments: argparse.Namespace, folder: Path) -> Iterator[Footage]:
    if arguments.pets:
        yield pets_in_two(arguments.pets, folder)
    for seed in arguments.seeds:
        scenes = [
            StreetScene(seed, frames=arguments.frames, people=arguments.people, place=place)
            for place in range(arguments.cameras)
        ]
        films = [_street(scene, folder / f"s{seed}c{place}", arguments) for place, scene in enumerate(scenes)]
        truth = _joined([scene.ground_truth() for scene in scenes], arguments.frames)
        yield Footage(f"street {seed}", films, truth, arguments.frames)


def _row(footage: Footage, weights: str, folder: Path) -> str:
    threshold = _calibrated(weights, footage.films, folder / "crops")
    runs = [recorded(video, detector, weights, threshold) for video, detector in footage.films]
    means = [one.means for one, _ in runs]
    centred = centre_videos(means)
    distance = centred.max_distance or threshold
    cells = [footage.name, Path(weights).name, str(sum(map(len, means))), _percent(_score(footage, runs, _local(runs)))]
    for videos, limit in ((means, threshold), (centred.videos, distance)):
        people = join_tracks(videos, limit)
        cells += [
            f"{limit:.3f}",
            _percent(_score(footage, runs, people)),
            str(len(set(np.concatenate(people).tolist()))),
        ]
    cells.insert(7, " ".join(f"{one:.2f}" for one in centred.kept))
    best = [
        max(_score(footage, runs, join_tracks(videos, limit)) for limit in np.linspace(0.02, 1.2, 30))
        for videos in (means, centred.videos)
    ]
    return f"| {' | '.join([*cells, ' / '.join(map(_percent, best))])} |"


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


def pets_in_two(data: Path, folder: Path) -> Footage:
    """PETS 2009 S2L1 cut in two: one camera, whose people come again."""
    film = cv2.VideoCapture(str(data / "video.avi"))
    images = []
    while (read := film.read())[0]:
        images.append(np.asarray(read[1], np.uint8))
    half = (len(images) + 1) // 2
    rows = mot_text.read(data / "gt/gt.txt")
    films, parts = [], []
    for part in range(2):
        own = rows[(rows.frame > part * half) & (rows.frame <= (part + 1) * half)]
        parts.append(dataclasses.replace(own, frame=own.frame - part * half))
        films.append(_film(folder / f"pets{part}", images[part * half : (part + 1) * half], 7, parts[-1]))
    return Footage("PETS in two", films, _joined(parts, half), half)


def _street(scene: StreetScene, folder: Path, arguments: argparse.Namespace) -> tuple[Path, str]:
    images = [scene.render(frame) for frame in range(1, scene.frames + 1)]
    rows = scene.ground_truth()
    video, boxes = _film(folder, images, round(scene.fps), rows[rows.visibility >= SHOWN])
    return video, arguments.detector or boxes


def _film(folder: Path, images: list[NDArray[np.uint8]], rate: int, rows: MotRows) -> tuple[Path, str]:
    """Images as a video, and its boxes as a file."""
    folder.mkdir()
    video = write_video(folder / f"{folder.name}.mp4", images=images, rate=rate, options={"crf": "18"})
    lines = [
        f"{frame},-1,{','.join(f'{value:.1f}' for value in box)},0.9\n"
        for frame, box in zip(rows.frame.tolist(), rows.tlwh.tolist(), strict=True)
    ]
    (folder / "det.txt").write_text("".join(lines))
    return video, str(folder / "det.txt")


def _calibrated(weights: str, films: list[tuple[Path, str]], crops: Path) -> float:
    embedder = load_embedder(weights)
    assert embedder is not None
    videos = []
    for video, detector in films:
        settings = HarvestSettings(detector=detector, every=0.25, min_width=16)
        for folder, made in harvest_footage([video], crops, settings):
            videos.append(embed_tracklets(folder, made, embedder))
    try:
        return calibrate_tracklets(videos, "the street")[0].max_cosine_distance
    except InputError:  # a crowd in which nobody is long in the clear
        return embedder.max_cosine_distance or UNCALIBRATED_COSINE_DISTANCE


def recorded(video: Path, detector: str, weights: str, threshold: float) -> tuple[FinishedVideo, MotRows]:
    """The tracks of a video, with their vectors, and as rows of MOT text."""
    collected, parts = VideoCollector(), []
    for frame in remix_track.track(video, detector=detector, weights=weights, max_cosine_distance=threshold):
        collected.add(frame)
        parts.append((frame.index, frame.ids, tlwh_from_xyxy(frame.xyxy.astype(np.float64))))
    ids = np.concatenate([ids for _, ids, _ in parts])
    number = np.concatenate([np.full(len(ids), index) for index, ids, _ in parts])
    none = np.ones(len(ids))
    tlwh = np.concatenate([tlwh for *_, tlwh in parts])
    return collected.finished(), MotRows(
        number, ids, tlwh, none, none.astype(np.int64), none, np.arange(1, len(ids) + 1)
    )


def _local(runs: list[tuple[FinishedVideo, MotRows]]) -> list[NDArray[np.int64]]:
    """Ids as the videos have them, made different from video to video."""
    return [10_000 * video + one.means.ids for video, (one, _) in enumerate(runs)]


def _score(footage: Footage, runs: list[tuple[FinishedVideo, MotRows]], people: list[NDArray[np.int64]]) -> float:
    """IDF1 over all cameras together, where `people` (T,) are those of each video's tracks."""
    found = [
        dataclasses.replace(rows, id=numbers[np.searchsorted(one.means.ids, rows.id)] + 1)
        for (one, rows), numbers in zip(runs, people, strict=True)
    ]
    results = _joined(found, footage.frames)
    frames = footage.frames * len(runs)
    return score_sequence(footage.truth, results, PRESETS["data"], PROTOCOLS["devkit"], frames).score.identity.idf1


def _joined(parts: list[MotRows], frames: int) -> MotRows:
    """The rows of several cameras as one sequence, camera after camera."""
    moved = [dataclasses.replace(part, frame=part.frame + frames * video) for video, part in enumerate(parts)]
    return MotRows(*(np.concatenate([getattr(part, name) for part in moved]) for name in MotRows.__slots__))


def _parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--weights", nargs="+", default=["default"])
    made.add_argument("--seeds", nargs="*", type=int, default=[0])
    made.add_argument("--cameras", type=int, default=3)
    made.add_argument("--frames", type=int, default=150)
    made.add_argument("--people", type=int, default=9)
    made.add_argument("--detector", default="", help="default: the boxes of the truth")
    made.add_argument("--pets", type=Path, metavar="DATA/pets09-s2l1", help="this clip cut in two as well")
    return made


if __name__ == "__main__":
    main()
