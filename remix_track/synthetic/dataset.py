"""The whole drawn data set: labelled crops, crops of many videos, a held-out target domain, and MOT sequences.

People are drawn as tubes with OpenCV (`figure`), 2.5 ms each, or as clothed bodies (`bodies`), 50 ms each, from the
meshes of a package that is not part of this one. Bodies without clothes (`anny`) would not do: what tells people apart
in crops is clothes, hair and bags.
"""

import dataclasses
import secrets
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from remix_track.errors import InputError
from remix_track.json_text import json_text
from remix_track.settings import build
from remix_track.synthetic.bodies.clothed_figure import Bodies
from remix_track.synthetic.crop_cameras import CropCamera
from remix_track.synthetic.crops import BODY_SCALE, CROP_HEIGHT, Artist, tracklet
from remix_track.synthetic.people import Person, crowd
from remix_track.synthetic.photographs import Photographs
from remix_track.synthetic.places import panorama
from remix_track.synthetic.scenes import StreetScene, write_sequence
from remix_track.synthetic.sprites import Image
from remix_track.synthetic.street_cameras import street_camera
from remix_track.synthetic.style import SetSettings, Style

_VERSION = 1
_LABELLED, _VIDEOS, _TARGET, _MOT = range(4)
_CAMERAS = {"usual": CropCamera.sample, "street": street_camera}
_OTHER_PLACES = 24
"""Other places that stand behind the people of a camera, where `Style.random_backgrounds` asks for them."""
_SCENE = {"frames": 150, "width": 640, "height": 360}

Show = Callable[[str, int, int], None]
"""Called with the part at work, its images done and its images in all."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How much was drawn.

    Attributes:
        labelled, single_camera, query, gallery, frames: images in each part.
    """

    labelled: int
    single_camera: int
    query: int
    gallery: int
    frames: int


@dataclass(frozen=True, slots=True)
class _Visit:
    """One person's crops in one camera."""

    person: Person
    camera: int
    names: tuple[str, ...]


