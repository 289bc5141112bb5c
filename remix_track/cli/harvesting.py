"""A harvest with a line that says how far it is, for the commands that begin with one."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from remix_track.cli.live_line import LiveLine
from remix_track.data.crops.tracklets import HarvestSettings

if TYPE_CHECKING:
    from remix_track.data.crops.harvest_cache import Harvest

DEFAULT_FOOTAGE = Path("runs/footage")
"""Where crops of raw videos are kept, as for trainings (`data.footage_folder`)."""


@dataclass(frozen=True, slots=True)
class HarvestOnly:
    """The section of a training's settings that says how to harvest."""

    harvest: HarvestSettings = field(default_factory=HarvestSettings)


def harvest_videos(
    footage: Sequence[str],
    root: Path,
    settings: HarvestSettings,
    *,
    quiet: bool,
    check: Callable[[], None] = lambda: None,
) -> Iterator[tuple[Path, "Harvest"]]:
    """See `harvest_footage`; one line on stderr says how far it is."""
    from remix_track.data.crops.harvest import harvest_footage

    with LiveLine("footage", quiet=quiet) as line:

        def show(video: str, number: int, videos: int, frame: int, frames: int | None) -> None:
            where = f"video {number}/{videos}"
            line.show(video, frame, frames, where, f"{video} ({where}): {frame}/{frames or '?'} frames")

        yield from harvest_footage(footage, root, settings, check=check, show=show)
