"""A MOT sequence folder: `seqinfo.ini`, the images or the one video beside it, and how many frames there are.

The one reader of such a folder, for tracking and evaluation alike.
"""

import configparser
import os
import re
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from remix_track.errors import InputError, parsing
from remix_track.image_numbers import numbers_of_sequence
from remix_track.media_files import images_in, videos_in

INFO = "seqinfo.ini"
_MAX_BYTES = 64 * 1024
_EXAMPLE = "expected a [Sequence] section with seqLength, imWidth ..."
_MOST_FRAMES = 999_999_999
_LARGEST_SIDE = 1_000_000
_LONGEST_PATH = 255
_SLOWEST, _FASTEST = 0.01, 1000.0
_SPARSE, _SHORT, _LONG = (
    10,
    10_000,
    10_000_000,
)  # how far `seqLength` may go beyond text, beyond little text, of a video


@dataclass(frozen=True, slots=True)
class SequenceInfo:
    """The facts of `seqinfo.ini`; None where the file does not state them.

    Attributes:
        name: the sequence's name, the folder's where the file gives none.
        frames: number of frames, 1 to 999,999,999: a claim, see `frames_of`.
        width, height: image size in pixels.
        fps: frames per second, 0.01 to 1000.
        image_folder: the folder of images, inside the sequence (`img1`).
        image_ending: their ending (`.jpg`); decides where two images differ by nothing else.
    """

    name: str
    frames: int | None = None
    width: int | None = None
    height: int | None = None
    fps: float | None = None
    image_folder: str = "img1"
    image_ending: str | None = None

    @classmethod
    def read(cls, path: Path) -> "SequenceInfo":
        """Read a `seqinfo.ini`: UTF-8, or UTF-16 with or without its mark.

        Raises:
            InputError: not such a file, a key or section twice, a number that cannot be one, or an `imDir` that leads
                out of the sequence.
        """
        with parsing(path, INFO, _EXAMPLE):
            section = _section(path, _text(path))
            return cls(
                name=section.get("name", "").strip() or _name(path.parent),
                frames=_whole(section, path, "seqLength", _MOST_FRAMES),
                width=_whole(section, path, "imWidth", _LARGEST_SIDE),
                height=_whole(section, path, "imHeight", _LARGEST_SIDE),
                fps=_number(section, path, "frameRate", _SLOWEST, _FASTEST),
                image_folder=_inside(section.get("imDir", "").strip() or "img1", path),
                image_ending=section.get("imExt", "").strip().lower() or None,
            )


@dataclass(frozen=True, slots=True)
class MotSequence:
    """What lies in a sequence's folder.

    Attributes:
        folder: the sequence.
        info: what its `seqinfo.ini` says, or the defaults where it has none.
        pictures: its images in natural order; none where the folder of images is missing or empty.
        numbers: their frame numbers, rising, 1-based, with gaps where images are missing.
        videos: the videos in the sequence's own folder, looked for where there are no images.
        doubt: a line where the names of the images do not state their numbers.
    """

    folder: Path
    info: SequenceInfo
    pictures: tuple[Path, ...]
    numbers: tuple[int, ...]
    videos: tuple[Path, ...]
    doubt: str | None = None

    @property
    def image_folder(self) -> Path:
        """The folder of images, there or not."""
        return self.folder / self.info.image_folder

    @property
    def video(self) -> Path | None:
        """The one video that stands for the images; None where there are several, of which one has to be named."""
        return self.videos[0] if len(self.videos) == 1 else None


def read_sequence(folder: Path) -> MotSequence:
    """The sequence in `folder`, with or without a `seqinfo.ini`.

    The text of `imDir` cannot lead out of the folder. What a link in the folder leads to is read: links are how people
    share one set of images among sequences.

    Raises:
        InputError: a `seqinfo.ini` or a folder that cannot be read.
    """
    info = SequenceInfo.read(folder / INFO) if os.path.lexists(folder / INFO) else SequenceInfo(_name(folder))
    images = folder / info.image_folder
    pictures = _one_a_frame(images_in(images), info.image_ending) if os.path.isdir(images) else []  # noqa: PTH112
    numbered = numbers_of_sequence(pictures, images)
    numbers = numbered.numbers or range(1, len(pictures) + 1)
    videos = [] if pictures else videos_in(folder)
    return MotSequence(folder, info, tuple(pictures), tuple(numbers), tuple(videos), numbered.doubt)


def sequence_around(folder: Path) -> Path | None:
    """The sequence folder that `folder` is, or whose images it is (`.../MOT17-02-FRCNN/img1`); None if neither.

    Raises:
        InputError: a `seqinfo.ini` beside `folder` that cannot be read.
    """
    if (folder / INFO).is_file() or (folder / "img1").is_dir():
        return folder
    inside = folder.resolve()
    # The folder may be a link, or its images those of another sequence.
    for parent in (folder.absolute().parent, inside.parent):
        if (parent / INFO).is_file():
            images = parent / SequenceInfo.read(parent / INFO).image_folder
            if images.resolve() == inside:
                return parent
    return None


