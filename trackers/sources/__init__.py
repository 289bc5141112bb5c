"""Sources of frames: videos, images, MOT sequences, cameras, streams."""

from remix_track.trackers.sources.listing import expand_sources
from remix_track.trackers.sources.opening import is_live, open_source
from remix_track.trackers.sources.source import Source
from remix_track.trackers.sources.stream_settings import StreamSettings

__all__ = ["Source", "StreamSettings", "expand_sources", "is_live", "open_source"]
