"""Download a published model of ultralytics, atomically and with a short time-out."""

import re
import tempfile
import threading
from pathlib import Path

from remix_track.errors import InputError
from remix_track.machine import cache_folder
from remix_track.trackers.detectors.quiet_ultralytics import quiet_ultralytics

PATIENCE = 5.0


def downloads() -> Path:
    """Where downloaded weights are kept: in the user's cache folder, or here where there is no home."""
    return cache_folder("weights") or Path()


def is_published(name: str) -> bool:
    """Whether ultralytics publishes a model under this file name (`yolo11s.pt`)."""
    if not re.fullmatch(r"[\w.-]+\.pt", name):
        return False
    with quiet_ultralytics():
        from ultralytics.utils.downloads import GITHUB_ASSETS_NAMES

    return name in GITHUB_ASSETS_NAMES


def download(name: str, folder: Path, *, patience: float = PATIENCE) -> Path:
    """Download a published model into `folder`; a file appears there only when it is complete.

    Args:
        name: one that `is_published`.
        folder: made if need be.
        patience: give up when no byte has come for so many seconds.

    Raises:
        InputError: it cannot be fetched or stored.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".download-", ignore_cleanup_errors=True) as temporary:
            fetched = _fetch(name, Path(temporary), patience)
            fetched.replace(folder / fetched.name)
        return folder / fetched.name
    except OSError as error:
        raise InputError(f"{name}: cannot be stored in {folder} ({error.strerror or error})") from None


def _fetch(name: str, folder: Path, patience: float) -> Path:
    """Download in a thread: name servers and stalled connections have time-outs of minutes, or none."""
    outcome: list[Path | Exception] = []

    def work() -> None:
        try:
            from ultralytics.utils.downloads import attempt_download_asset

            outcome.append(Path(attempt_download_asset(str(folder / name), retry=0, progress=False)))
        except Exception as error:
            outcome.append(error)

    with quiet_ultralytics():
        import ultralytics.utils.downloads  # noqa: F401  in this thread, with the environment it should see

        worker = threading.Thread(target=work, daemon=True)
        worker.start()
        here = -1
        while worker.is_alive() and here < (here := _bytes_in(folder)):
            worker.join(patience)
    if worker.is_alive():
        raise InputError(f"{name}: the download stalled for {patience:g} seconds")
    if isinstance(outcome[0], Exception) or not outcome[0].is_file():
        raise InputError(f"{name}: could not be downloaded from ultralytics on GitHub")
    return outcome[0]


def _bytes_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
