"""Corrections of a drawn archive as labels, against the same adaptation without them: minutes of one core."""

import copy
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from remix_track.detections import Tracks
from remix_track.encoder.load import load_embedder
from remix_track.settings import build
from remix_track.store import Job, JobSource, Store, Weights, open_store
from remix_track.store.corrections import Corrections
from remix_track.store.identify import identify
from remix_track.store.people import PeopleFiles
from remix_track.synthetic.crop_cameras import CropCamera
from remix_track.synthetic.crops import tracklet
from remix_track.synthetic.dataset import synthesize
from remix_track.synthetic.people import crowd
from remix_track.synthetic.places import panorama
from remix_track.synthetic.wardrobe import STREET
from remix_track.trackers.frame import TrackedFrame
from remix_track.training.adapt_settings import ADAPTATION
from remix_track.training.run import run_training
from remix_track.training.stopping import StopRequest
from remix_track.training.train_settings import TrainSettings

pytest.importorskip("pyarrow")

CAMERAS = 4
ARCHIVED, UNSEEN = 60, 40
"""People of the archive, and others before the same cameras, of whom nothing is learnt."""
VIEWS = 5
CORRECTIONS = 100
"""At most; here `identify` errs less often than that."""
SEED = 1


@dataclass
class Archive:
    store: Store
    truth: dict[tuple[str, int], int]
    target: Path


def drawn_archive(folder, seed=SEED):
    """A store of the archived people, tracked without a fault, and query and gallery of the others.

    Clothes as on a street, many of them alike, before cameras of very different colours.
    """
    rng = np.random.default_rng(seed)
    people = crowd(rng, ARCHIVED + UNSEEN, lookalikes=0.7, any_colour=0.0, wardrobe=STREET)
    cameras = [CropCamera.sample(rng, 2.5) for _ in range(CAMERAS)]
    embedder = load_embedder("default")
    archive = Archive(open_store(folder / "S", create=True), {}, folder / "target")
    for part in ("bounding_box_train", "query", "bounding_box_test"):
        (archive.target / part).mkdir(parents=True)
    for number, camera in enumerate(cameras, 1):
        scenery = panorama(camera.place, camera.pitch)
        here = [person for person in range(len(people)) if rng.random() <= 0.7]
        crops = {
            person: crops_of(people[person], camera, scenery, people, [seed, person, number - 1]) for person in here
        }
        write_job(archive, f"c{number}", {one: crops[one] for one in here if one < ARCHIVED}, embedder)
        for person in here[sum(one < ARCHIVED for one in here) :]:
            for view, crop in enumerate(crops[person]):
                inside = archive.target / ("bounding_box_test" if view else "query")
                cv2.imwrite(str(inside / f"{person:04d}_c{number}s1_{view:06d}_01.jpg"), crop)
    return archive


def crops_of(person, camera, scenery, passers, seed):
    """As they are after the camera's coder."""
    drawn = tracklet(person, camera, scenery, passers, VIEWS, np.random.default_rng(seed))
    quality = [cv2.IMWRITE_JPEG_QUALITY, camera.jpeg_quality]
    return [cv2.imdecode(cv2.imencode(".jpg", crop, quality)[1], cv2.IMREAD_COLOR) for crop in drawn]


def write_job(archive, name, people, embedder):
    """One camera, before which one person comes after the other, each a track."""
    source = JobSource(name, f"{name}.mp4", size=1, digest=name)
    job = Job(source, name, weights=Weights.of(embedder.description), fps=1.0)
    with archive.store.writer(job) as writer:
        index = 0
        for track, (person, crops) in enumerate(people.items(), 1):
            archive.truth[job.key, track] = person
            for crop in crops:
                index += 1
                writer.add(frame(index, track, crop, embedder))


def frame(index, track, crop, embedder):
    """A frame that is all person, far from the one before, so that each keeps its crop."""
    height, width = crop.shape[:2]
    xyxy, one = np.array([[0, 0, width, height]], np.float32), np.ones(1, np.int64)
    tracks = Tracks(one * track, xyxy, np.ones(1, np.float32), one - 1, one - 1, embedder(crop, xyxy))
    return TrackedFrame(index, crop, 10.0 * index, tracks)


def correct(archive):
    """As a user does who knows everybody, and has time for so many: first who is not one, then who is; how many."""
    corrections, store = Corrections.of(archive.store, "Kim"), archive.store
    for person in sorted(store.people()):
        own = list(store.tracklets(person=person).keys())
        there = [archive.truth[key] for key in own]
        mostly = max(set(there), key=there.count)
        for other in sorted(set(there) - {mostly}):
            if len(corrections.acts()) < CORRECTIONS:
                corrections.split(person, [key for key, one in zip(own, there, strict=True) if one == other])
    table = PeopleFiles(store.path).table()
    numbers = dict[int, dict[int, None]]()
    for job, track, person in zip(*(table[name].tolist() for name in ("job", "track", "person")), strict=True):
        numbers.setdefault(archive.truth[job, track], {})[person] = None
    for first, *others in numbers.values():
        for other in others:
            if len(corrections.acts()) < CORRECTIONS:
                corrections.merge(first, other)
    return len(corrections.acts())


def write_videos(archive, folder):
    """The archive's crops as those of unlabelled videos, a folder for each camera."""
    for key in archive.store.jobs():
        stored = archive.store.job(key)
        rows = stored.tracklets()
        (folder / stored.job.camera).mkdir(parents=True)
        for track, names in zip(rows["track"].tolist(), rows["crops"].tolist(), strict=True):
            for number, path in enumerate(stored.crops(names)):
                (folder / stored.job.camera / f"{track:06d}_{number:02d}.jpg").write_bytes(path.read_bytes())


def adapted(folder, archive, labelled):
    """The mAP of unseen people after an adaptation as `adapt` does it, with smaller crops and fewer steps."""
    values = copy.deepcopy(ADAPTATION)
    values["encoder"] |= {"architecture": "mobilenet-v2", "height": 128, "width": 64, "weights": "default"}
    values["augmentation"] = {"padding": 5}
    sizes = {"multi_identities": 8, "multi_images": 4, "single_identities": 8, "single_images": 4}
    values["sampling"] |= {"iterations_per_epoch": 25, **sizes}
    values["run"] |= {"seed": SEED, "threads": 1, "device": "cpu", "checkpoint_every": 0}
    values["data"] = {
        "multi_camera": [f"synthetic:{folder.parent / 'drawn'}", *labelled],
        "single_camera": [f"folders:{folder.parent / 'videos'}"],
        "target": f"market-layout:{archive.target}",
    }
    folder.mkdir()
    with StopRequest() as stop:
        return run_training(build(TrainSettings, values, "test"), lambda: folder, stop=stop).scores["map"]


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_corrections_raise_the_map_of_people_who_were_not_seen(tmp_path):
    archive = drawn_archive(tmp_path)
    identify(archive.store)
    write_videos(archive, tmp_path / "videos")
    synthesize(tmp_path / "drawn", identities=60, cameras=4, videos=1, sequences=1, target_identities=10, seed=77)
    without = adapted(tmp_path / "without", archive, [])
    corrections = correct(archive)
    assert 10 < corrections <= CORRECTIONS
    assert len(archive.store.people()) == ARCHIVED
    corrected = adapted(tmp_path / "corrected", archive, [f"corrections:{archive.store.path}"])
    print(f"mAP of {UNSEEN} unseen people: {without:.3f} without, {corrected:.3f} with {corrections} corrections")
    assert corrected > without
