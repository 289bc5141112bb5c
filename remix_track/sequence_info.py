"""`seqinfo.ini`: what a MOT sequence folder says of itself."""

import configparser
from dataclasses import dataclass
from pathlib import Path

from remix_track.errors import InputError

_MAX_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class SequenceInfo:
    """The facts of `seqinfo.ini`; None where the file does not state them.

    Attributes:
        name: the sequence's name, the folder's where the file gives none.
        frames: number of frames.
        width, height: picture size in pixels.
        fps: frames per second.
        image_folder: the folder of pictures, relative to the sequence (`img1`).
        image_suffix: their file ending (`.jpg`).
    """

    name: str
    frames: int | None = None
    width: int | None = None
    height: int | None = None
    fps: float | None = None
    image_folder: str = "img1"
    image_suffix: str = ".jpg"

    @classmethod
    def read(cls, path: Path) -> "SequenceInfo":
        """Read a `seqinfo.ini`.

        Raises:
            InputError: not readable as text, no `[Sequence]` section, or a value that is not a positive number.
        """
        try:
            with path.open("rb") as file:
                text = file.read(_MAX_BYTES).decode("utf-8-sig")
            ini = configparser.ConfigParser(interpolation=None)
            ini.read_string(text)
            section = ini["Sequence"]
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror})") from None
        except (configparser.Error, UnicodeDecodeError, KeyError):
            raise InputError(
                f"{path}: not a seqinfo.ini; expected a [Sequence] section with seqLength, imWidth ..."
            ) from None

        def number(key: str) -> float | None:
            value = section.get(key, "").strip()
            if not value:
                return None
            try:
                result = float(value)
            except ValueError:
                result = -1.0
            if not 0 < result < 1e9:
                raise InputError(f"{path}: {key}={value} is not a positive number; correct the file")
            return result

        def whole(key: str) -> int | None:
            value = number(key)
            return None if value is None else int(value)

        return cls(
            name=section.get("name", "").strip() or path.parent.name,
            frames=whole("seqLength"),
            width=whole("imWidth"),
            height=whole("imHeight"),
            fps=number("frameRate"),
            image_folder=section.get("imDir", "img1").strip() or "img1",
            image_suffix=section.get("imExt", ".jpg").strip() or ".jpg",
        )
