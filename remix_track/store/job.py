"""A job of a store: a source, or a piece of one, tracked with certain settings and weights; what makes it the same."""

import dataclasses
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from remix_track.addresses import shown_address
from remix_track.digests import key_of
from remix_track.errors import InputError, parsing
from remix_track.settings import build, check, setting
from remix_track.text_files import utf8
from remix_track.trackers.sources.source import folder_name

_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Weights:
    """The network that made vectors; vectors of two networks cannot be compared.

    Attributes:
        name: of its file, or as users call it.
        sha256: of its file.
        input: size and channel order of the crops that it takes, as in `192x96 RGB`.
        width: D, the length of a vector.
    """

    name: str
    sha256: str
    input: str
    width: int = setting(0, "length of a vector", low=1, high=65536)

    def __post_init__(self) -> None:
        check(self)

    @classmethod
    def of(cls, description: Mapping[str, Any]) -> Self:
        """Those of an embedder, see `Embedder.description`."""
        known = {name: utf8(str(description.get(name, ""))) for name in ("name", "sha256", "input")}
        return cls(**known, width=int(description["width"]))

    def same_as(self, other: "Weights") -> bool:
        """Whether vectors of both can be compared; names may differ."""
        return (self.sha256, self.input, self.width) == (other.sha256, other.input, other.width)


@dataclass(frozen=True, slots=True)
class JobSource:
    """What a job reads.

    Attributes:
        name: safe as the name of a folder.
        path: as it was given; of an address without passwords.
        absolute: where it lay then; empty for addresses.
        size: bytes.
        modified_ns: when it was changed last, in nanoseconds since 1970; of a camera, when the run began.
        digest: SHA-256 of its first and last MiB; of a folder, of its list of files and of the first and last one.
    """

    name: str
    path: str
    absolute: str = ""
    size: int = setting(0, "bytes", low=0)
    modified_ns: int = setting(0, "since 1970", low=0)
    digest: str = ""

    def __post_init__(self) -> None:
        check(self)

    @classmethod
    def of_path(cls, path: str | os.PathLike[str]) -> Self:
        """A file, or a folder of images.

        Raises:
            InputError: it is not there, or cannot be read.
        """
        given = Path(path)
        try:
            found = given.stat()
            files = [given] if given.is_file() else sorted(one for one in given.rglob("*") if one.is_file())
            size, digest = _content(given, files)
        except OSError as error:
            raise InputError(f"{given}: cannot be read ({error.strerror}); check the path") from None
        absolute = utf8(str(given.absolute()))
        name = folder_name(utf8(given.stem if given.is_file() else given.name))
        return cls(name, utf8(str(given)), absolute, size, max(found.st_mtime_ns, 0), digest)

    @classmethod
    def live(cls, name: str, address: str, began: datetime) -> Self:
        """A camera or stream, from a moment on: begun again, it is another job."""
        return cls(folder_name(name), utf8(shown_address(address)), modified_ns=round(began.timestamp() * 1e9))


@dataclass(frozen=True, slots=True)
class Job:
    """One source, or a piece of it, with the settings and weights that it is tracked with.

        job = Job(JobSource.of_path("gate.mp4"), camera="gate", settings={"tracker": {"reid": "always"}})
        print(job.key)

    Attributes:
        source: what is read.
        camera: name of the camera that recorded it.
        settings: all that decides what tracks come out, as JSON has it.
        weights: what makes the vectors; None: nothing does.
        piece: first and last frame, where a job is a piece of its source; None: all of it.
        start: time of day of the source's first frame, where it is known.
        fps: frames per second that come out, where they are known.
    """

    source: JobSource
    camera: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    weights: Weights | None = None
    piece: tuple[int, int] | None = None
    start: datetime | None = None
    fps: float | None = None

    def __post_init__(self) -> None:
        if not self.camera or len(self.camera) > 200 or not self.camera.isprintable():
            raise InputError(f"Job.camera {self.camera[:80]!r}; expected a printable name of 1 to 200 letters")
        if self.piece is not None and not 1 <= self.piece[0] <= self.piece[1]:
            raise InputError(f"Job.piece {self.piece}; expected its first and last frame, from 1")
        if self.start is not None and self.start.tzinfo is None:
            object.__setattr__(self, "start", self.start.replace(tzinfo=UTC))

    @property
    def key(self) -> str:
        """The name of its folder: the same for the same content, settings and weights, wherever and under whatever name
        the source lies."""
        source, weights = self.source, self.weights
        facts = {
            "source": (source.size, source.modified_ns, source.digest or source.name),
            "settings": dict(self.settings),
            "weights": weights and (weights.sha256, weights.input, weights.width),
            "piece": self.piece,
        }
        return key_of(facts)

    def to_json(self) -> dict[str, Any]:
        """As `job.json` has it."""
        return {
            "source": dataclasses.asdict(self.source),
            "camera": self.camera,
            "settings": dict(self.settings),
            "weights": self.weights and dataclasses.asdict(self.weights),
            "piece": self.piece and list(self.piece),
            "start": self.start and self.start.astimezone(UTC).isoformat(),
            "fps": self.fps,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any], where: str) -> Self:
        """From what `to_json` gave; `where` is the file, for messages.

        Raises:
            InputError: something is missing, or of another kind.
        """
        with parsing(where, "the job of a store", "remove its folder and track again"):
            start, weights, piece = values["start"], values["weights"], values["piece"]
            settings, fps = values["settings"], values["fps"]
            if not isinstance(settings, dict):
                raise ValueError("its settings are no table")
            return cls(
                source=build(JobSource, values["source"], where),
                camera=str(values["camera"]),
                settings=settings,
                weights=build(Weights, weights, where) if weights else None,
                piece=(int(piece[0]), int(piece[1])) if piece else None,
                start=datetime.fromisoformat(start) if start else None,
                fps=None if fps is None else float(fps),
            )


def _content(given: Path, files: list[Path]) -> tuple[int, str]:
    """Bytes in all, and the digest of the ends; of a folder, also of the names and sizes."""
    sizes = [path.stat().st_size for path in files]
    digest = hashlib.sha256()
    if files != [given]:
        listed = [(os.fsencode(path.relative_to(given)).hex(), size) for path, size in zip(files, sizes, strict=True)]
        digest.update(json.dumps(listed).encode())
    for path in dict.fromkeys([*files[:1], *files[-1:]]):
        with path.open("rb") as file:
            digest.update(file.read(_MIB))
            file.seek(max(file.tell(), path.stat().st_size - _MIB))
            digest.update(file.read(_MIB))
    return sum(sizes), digest.hexdigest()
