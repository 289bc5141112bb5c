"""Output formats: what a run leaves in its folder, each declared in one place.

To add one, write its sink in a file beside this one and give `OutputSettings` a field that is made by `written`. The
flag, the keyword of `Run.record` and `remix_track.link`, the line of the reference page, the parts of long recordings
and what `summary.json` says of the files all come from it.
"""

import dataclasses
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from remix_track.counting.live_zones import LiveZones
from remix_track.counting.zones_file import read_zones
from remix_track.errors import InputError
from remix_track.settings import check, setting
from remix_track.trackers.frame import TrackedFrame
from remix_track.trackers.sinks.crops import CropSettings, CropSink
from remix_track.trackers.sinks.embeddings import EmbeddingSink
from remix_track.trackers.sinks.event_targets import open_target
from remix_track.trackers.sinks.events import EventSink
from remix_track.trackers.sinks.mot_text import MotTextSink
from remix_track.trackers.sinks.parquet import ParquetSink, require_parquet
from remix_track.trackers.sinks.people_page import PeoplePageSink
from remix_track.trackers.sinks.tables import CsvSink, JsonLinesOut, JsonLinesSink
from remix_track.trackers.sinks.video import VideoSink
from remix_track.trackers.sinks.window import WindowSink, require_screen

if TYPE_CHECKING:
    from remix_track.trackers.sinks.sink import Sink

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What a sink may be told of the run that it writes.

    Attributes:
        fps: frames per second of the output.
        draw: the frame with its tracks on it, (H, W, 3) uint8 BGR.
        in_parts: new files begin while the run goes on, so that ending one must take no time.
        crops: which crops are kept.
        appearance: what embeds, see `Embedder`; None: nothing does.
        class_names: what the detector calls its classes.
        told_classes: those that are tracked, where not people alone are.
        numbered: frames have `numbers`.
        people: frames say whom a store of people knows.
        title: of a window; windows of one title are one window.
        source: its name.
        boxes_drawn: `draw` outlines each person.
        labels_drawn: `draw` writes the ids.
    """

    fps: float
    draw: Callable[[TrackedFrame], NDArray[np.uint8]]
    in_parts: bool = False
    crops: CropSettings | None = None
    appearance: Mapping[str, Any] | None = None
    class_names: Mapping[int, str] | None = None
    told_classes: Mapping[int, str] = dataclasses.field(default_factory=dict)
    numbered: bool = False
    people: bool = False
    title: str = "remix-track"
    source: str = "video"
    boxes_drawn: bool = True
    labels_drawn: bool = True


def _nothing() -> None:
    """What most formats require of the machine."""


@dataclass(frozen=True, slots=True)
class Format:
    """An output format.

    Attributes:
        file: its name in the folder of the run; empty: nothing is written there.
        sink: makes what writes it, given its path.
        shows_images: whether it has what the frames look like; where none does, no frame is read a second time.
        from_vectors: whether it is made from appearance vectors.
        once: one for the whole run, also where the other files are cut into parts.
        require: raises `InputError` where this machine cannot write it.
    """

    file: str
    sink: "Callable[[Path, RunFacts], Sink]"
    shows_images: bool = False
    from_vectors: bool = False
    once: bool = False
    require: Callable[[], None] = _nothing

    def maker(self, run: RunFacts) -> "Callable[[Path], Sink]":
        """What makes the sink of a run, given the path of a file."""
        return lambda path: self.sink(path, run)


MOT_TEXT = Format("tracks.txt", lambda path, _: MotTextSink(path))
"""Always written."""


def written(
    file: str,
    help: str,  # noqa: A002 (argparse's word)
    sink: "Callable[[Path, RunFacts], Sink]",
    *,
    default: bool = False,
    common: bool = False,
    **more: Any,
) -> Any:
    """A field of `OutputSettings` that declares a format; `more` are the other attributes of `Format`."""
    field = setting(default, help, common=common)
    made = Format(file, sink, **more)
    return dataclasses.field(default=field.default, metadata={**field.metadata, "format": made})


@dataclass(frozen=True, slots=True)
class OutputSettings:
    """What a run leaves beside `tracks.txt` and `summary.json`.

    Each field but the last five is a format, in the order in which files are written. A sink that shows a window comes
    last, so that the files have the frame at which the user closes it.

    Raises:
        InputError: a value that does not fit its field.
    """

    video: bool = written(
        "video.mp4",
        "write video.mp4, the tracks drawn on the frames",
        lambda path, run: VideoSink(path, run.fps, run.draw, in_place=run.in_parts),
        default=True,
        common=True,
        shows_images=True,
    )
    # After the video, which it shows.
    people: bool = written(
        "people.html",
        "write people.html, a page of each person: pictures, times, boxes over the video",
        lambda path, run: PeoplePageSink(
            path,
            run.fps,
            title=run.source,
            class_names=run.class_names,
            drawn=run.boxes_drawn,
            labelled=run.labels_drawn,
        ),
        default=True,
        shows_images=True,
    )
    csv: bool = written(
        "tracks.csv",
        "also write tracks.csv",
        lambda path, run: CsvSink(path, people=run.people, classes=run.told_classes, numbered=run.numbered),
        common=True,
    )
    jsonl: bool = written(
        "tracks.jsonl",
        "also write tracks.jsonl, an object per frame",
        lambda path, run: JsonLinesSink(path, run.told_classes),
    )
    parquet: bool = written(
        "tracks.parquet",
        "also write tracks.parquet, for data frames",
        lambda path, run: ParquetSink(path, run.class_names),
        require=require_parquet,
    )
    embeddings: bool = written(
        "embeddings.npz",
        "also write embeddings.npz, a mean vector per track",
        lambda path, run: EmbeddingSink(path, run.appearance),
        from_vectors=True,
    )
    # Ids are never given twice, so the crops of all parts lie in one folder.
    crops: bool = written(
        "crops",
        "also write crops/ID/FRAME.jpg",
        lambda path, run: CropSink(path, run.crops),
        shows_images=True,
        once=True,
    )
    show: bool = written(
        "",
        "show the frames in a window; q or Esc quits",
        lambda _, run: WindowSink(run.draw, run.title),
        common=True,
        shows_images=True,
        once=True,
        require=require_screen,
    )
    jsonl_out: bool = written(
        "", "the lines of tracks.jsonl on standard output", lambda _, run: JsonLinesOut(run.told_classes), once=True
    )
    events: str | None = setting(None, "send people's events: mqtt://HOST/TOPIC, https://HOST/PATH, a file, or -")
    events_vector: bool = setting(False, "events have the person's appearance vector")
    events_discovery: bool = setting(False, "Home Assistant finds the camera: sensors of the people in view, by MQTT")
    zones: str | None = setting(None, "a TOML file of zones: events say who enters and leaves them")
    per_class_ids: bool = setting(False, "number the tracks of each class from 1, in labels and tables beside the ids")
    segment: float | None = setting(None, "minutes after which new files begin: video-0001-UTC.mp4 ...", above=0)

    def __post_init__(self) -> None:
        check(self)

    def formats(self) -> list[Format]:
        """What is wanted, `tracks.txt` first."""
        events = [Format("", self._event_sink, shows_images=True, once=True)] if self.events else []
        return [MOT_TEXT, *events, *(one for _, one in self._chosen())]

    @property
    def needs_images(self) -> bool:
        """Whether anything of this shows what the frames look like."""
        return any(one.shows_images for one in self.formats())

    def check(self, *, appearance: bool) -> None:
        """Refuse, before anything is made, what cannot be written or shown here.

        Args:
            appearance: whether detections get vectors.

        Raises:
            InputError: vectors without appearance, a package that is missing, a window without a screen, or events
                that can go nowhere.
        """
        for name, one in self._chosen():
            if one.from_vectors and not appearance:
                raise InputError(f"`{name}` needs appearance; give `weights` other than none")
            one.require()
        if self.events_vector and not (self.events and appearance):
            raise InputError("`events_vector` needs `events`, and `weights` other than none")
        if self.zones is not None:
            if not self.events:
                raise InputError("`zones` says of which zones `events` tell; give both, or count later")
            read_zones(Path(self.zones))
        if self.events_discovery and "://" not in (self.events or ""):
            raise InputError("`events_discovery` needs `events` of a broker, such as mqtt://HOST/TOPIC")
        if self.events and "://" in self.events:
            open_target(self.events, discovery=self.events_discovery).close()

    @property
    def uses_stdout(self) -> bool:
        """Whether standard output belongs to a program that reads lines."""
        return self.jsonl_out or self.events == "-"

    def _event_sink(self, _: Path, run: RunFacts) -> EventSink:
        # Ids begin anew in each run, and the same receiver hears of all of them.
        began = f"{run.source}-{int(time.time())}-"
        zones = None if self.zones is None else LiveZones(read_zones(Path(self.zones)), run.source)
        if zones is not None and not zones.names:
            logger.warning("%s: has no zone of the camera %s, so no event tells of one", self.zones, run.source)
        return EventSink(
            str(self.events),
            run.source,
            vectors=self.events_vector,
            run=began,
            classes=run.told_classes,
            zones=zones,
            discovery=self.events_discovery,
        )

    def _chosen(self) -> Iterator[tuple[str, Format]]:
        for field in dataclasses.fields(self):
            if "format" in field.metadata and getattr(self, field.name):
                yield field.name, field.metadata["format"]
