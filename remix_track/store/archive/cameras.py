"""The name of the camera that recorded a file."""

from pathlib import Path

from remix_track.media_files import is_video
from remix_track.text_files import utf8

_LONGEST = 100


class CameraNames:
    """Names cameras: as the user says, by folders that hold several videos, else by files."""

    def __init__(self, given: str | None = None) -> None:
        """Begin; `given` is the name of all of them."""
        self._given = given
        self._shared: dict[Path, bool] = {}

    def of(self, path: Path) -> str:
        """The camera of a file or folder of images."""
        if self._given:
            return self._given
        absolute = path.absolute()
        name = absolute.parent.name if absolute.is_file() and self._is_shared(absolute.parent) else absolute.stem
        printable = "".join(letter if letter.isprintable() else "?" for letter in utf8(name))
        return printable[:_LONGEST] or "camera"

    def _is_shared(self, folder: Path) -> bool:
        """Whether a folder has a name and holds more than one video."""
        if folder not in self._shared:
            videos = (one for one in folder.iterdir() if is_video(one))
            self._shared[folder] = bool(folder.name) and sum(1 for _, _ in zip(videos, range(2), strict=False)) > 1
        return self._shared[folder]
