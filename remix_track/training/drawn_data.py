"""People drawn for a run whose settings name no data, so that it works without any preparation."""

import dataclasses
import logging
from collections.abc import Callable
from pathlib import Path

from remix_track.digests import key_of, quick_digest
from remix_track.errors import InputError
from remix_track.training.train_settings import DrawnSettings, TrainSettings

logger = logging.getLogger(__name__)


def with_drawn_data(settings: TrainSettings, check: Callable[[], None]) -> TrainSettings:
    """The settings with a drawn set as their data, where `[drawn]` wants one and `[data]` names none at all.

    The folder's name says what is in it, so the same set is drawn once, and again where it was removed: the same bytes.

    Args:
        settings: of a run.
        check: called between images; what it raises ends the drawing and leaves nothing.

    Raises:
        InputError: numbers too small, or a disk that cannot be written.
    """
    data, drawn = settings.data, settings.drawn
    if not drawn.identities or data.multi_camera or data.single_camera or data.target:
        return settings
    folder = drawn_folder(drawn)
    if _is_whole(folder):
        logger.info("[data] names no set: these are the people drawn into %s", folder)
    else:
        logger.info(
            "[data] names no set: drawing %d people and %d videos into %s", drawn.identities, drawn.videos, folder
        )
        _draw(folder, drawn, check)
    named = dataclasses.replace(
        data,
        multi_camera=(f"synthetic:{folder}",),
        single_camera=(f"synthetic:{folder}",),
        target=f"synthetic-target:{folder}",
    )
    return dataclasses.replace(settings, data=named)


def drawn_folder(drawn: DrawnSettings) -> Path:
    """Where the set of these settings lies."""
    people = f"{drawn.identities}-people-{drawn.cameras}-cameras-{drawn.videos}-videos-{drawn.target_identities}-others"
    return Path(drawn.folder).expanduser() / f"{people}{_style_in_words(drawn)}-seed-{drawn.seed}"


def _style_in_words(drawn: DrawnSettings) -> str:
    """For the folder's name; nothing for the usual style, so that sets from before there was a choice are found."""
    usual = DrawnSettings()
    chosen = "wardrobe", "lookalikes", "colour_cast", "framing", "companions", "random_backgrounds", "camera_kind"
    named = ((name, getattr(drawn, name)) for name in chosen)
    words = [f"-{name}-{value}" for name, value in named if value != getattr(usual, name)]
    if drawn.backgrounds:  # by their names and sizes, as a path is no part of a folder's name
        words.append(f"-backgrounds-{str(quick_digest(Path(drawn.backgrounds).expanduser()))[:12]}")
    if drawn.bodies:
        words.append(f"-bodies-{_list_digest(Path(drawn.bodies).expanduser())}")
    return "".join(words)


def _list_digest(folder: Path) -> str:
    """What tells one folder of meshes from another: the names and sizes of all that is in it."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return key_of({"files": [(path.relative_to(folder).as_posix(), path.stat().st_size) for path in files]})[:12]


def _is_whole(folder: Path) -> bool:
    # Written last, in a hidden folder that is renamed when all is drawn.
    return (folder / "synthetic.json").is_file()


def _draw(folder: Path, drawn: DrawnSettings, check: Callable[[], None]) -> None:
    from remix_track.synthetic.dataset import synthesize
    from remix_track.synthetic.style import Style

    try:
        synthesize(
            folder,
            identities=drawn.identities,
            cameras=drawn.cameras,
            videos=drawn.videos,
            target_identities=drawn.target_identities,
            style=Style(**{field.name: getattr(drawn, field.name) for field in dataclasses.fields(Style)}),
            sequences=0,
            seed=drawn.seed,
            show=lambda part, done, total: check(),
        )
    except InputError:
        # Another run may have wanted the same set and been faster.
        if not _is_whole(folder):
            raise
