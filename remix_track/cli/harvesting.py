"""The flags of a harvest, for the commands that begin with one."""

from dataclasses import dataclass, field

from remix_track.data.crops.tracklets import HarvestSettings


@dataclass(frozen=True, slots=True)
class HarvestOnly:
    """The section of a training's settings that says how to harvest."""

    harvest: HarvestSettings = field(default_factory=HarvestSettings)
