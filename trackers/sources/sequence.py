"""MOT sequence folders: `seqinfo.ini` beside `img1`, or beside a video."""

import itertools
from pathlib import Path, PurePosixPath

from remix_track.errors import InputError
from remix_track.sequence_info import SequenceInfo
from remix_track.trackers.sources.pictures import PictureReader, pictures_in
from remix_track.trackers.sources.source import Facts, Reader, folder_name, plausible_fps
from remix_track.trackers.sources.video import VIDEO_SUFFIXES, VideoReader

_INFO = "seqinfo.ini"
_LARGEST_NUMBER = 10_000_000


def sequence_around(folder: Path) -> Path | None:
    """The sequence folder that `folder` is, or whose pictures it is (`.../MOT17-02-FRCNN/img1`); None if neither."""
    if (folder / _INFO).is_file() or (folder / "img1").is_dir():
        return folder
    parent = folder.resolve().parent
    return parent if folder.resolve().name == "img1" and (parent / _INFO).is_file() else None


def open_sequence(folder: Path) -> Reader:
    """A sequence's pictures, or the one video that stands for them; rate and name come from `seqinfo.ini`.

    Raises:
        InputError: neither pictures nor exactly one video, or a `seqinfo.ini` that cannot be used.
    """
    info = SequenceInfo.read(folder / _INFO) if (folder / _INFO).is_file() else SequenceInfo(folder.resolve().name)
    inside = PurePosixPath(info.image_folder)
    if inside.is_absolute() or ".." in inside.parts:
        raise InputError(f"{folder / _INFO}: imDir={info.image_folder} leads out of the sequence; correct the file")
    name, fps = folder_name(info.name), plausible_fps(info.fps)
    pictures = folder / inside
    if not pictures.is_dir():
        return VideoReader(_only_video(folder, info.image_folder), name=name, fps=fps)
    paths = pictures_in(pictures)
    if not paths:
        raise InputError(f"{pictures}: no images in it (jpg, png, bmp, tif, webp); the sequence has nothing to show")
    doubts: tuple[str, ...] = ()
    if info.frames is not None and info.frames != len(paths):
        doubts = (f"{folder}: {_INFO} says {info.frames} frames, {pictures.name} holds {len(paths)} pictures",)
    facts = Facts(name, str(folder), fps=fps, frames=len(paths), warnings=doubts)
    return PictureReader(paths, facts, _numbers_of(paths))


def _only_video(folder: Path, image_folder: str) -> Path:
    videos = sorted(path for path in folder.iterdir() if path.suffix.lower() in VIDEO_SUFFIXES and path.is_file())
    if len(videos) != 1:
        found = "no video" if not videos else f"{len(videos)} videos; name one of them"
        raise InputError(f"{folder}: a MOT sequence without its pictures ({image_folder}), and {found}")
    return videos[0]


def _numbers_of(paths: list[Path]) -> list[int] | None:
    """The frame numbers that MOT file names state (`000001.jpg`); None where they are something else.

    So a picture that is missing leaves a gap, and the others still fit the ground truth.
    """
    if not all(path.stem.isdecimal() for path in paths):
        return None
    numbers = [int(path.stem) for path in paths]
    rising = all(before < after for before, after in itertools.pairwise(numbers))
    return numbers if rising and numbers[0] >= 1 and numbers[-1] <= _LARGEST_NUMBER else None