def synthesize(
    folder: Path,
    *,
    style: Style | None = None,
    show: Show | None = None,
    **amounts: int | None,
) -> Counts:
    """Draw a data set; the same arguments give the same bytes.

    - `multi_camera/bounding_box_train`: labelled, names as in Market-1501; each person in two or more of the cameras,
      three to six crops in each. Everybody's clothes come from one wardrobe, as on one campus in one season.
    - `single_camera/v0001/000123_07.jpg`: one camera, place, light and crowd per video, some clothes of any colour.
      The first field is the hidden identity, for judging pseudo labels; nobody is in two videos.
    - `target`: other people before other cameras, as `query` (one crop per person and camera) and `bounding_box_test`,
      where a sixth of the people are distractors, named 0000. `bounding_box_train` is there and empty.
    - `mot/street-01` and on: films of a street with exact ground truth, see `scenes.StreetScene`.
    - `synthetic.json`: the arguments, and the digest of the photographs that stood in `style.backgrounds`.

    Everything is drawn into a hidden folder beside and renamed at the end, so an interrupted run leaves nothing that
    looks complete.

    Args:
        folder: must not exist, or be empty.
        style: what people and cameras are like; None for the usual. The films of the street have their own.
        show: told how far along the drawing is.
        **amounts: `identities`, `cameras`, `videos`, `target_identities`, `sequences`, `seed`; see `SetSettings`.

    Raises:
        InputError: an amount that does not fit, something in `folder` already, a background or a body that cannot be
            read, or a disk that cannot be written.
    """
    size = build(SetSettings, amounts, "synthesize()")
    wanted = max(4, size.identities // 4) if size.target_identities is None else size.target_identities
    _refuse_existing(folder)
    style = style or Style()
    photographs = Photographs.in_folder(Path(style.backgrounds).expanduser()) if style.backgrounds else None
    artist = Artist(Bodies(Path(style.bodies).expanduser()).figure, BODY_SCALE) if style.bodies else Artist()
    artist = dataclasses.replace(
        artist, tight=style.framing == "tight", companions=style.companions, random_backgrounds=style.random_backgrounds
    )
    temporary = folder.parent / f".{folder.name[:100]}-{secrets.token_hex(4)}"
    try:
        temporary.mkdir(parents=True)
        counts = _Drawing(temporary, size.seed, style, photographs, artist, show or _say_nothing).everything(
            size.identities, size.cameras, size.videos, size.sequences, wanted
        )
        arguments: dict[str, object] = {
            "identities": size.identities,
            "cameras": size.cameras,
            "videos": size.videos,
            "sequences": size.sequences,
        }
        if size.target_identities is not None:  # so that a set drawn without it keeps its bytes
            arguments["target_identities"] = wanted
        if style != Style():
            arguments["style"] = style.recorded()
        if photographs:
            arguments["backgrounds_sha256"] = photographs.digest
        text = json_text({"version": _VERSION, "seed": size.seed, **arguments}, indent=2)
        (temporary / "synthetic.json").write_text(text)
        temporary.rename(folder)
    except OSError as error:
        raise InputError(f"{folder}: cannot be written ({error.strerror or error}); give another folder") from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return counts


def _refuse_existing(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder}: there is something already; give another folder, or remove this one first")


def _say_nothing(part: str, done: int, total: int) -> None:
    pass


class _Drawing:
    """Draws the parts one after another, each from generators of its own."""

    def __init__(
        self, root: Path, seed: int, style: Style, photographs: Photographs | None, artist: Artist, show: Show
    ) -> None:
        self._root, self._seed, self._style, self._show = root, seed, style, show
        self._photographs, self._artist = photographs, artist

    def everything(self, identities: int, cameras: int, videos: int, sequences: int, target: int) -> Counts:
        labelled = self._labelled(identities, cameras)
        single = self._videos(videos, identities + 1)
        query, gallery = self._target(target, max(2, 2 * cameras // 3), identities + 1, cameras + 1)
        return Counts(labelled, single, query, gallery, self._sequences(sequences))

    def _labelled(self, identities: int, cameras: int) -> int:
        rng = self._generator(_LABELLED)
        people = self._crowd(rng, identities, any_colour=0.0)
        visits = list(_visits(rng, people, cameras, (1, 1), presence=0.65, crops=(3, 6)))
        placed = [_placed(visit, lambda _: "multi_camera/bounding_box_train") for visit in visits]
        return self._draw("labelled crops", rng, placed, people, cameras, _LABELLED)

    def _target(self, identities: int, cameras: int, identity: int, camera: int) -> tuple[int, int]:
        rng = self._generator(_TARGET)
        people = self._crowd(rng, identities + max(identities // 6, 1), any_colour=self._style.clothes.any_colour)
        known, strangers = people[:identities], people[identities:]
        for inner in ("bounding_box_train", "query", "bounding_box_test"):
            (self._root / "target" / inner).mkdir(parents=True)
        visits = list(_visits(rng, known, cameras, (identity, camera), presence=0.75, crops=(3, 5)))
        placed = [_placed(visit, lambda i: f"target/{'bounding_box_test' if i else 'query'}") for visit in visits]
        distractors = _visits(rng, strangers, cameras, (0, camera), presence=0.75, crops=(3, 5))
        placed += [_placed(visit, lambda _: "target/bounding_box_test") for visit in distractors]
        drawn = self._draw("target crops", rng, placed, people, cameras, _TARGET)
        return len(visits), drawn - len(visits)

    def _videos(self, videos: int, identity: int) -> int:
        done = 0
        for video in range(videos):
            rng = self._generator(_VIDEOS, video)
            people = self._crowd(rng, int(rng.integers(8, 17)), any_colour=self._style.clothes.any_colour)
            visits = []
            for person in people:
                crops = int(rng.integers(7, 15))
                names = [f"single_camera/v{video + 1:04d}/{identity:06d}_{crop:02d}.jpg" for crop in range(crops)]
                visits.append(_Visit(person, 0, tuple(names)))
                identity += 1
            done += self._draw("", rng, visits, people, 1, _VIDEOS, video)
            self._show("videos", video + 1, videos)
        return done

    def _sequences(self, sequences: int) -> int:
        for sequence in range(sequences):
            self._show("MOT sequences", sequence, sequences)
            scene_seed = int(self._generator(_MOT, sequence).integers(2**31))
            write_sequence(StreetScene(scene_seed, **_SCENE), self._root / "mot" / f"street-{sequence + 1:02d}")
        self._show("MOT sequences", sequences, sequences)
        return sequences * _SCENE["frames"]

    def _crowd(self, rng: np.random.Generator, count: int, *, any_colour: float) -> list[Person]:
        style = self._style
        return crowd(rng, count, lookalikes=style.lookalikes, any_colour=any_colour, wardrobe=style.clothes)

    def _generator(self, *part: int) -> np.random.Generator:
        # Not default_rng([seed, *part]): there a zero at the end changes nothing.
        return np.random.default_rng(np.random.SeedSequence(self._seed, spawn_key=part))

    def _draw(
        self,
        part: str,
        rng: np.random.Generator,
        visits: list[_Visit],
        passers: list[Person],
        cameras: int,
        *key: int,
    ) -> int:
        """Draw and write the crops of all visits; how many there were."""
        sample = _CAMERAS[self._style.camera_kind]
        rows = round(CROP_HEIGHT * self._artist.scale)
        views = [sample(rng, self._style.colour_cast, rows) for _ in range(cameras)]
        scenery = [self._scenery(view) for view in views]
        other_places = (
            [self._scenery(sample(rng)) for _ in range(_OTHER_PLACES)] if self._style.random_backgrounds else []
        )
        total, done = sum(len(visit.names) for visit in visits), 0
        for number, visit in enumerate(visits):
            view, own = views[visit.camera], self._generator(*key, number)
            place, count = scenery[visit.camera], len(visit.names)
            crops = tracklet(visit.person, view, place, passers, count, own, self._artist, other_places=other_places)
            for name, crop in zip(visit.names, crops, strict=True):
                _write(self._root / name, crop, view.jpeg_quality)
            done += len(visit.names)
            if part:
                self._show(part, done, total)
        return done

    def _scenery(self, view: CropCamera) -> Image:
        return self._photographs.scenery(view.place) if self._photographs else panorama(view.place, view.pitch)


def _visits(
    rng: np.random.Generator,
    people: list[Person],
    cameras: int,
    first: tuple[int, int],
    *,
    presence: float,
    crops: tuple[int, int],
) -> Iterator[_Visit]:
    """Who comes before which cameras, named as in Market-1501: identity, camera and sequence, frame, box.

    Args:
        rng: decides it.
        people: by identity, from `first[0]` on; distractors where that is 0.
        cameras: how many.
        first: number of the first identity and of the first camera.
        presence: chance that a person comes by a camera; everybody comes by two.
        crops: fewest and most crops of one visit.
    """
    for index, person in enumerate(people):
        there = rng.random(cameras) < presence
        there[rng.permutation(cameras)[:2]] = True
        identity = first[0] + index if first[0] else 0
        for camera in np.flatnonzero(there).tolist():
            frame, count = int(rng.integers(1, 60_000)), int(rng.integers(crops[0], crops[1] + 1))
            # The box's field tells distractors apart, who share identity 0000 and may share a frame.
            stem = f"{identity:04d}_c{first[1] + camera}s1"
            names = [f"{stem}_{frame + 25 * crop:06d}_{index + 1:02d}.jpg" for crop in range(count)]
            yield _Visit(person, camera, tuple(names))


def _placed(visit: _Visit, folder: Callable[[int], str]) -> _Visit:
    """The visit with the folder of each crop before its name."""
    names = tuple(f"{folder(number)}/{name}" for number, name in enumerate(visit.names))
    return _Visit(visit.person, visit.camera, names)


def _write(path: Path, crop: Image, quality: int) -> None:
    _, jpeg = cv2.imencode(".jpg", crop, [cv2.IMWRITE_JPEG_QUALITY, quality])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(jpeg.tobytes())
