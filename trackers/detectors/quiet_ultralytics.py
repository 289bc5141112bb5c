"""ultralytics without its side effects: no settings file, no analytics, no pip, no noise, thread counts as before."""

import contextlib
import json
import os
import shutil
import sys
import tempfile
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from remix_track.bounded_file import read_bounded

_one_at_a_time = threading.RLock()
"""What is put back afterwards belongs to the whole process, so threads take turns."""
_ALWAYS = {"ULTRALYTICS_SKIP_REQUIREMENTS_CHECKS": "1"}
_ON_IMPORT = {
    "YOLO_AUTOINSTALL": "false",
    "YOLO_OFFLINE": "true",  # spares two name look-ups, and with them the analytics
    "YOLO_VERBOSE": "false",
    "ULTRALYTICS_SAFE_LOAD": "true",
}


@contextlib.contextmanager
def quiet_ultralytics() -> Iterator[None]:
    """Import and call ultralytics inside; afterwards the process is as it was.

    ultralytics writes a settings file, asks the network whether it is there, sets `OMP_NUM_THREADS` to 1, the thread
    counts of OpenCV and torch and numpy's print options, replaces Pillow's `Image.open` by one that needs a HEIF
    reader to say that a file is no image, and would install packages a model asks for. What it read
    from the environment at its first import stays in force for the process: it is offline, silent, installs nothing
    and unpickles known classes only. The user's own settings are read, and never written. If the program imported
    ultralytics before us, that import stands as it is.
    """
    import cv2
    import torch
    from PIL import Image

    with contextlib.ExitStack() as stack:
        # Read while no other thread is inside that would have changed it.
        stack.enter_context(_one_at_a_time)
        threads, open_image = (torch.get_num_threads(), cv2.getNumThreads()), Image.open
        stack.enter_context(np.printoptions())
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        settings = stack.enter_context(tempfile.TemporaryDirectory(prefix="remix-track-"))
        stack.enter_context(_environment())
        os.environ.update(_ALWAYS)
        if "ultralytics" not in sys.modules:
            _copy_settings(Path(settings))
            os.environ.update(_ON_IMPORT, YOLO_CONFIG_DIR=settings)
        try:
            yield
        finally:
            torch.set_num_threads(threads[0])
            cv2.setNumThreads(threads[1])
            Image.open = open_image


def weights_folder() -> Path | None:
    """The folder where ultralytics keeps weights, according to the user's own settings file; None without one."""
    try:
        folder = Path(json.loads(read_bounded(_settings_file()))["weights_dir"])
        return folder if folder.is_dir() else None
    except Exception:  # another program's file: any trouble with it means that it names no folder
        return None


@contextlib.contextmanager
def _environment() -> Iterator[None]:
    before = dict(os.environ)
    try:
        yield
    finally:
        for name in set(os.environ) - set(before):
            del os.environ[name]
        os.environ.update(before)


def _copy_settings(folder: Path) -> None:
    with contextlib.suppress(OSError):
        (folder / "Ultralytics").mkdir()
        shutil.copyfile(_settings_file(), folder / "Ultralytics" / "settings.json")


def _settings_file() -> Path:
    if "YOLO_CONFIG_DIR" in os.environ:
        folder = Path(os.environ["YOLO_CONFIG_DIR"]).expanduser()
    elif sys.platform == "darwin":
        folder = Path.home() / "Library" / "Application Support"
    else:
        folder = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return folder / "Ultralytics" / "settings.json"
