"""People of a drawn street before several cameras: identity over all cameras together, before and after linking.

python -m tests.bench.bench_link --weights W [W ...] [--seeds 0 1] [--cameras 3] [--detector yolo11n.pt]

The boxes are those of the truth (of people who show at least a third) unless a detector is named, so that linking is
measured, not detection. The threshold is calibrated on the same films without labels, as `remix-track calibrate` does.
"""

import argparse
import dataclasses
import sys
import tempfile
from pathlib import Path

import numpy as np

import remix_track
from remix_track.boxes import tlwh_from_xyxy
from remix_track.data.crops.harvest import harvest_footage
from remix_track.data.crops.tracklet_crops import embed_tracklets
from remix_track.data.crops.tracklets import HarvestSettings
from remix_track.encoder.load import load_embedder
from remix_track.eval.metrics.score import score_sequence
from remix_track.eval.protocols import PRESETS, PROTOCOLS
from remix_track.mot_text import MotRows
from remix_track.synthetic.scenes import StreetScene
from remix_track.trackers.linking.across_videos import join_tracks
from remix_track.trackers.linking.finished_video import FinishedVideo, VideoCollector
from remix_track.training.tracklet_calibration import calibrate_tracklets
from tests.footage import write_video

SHOWN = 1 / 3


def main() -> None:
    """Print a table: each seed and encoder, before and after, at the calibrated distance and at others."""
    arguments = _parser().parse_args()
    print(
        "| seed | weights | calibrated | IDF1 alone | IDF1 linked | people / tracks | IDF1 at .1 .15 .2 .25 .3 .4 .5 |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        for seed in arguments.seeds:
            scenes = [
                StreetScene(seed, frames=arguments.frames, people=arguments.people, place=place)
                for place in range(arguments.cameras)
            ]
            films = [_film(scene, Path(folder) / f"s{seed}c{place}", arguments) for place, scene in enumerate(scenes)]
            truth = _joined([scene.ground_truth() for scene in scenes], arguments.frames)
            for weights in arguments.weights:
                print(_row(seed, weights, films, truth, arguments, Path(folder)))
                sys.stdout.flush()


def _row(
    seed: int, weights: str, films: list[tuple[Path, str]], truth: MotRows, arguments: argparse.Namespace, folder: Path
) -> str:
    threshold = _calibrated(weights, films, folder / "crops")
    runs = [_recorded(video, detector, weights, threshold) for video, detector in films]
    alone = _score(truth, runs, _local(runs), arguments)
    people = _linked(runs, threshold)
    after = _score(truth, runs, people, arguments)
    others = [_score(truth, runs, _linked(runs, at), arguments) for at in (0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5)]
    tracks = sum(len(one) for one in people)
    found = len(set().union(*(one.values() for one in people)))
    sweep = " ".join(f"{100 * one:.1f}" for one in others)
    name = Path(weights).name
    return (
        f"| {seed} | {name} | {threshold:.3f} | {100 * alone:.1f} | {100 * after:.1f} | {found} / {tracks} | {sweep} |"
    )


def _film(scene: StreetScene, folder: Path, arguments: argparse.Namespace) -> tuple[Path, str]:
    """The scene as a video, and what finds its people."""
    folder.mkdir()
    images = [scene.render(frame) for frame in range(1, scene.frames + 1)]
    video = write_video(folder / f"{folder.name}.mp4", images=images, rate=round(scene.fps), options={"crf": "18"})
    rows = scene.ground_truth()
    seen = rows[rows.visibility >= SHOWN]
    lines = [
        f"{frame},-1,{','.join(f'{value:.1f}' for value in box)},0.9\n"
        for frame, box in zip(seen.frame.tolist(), seen.tlwh.tolist(), strict=True)
    ]
    (folder / "det.txt").write_text("".join(lines))
    return video, arguments.detector or str(folder / "det.txt")


def _calibrated(weights: str, films: list[tuple[Path, str]], crops: Path) -> float:
    embedder = load_embedder(weights)
    assert embedder is not None
    videos = []
    for video, detector in films:
        settings = HarvestSettings(detector=detector, every=0.25, min_width=16)
        for folder, made in harvest_footage([video], crops, settings):
            videos.append(embed_tracklets(folder, made, embedder))
    return calibrate_tracklets(videos, "the street")[0].max_cosine_distance


def _recorded(video: Path, detector: str, weights: str, threshold: float) -> tuple[FinishedVideo, MotRows]:
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


def _local(runs: list[tuple[FinishedVideo, MotRows]]) -> list[dict[int, int]]:
    """Ids as the videos have them, made different from video to video."""
    return [{id_: 10_000 * video + id_ for id_ in one.means.ids.tolist()} for video, (one, _) in enumerate(runs)]


def _linked(runs: list[tuple[FinishedVideo, MotRows]], distance: float) -> list[dict[int, int]]:
    people = join_tracks([one.means for one, _ in runs], distance)
    return [
        dict(zip(one.means.ids.tolist(), (numbers + 1).tolist(), strict=True))
        for (one, _), numbers in zip(runs, people, strict=True)
    ]


def _score(
    truth: MotRows,
    runs: list[tuple[FinishedVideo, MotRows]],
    people: list[dict[int, int]],
    arguments: argparse.Namespace,
) -> float:
    found = [
        dataclasses.replace(rows, id=np.array([names[id_] for id_ in rows.id.tolist()], np.int64))
        for (_, rows), names in zip(runs, people, strict=True)
    ]
    frames = arguments.frames * arguments.cameras
    results = _joined(found, arguments.frames)
    score = score_sequence(truth, results, PRESETS["data"], PROTOCOLS["devkit"], frames).score
    return score.identity.idf1


def _joined(parts: list[MotRows], frames: int) -> MotRows:
    """The rows of several cameras as one sequence, camera after camera."""
    moved = [dataclasses.replace(part, frame=part.frame + frames * video) for video, part in enumerate(parts)]
    return MotRows(*(np.concatenate([getattr(part, name) for part in moved]) for name in MotRows.__slots__))


def _parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--weights", nargs="+", default=["default"])
    made.add_argument("--seeds", nargs="+", type=int, default=[0])
    made.add_argument("--cameras", type=int, default=3)
    made.add_argument("--frames", type=int, default=150)
    made.add_argument("--people", type=int, default=9)
    made.add_argument("--detector", default="", help="default: the boxes of the truth")
    return made


if __name__ == "__main__":
    main()