def frames_of(sequence: MotSequence, last_text: Callable[[], int]) -> tuple[int, str | None]:
    """How many frames a sequence has, and what to say where that is not what `seqLength` says.

    `seqLength` is a claim, so it is held against what is there: no more frames than the images give, unless the
    text goes on behind them (a download may lack images). Where there is text alone, people may be gone long before
    the end: `seqLength` stands up to ten times as many frames as the text has, or 10,000. How long a video is, only
    its decoder knows.

    Args:
        sequence: the sequence.
        last_text: gives the last frame that its ground truth or detections name, 0 without any; called where it
            matters.
    """
    said, last = sequence.info.frames, max(sequence.numbers, default=0)
    if said is None:
        return last or last_text(), None
    if said <= (last or (_LONG if sequence.videos else _SHORT)):
        return said, None
    text = last_text()
    limit = last if last >= text else max(_SPARSE * text, _LONG if sequence.videos else _SHORT)
    if said <= limit:
        return said, None
    frames = max(last, text)
    what = "pictures" if last >= text else "boxes"
    return (
        frames,
        f"{sequence.folder / INFO}: seqLength={said}, but the {what} end at frame {frames}; {frames} is taken",
    )


def _one_a_frame(pictures: Sequence[Path], ending: str | None) -> list[Path]:
    """The images; of those that differ by their ending alone only the one that `imExt` names, if it is there."""
    wanted = {path.stem for path in pictures if path.suffix.lower() == ending}
    return [path for path in pictures if path.stem not in wanted or path.suffix.lower() == ending]


def _name(folder: Path) -> str:
    return folder.name or folder.resolve().name


def _text(path: Path) -> str:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise InputError(f"{path}: not an ordinary file; {_EXAMPLE}")
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    if len(data) > _MAX_BYTES:
        raise InputError(f"{path}: larger than {_MAX_BYTES // 1024} KiB, so not a {INFO}; {_EXAMPLE}")
    encoding = _encoding(data)
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        name = "UTF-16" if encoding.startswith("utf-16") else "UTF-8"
        raise InputError(f"{path}: not {name} text ({error.reason} at byte {error.start}); save it as UTF-8") from None
    if "\0" in text:
        raise InputError(f"{path}: not text (it holds NUL bytes); save it as UTF-8")
    return text


def _encoding(data: bytes) -> str:
    """UTF-16 by its mark or, as in every ini file, by the zeros beside ASCII letters; else UTF-8."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if len(data) >= 2 and not data[0] and data[1]:
        return "utf-16-be"
    if len(data) >= 2 and data[0] and not data[1]:
        return "utf-16-le"
    return "utf-8-sig"


def _section(path: Path, text: str) -> configparser.SectionProxy:
    ini = configparser.ConfigParser(interpolation=None)
    try:
        ini.read_string(text)
    except configparser.DuplicateOptionError as error:
        raise InputError(f"{path}:{error.lineno}: {error.option!a} is there twice; keep one of them") from None
    except configparser.DuplicateSectionError as error:
        raise InputError(f"{path}:{error.lineno}: [{error.section}] is there twice; keep one of them") from None
    except configparser.MissingSectionHeaderError as error:
        raise InputError(f"{path}:{error.lineno}: text before the first [section]; {_EXAMPLE}") from None
    except configparser.ParsingError as error:
        line = error.errors[0][0] if error.errors else 1
        raise InputError(f"{path}:{line}: neither a [section] nor key=value; {_EXAMPLE}") from None
    named = [name for name in ini.sections() if name.strip().lower() == "sequence"]
    if len(named) > 1:
        raise InputError(f"{path}: [{named[0]}] and [{named[1]}] are the same section twice; keep one of them")
    if not named:
        raise InputError(f"{path}: no [Sequence] section, so not a {INFO}; {_EXAMPLE}")
    return ini[named[0]]


def _number(
    section: configparser.SectionProxy, path: Path, key: str, least: float, most: float, plain: str = "a number"
) -> float | None:
    text = section.get(key, "").strip()
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not least <= value <= most:
        shown = text if len(text) <= 30 else f"{text[:30]}..."
        raise InputError(f"{path}: {key}={shown} is not {plain} from {least:g} to {most:,.0f}; correct the file")
    return value


def _whole(section: configparser.SectionProxy, path: Path, key: str, most: int) -> int | None:
    value = _number(section, path, key, 1, most, "a whole number")
    if value is not None and value != int(value):
        raise InputError(f"{path}: {key}={value:g} is not a whole number; correct the file")
    return None if value is None else int(value)


def _inside(folder: str, path: Path) -> str:
    """`folder`, which text alone keeps inside the sequence, on any system.

    Raises:
        InputError: it leads out, or cannot be the path of a folder.
    """
    if len(folder) > _LONGEST_PATH or re.search(r"[\0-\x1f\x7f]", folder):
        raise InputError(f"{path}: imDir={folder[:40]!r} cannot be a folder's name; correct the file")
    windows = PureWindowsPath(folder)
    if windows.drive or windows.root or ".." in {*PurePosixPath(folder).parts, *windows.parts}:
        raise InputError(f"{path}: imDir={folder!r} leads out of the sequence; correct the file")
    # A file from Windows; but a name may hold the sign itself elsewhere.
    return folder if (path.parent / folder).is_dir() else folder.replace("\\", "/")
