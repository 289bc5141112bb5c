"""`KIND:PATH` in the settings to data sets; several of a kind become one.

`synthetic` is a folder that `remix-train synthesize` made: its multi-camera or single-camera half, as it is asked for;
`synthetic-target` is its target domain. `market-layout` is any set in folders and names like Market-1501's. `footage`
is a raw video or a folder of them, which is harvested first. `corrections` is a store of tracklets, whose people were
corrected by a user.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from remix_track.data.crop_set import CropSet, Split, join_crop_sets
from remix_track.data.crops.harvest_cache import Show, tracklet_and_frame
from remix_track.data.readers.crop_table import read_crop_table
from remix_track.data.readers.fewer_videos import fewer_videos
from remix_track.data.readers.key_rule import KeyRule
from remix_track.data.readers.msmt17 import read_msmt17
from remix_track.data.readers.multi_camera import (
    read_cuhk03_np,
    read_dukemtmc_reid,
    read_market1501,
    read_market_layout,
    read_randperson,
)
from remix_track.data.readers.own_crops import read_crop_folder
from remix_track.data.readers.single_camera import (
    LUPERSON,
    LUPERSON_NL,
    read_luperson,
    read_luperson_nl,
    read_tar_shards,
    read_video_folders,
)
from remix_track.data.readers.video_set import VideoSet, join_video_sets
from remix_track.data.stores import ChosenRows
from remix_track.errors import InputError
from remix_track.retrieval.answerable import refuse_unanswerable
from remix_track.settings import refuse_unknown
from remix_track.training.drawn_data import with_drawn_data
from remix_track.training.train_settings import DataSettings, TrainSettings

MULTI_CAMERA: dict[str, Callable[[Path, bool], CropSet]] = {
    "market1501": lambda path, strict: read_market1501(path, strict=strict),
    "dukemtmc": lambda path, strict: read_dukemtmc_reid(path, strict=strict),
    "msmt17": lambda path, strict: read_msmt17(path, strict=strict),
    "msmt17-merged": lambda path, strict: read_msmt17(path, merged=True, strict=strict),
    "cuhk03-labeled": lambda path, strict: read_cuhk03_np(path, boxes="labeled", strict=strict),
    "cuhk03-detected": lambda path, strict: read_cuhk03_np(path, boxes="detected", strict=strict),
    "randperson": lambda path, strict: read_randperson(path, strict=strict),
    "market-layout": lambda path, strict: read_market_layout(path),
    "folder": lambda path, strict: read_crop_folder(path),
    "table": lambda path, strict: read_crop_table(path, strict=strict),
    "synthetic": lambda path, strict: replace(
        read_market_layout(path / "multi_camera"), name=f"drawn people ({path.name})"
    ),
    "synthetic-target": lambda path, strict: replace(
        read_market_layout(path / "target"), name=f"drawn target ({path.name})"
    ),
    "corrections": lambda path, strict: _read_corrections(path),
}
SINGLE_CAMERA = ("luperson", "luperson-nl", "folders", "tar", "synthetic", "footage")


@dataclass(frozen=True, slots=True)
class TrainingData:
    """What a run reads.

    Attributes:
        labelled: crops with people and cameras, all for training.
        single: crops that know their video alone; None where the settings use none.
        target: with query and gallery, or None.
        calibration: labelled crops for the tracker's threshold, or None.
    """

    labelled: CropSet
    single: VideoSet | None
    target: CropSet | None
    calibration: CropSet | None

    def counts(self) -> dict[str, int]:
        """Numbers that must not change between a run and its resumption."""
        multi, single = self.labelled, self.single
        return {
            "multi_camera_images": len(multi),
            "multi_camera_people": len(multi.identity_names),
            "single_camera_images": 0 if single is None else len(single),
            "single_camera_videos": 0 if single is None else len(single.videos),
        }

    def described(self) -> str:
        """The training sets in a few words, for the card of the weights."""
        names = [self.labelled.name] + ([self.single.name] if self.single is not None else [])
        return " and ".join(names)

    @property
    def unlabelled(self) -> VideoSet:
        """The single-camera crops, where a stage cannot do without.

        Raises:
            InputError: there are none.
        """
        if self.single is None:
            raise InputError("data.single_camera names no set; this stage needs one")
        return self.single


def open_training_data(
    settings: TrainSettings,
    *,
    check: Callable[[], None] = lambda: None,
    show: Show = lambda video, number, videos, frame, frames: None,
) -> TrainingData:
    """Index every set that the settings name and use: people are drawn first, if so, and raw videos harvested last.

    Args:
        settings: of the run.
        check: called for each frame of a harvest and each image that is drawn; what it raises ends it.
        show: told how far a harvest is.

    Raises:
        InputError: a set cannot be read, or a stage that is asked for has no data.
    """
    settings = with_drawn_data(settings, check)
    data = settings.data
    if not data.multi_camera:
        raise InputError("data.multi_camera names no labelled set; the joint training needs one, KIND:PATH")
    needs_single = settings.pretrain or settings.joint
    if needs_single and not data.single_camera:
        raise InputError(
            "data.single_camera names no set, but pretrain or joint is on; name one, or set pretrain=false joint=false"
        )
    multi = join_crop_sets([_trainable(open_labelled(name, strict=data.strict), name) for name in data.multi_camera])
    if len(multi.identity_names) < 2:
        raise InputError(f"{multi.name}: {len(multi.identity_names)} people; expected at least two to tell apart")
    target = open_labelled(data.target, strict=data.strict) if data.target else None
    if target is not None:
        refuse_unanswerable(f"data.target: {target.name}", target.of_split(Split.QUERY), target.of_split(Split.GALLERY))
    calibration = open_labelled(data.calibration, strict=data.strict) if data.calibration else None
    single = _open_single(settings, check, show) if needs_single else None
    return TrainingData(labelled=multi, single=single, target=target, calibration=calibration)


def open_labelled(name: str, *, strict: bool) -> CropSet:
    """The labelled set that `KIND:PATH` names.

    Raises:
        InputError: no such kind (the nearest is named), or a set that cannot be read.
    """
    kind, path = _split(name, MULTI_CAMERA)
    return MULTI_CAMERA[kind](path, strict)


def _read_corrections(path: Path) -> CropSet:
    from remix_track.training.corrected_people import read_corrections

    return read_corrections(path)


def _open_single(settings: TrainSettings, check: Callable[[], None], show: Show) -> VideoSet:
    data = settings.data
    footage = [path for kind, path in (_split(name, SINGLE_CAMERA) for name in data.single_camera) if kind == "footage"]
    sets = [_open_videos(name, data) for name in data.single_camera if not name.startswith("footage:")]
    if footage:
        sets.append(_open_footage(footage, settings, check, show))
    videos = join_video_sets(sets)
    if data.single_camera_videos or data.single_camera_images:
        return fewer_videos(videos, data.single_camera_videos, data.single_camera_images, settings.run.seed)
    return videos


def _open_videos(name: str, data: DataSettings) -> VideoSet:
    kind, path = _split(name, SINGLE_CAMERA)
    rule = KeyRule(data.video_fields, data.hidden_identity_fields) if data.video_fields else None
    if kind == "luperson":
        return read_luperson(path, rule=rule or LUPERSON, strict=data.strict)
    if kind == "luperson-nl":
        return read_luperson_nl(path, rule=rule or LUPERSON_NL, strict=data.strict)
    if kind == "tar":
        return read_tar_shards(path, rule=rule)
    if kind == "synthetic":
        videos = read_video_folders(path / "single_camera", identity_fields=data.hidden_identity_fields or (0,))
        return replace(videos, name=f"drawn videos ({path.name})")
    return read_video_folders(path, identity_fields=data.hidden_identity_fields)


def _open_footage(footage: Sequence[Path], settings: TrainSettings, check: Callable[[], None], show: Show) -> VideoSet:
    """The crops of raw videos, which are made where they are not there yet."""
    from remix_track.data.crops.harvest import harvest_footage, refuse_too_few

    root = Path(settings.data.footage_folder).expanduser()
    made = list(harvest_footage(footage, root, settings.harvest, check=check, show=show))
    refuse_too_few([one for _, one in made], "data.single_camera")
    filled = {folder.name: one.video for folder, one in made if one.crops}
    videos = read_video_folders(root, identity_fields=settings.data.hidden_identity_fields, videos=list(filled))
    places = np.array([tracklet_and_frame(videos.store.name(row)) for row in range(len(videos))], np.int64)
    return replace(videos, name=f"footage {', '.join(filled.values())}"[:200], tracklet_frame=places.reshape(-1, 2))


def _split(name: str, known: object) -> tuple[str, Path]:
    kind, colon, path = name.partition(":")
    if not colon or not path:
        raise InputError(f"data set {name!r}: expected KIND:PATH, such as {next(iter(known))}:{name or 'PATH'}")  # type: ignore[call-overload]
    refuse_unknown([kind], known, f"data set {name!r}")  # type: ignore[arg-type]
    return kind, Path(path).expanduser()


def _trainable(crops: CropSet, name: str) -> CropSet:
    """The training split without junk and distractors, which have no identity."""
    train = crops.of_split(Split.TRAIN)
    named = np.flatnonzero(train.identity >= 0)
    if not len(named):
        raise InputError(f"data.multi_camera: {name} has no labelled image to train on")
    if len(named) == len(train):
        return train
    return replace(
        train,
        store=ChosenRows(train.store, named),
        identity=train.identity[named],
        camera=train.camera[named],
        split=train.split[named],
    )
