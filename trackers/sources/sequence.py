"""MOT sequence folders: `seqinfo.ini` beside `img1`, or beside a video."""

from pathlib import Path

from remix_track.errors import InputError
from remix_track.mot_sequence import INFO, MotSequence, read_sequence
from remix_track.trackers.sources.images import ImageReader
from remix_track.trackers.sources.source import Facts, Reader, folder_name
from remix_track.trackers.sources.video import VideoReader


def open_sequence(folder: Path) -> Reader:
    """A sequence's images, or the one video that stands for them; rate and name come from `seqinfo.ini`.

    Raises:
        InputError: neither images nor exactly one video, or a `seqinfo.ini` that cannot be used.
    """
    sequence = read_sequence(folder)
    info, count = sequence.info, len(sequence.pictures)
    name = folder_name(info.name)
    size = (info.width, info.height) if info.width and info.height else None
    if not count:
        reader = VideoReader(_only_video(sequence), name=name, fps=info.fps, width=info.width)
        reader.facts.size = size
        return reader
    doubts: tuple[str, ...] = ()
    if info.frames is not None and info.frames != count:
        doubts = (f"{folder}: {INFO} says {info.frames} frames, {sequence.image_folder.name} holds {count} images",)
    if sequence.doubt:
        doubts += (sequence.doubt,)
    first = sequence.numbers[0]
    facts = Facts(name, str(folder), fps=info.fps, frames=count, first=first, size=size, warnings=doubts)
    return ImageReader(sequence.pictures, facts, sequence.numbers)


def _only_video(sequence: MotSequence) -> Path:
    if sequence.video is not None:
        return sequence.video
    images = sequence.info.image_folder
    missing = f"no images in {images}" if sequence.image_folder.is_dir() else images
    found = f"{len(sequence.videos)} videos; name one of them" if sequence.videos else "no video"
    raise InputError(f"{sequence.folder}: a MOT sequence without its images ({missing}), and {found}")
