"""Tracks as other packages hold them: supervision's detections, and tables of pandas, polars and Arrow.

A table has a row per track and frame, and the columns of `tracks.csv`: frame and id count from 1, `time` is in seconds,
boxes are in pixels, `utc` is the time of day, null for files. `score` is null (NaN in pandas) where a track coasts.
Where the detector gives them, `mask` and `keypoints` are lists of numbers, null where a track coasts.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from remix_track.boxes import tlwh_from_xyxy
from remix_track.extras import extra

if TYPE_CHECKING:
    from remix_track.detections import Tracks

Columns = dict[str, NDArray[Any]]
"""Columns of one length by their names: numbers, `datetime64[ms]` in UTC, or objects that are texts, lists or None."""

SHAPES = ("mask", "keypoints")
"""Columns of lists, in no table whose detector gives none."""


def columns_of(tracks: "Tracks") -> Columns:
    """A row per track: `id, class, left, top, width, height, score`, and the `SHAPES` that tracks have."""
    boxes = tlwh_from_xyxy(tracks.xyxy.astype(np.float64)).T
    sides = dict(zip(("left", "top", "width", "height"), boxes, strict=True))
    return {"id": tracks.ids, "class": tracks.class_id, **sides, "score": tracks.score, **_shapes_of(tracks)}


def shape_lists(tracks: "Tracks") -> Iterator[dict[str, list[Any]]]:
    """Of each track its mask, polygons `[x, y, x, y ...]`, and its keypoints, `[x, y, confidence, x, y ...]`.

    A tenth of a pixel is said, and a thousandth of a confidence. What a track does not have is left out; a keypoint
    that is not known is three zeros, as in COCO.
    """
    for row in range(len(tracks)):
        found: dict[str, list[Any]] = {}
        if tracks.mask is not None and (mask := tracks.mask.polygons[row]):
            found["mask"] = [part.astype(np.float64).round(1).ravel().tolist() for part in mask]
        if tracks.keypoints is not None and not np.isnan(tracks.keypoints[row]).all():
            points = tracks.keypoints[row].astype(np.float64)
            points = np.where(np.isfinite(points).all(axis=1, keepdims=True), points, 0)
            found["keypoints"] = np.column_stack([points[:, :2].round(1), points[:, 2:].round(3)]).ravel().tolist()
        yield found


def _shapes_of(tracks: "Tracks") -> Columns:
    names = [name for name in SHAPES if getattr(tracks, name) is not None]
    columns = {name: np.empty(len(tracks), object) for name in names}
    for row, found in enumerate(shape_lists(tracks) if names else ()):
        for name in names:
            columns[name][row] = found.get(name)
    return columns


def columns_of_frame(
    index: int,
    time: float,
    utc: datetime | None,
    tracks: "Tracks",
    class_names: Mapping[int, str] | None = None,
    numbers: NDArray[np.int64] | None = None,
) -> Columns:
    """`columns_of` with `frame` and `time` before and `utc` behind them.

    With `class_name` and `number` where names, and numbers of the tracks within their class, are given.
    """
    count, columns = len(tracks), columns_of(tracks)
    if class_names is not None:
        names = np.array([class_names.get(number) for number in tracks.class_id.tolist()], object)
        columns = {"id": columns.pop("id"), "class": columns.pop("class"), "class_name": names, **columns}
    if numbers is not None:
        columns["number"] = numbers
    day = np.datetime64("NaT") if utc is None else np.datetime64(_naive_utc(utc), "ms")
    return {
        "frame": np.full(count, index),
        "time": np.full(count, float(time)),
        **columns,
        "utc": np.full(count, day, "datetime64[ms]"),
    }


def joined(parts: Iterable[Columns]) -> Columns:
    """The rows of all parts, of which there is at least one, in order; null where a part lacks a column of another."""
    gathered = list(parts)
    # Where some have rows, those without do not say of which kind a column is.
    gathered = [part for part in gathered if len(part["id"])] or gathered[:1]
    names = dict.fromkeys(name for part in gathered for name in part)
    return {name: np.concatenate([part[name] if name in part else _nulls(part) for part in gathered]) for name in names}


def with_columns(columns: Columns, names: Iterable[str]) -> Columns:
    """Those columns in that order; nulls in place of one that is not there."""
    return {name: columns[name] if name in columns else _nulls(columns) for name in names}


def _nulls(columns: Columns) -> NDArray[np.object_]:
    return np.full(len(columns["id"]), None, object)


def to_supervision(tracks: "Tracks", image_size: tuple[int, int] | None = None) -> Any:
    """`supervision.Detections` with `tracker_id`; the confidence of a track that coasts is 0.

    Args:
        tracks: of a frame.
        image_size: its height and width, for masks; without them there are none.

    Raises:
        ExtraError: supervision is not installed.
    """
    # Copies: its functions may write into what they are given.
    return extra("supervision", "supervision", "to_supervision()").Detections(
        xyxy=tracks.xyxy.copy(),
        mask=None if tracks.mask is None or image_size is None else tracks.mask.raster(image_size),
        confidence=np.nan_to_num(tracks.score),
        class_id=tracks.class_id.copy(),
        tracker_id=tracks.ids.copy(),
        data={} if tracks.keypoints is None else {"keypoints": tracks.keypoints.copy()},
    )


def to_pandas(columns: Columns) -> Any:
    """A `pandas.DataFrame`.

    Raises:
        ExtraError: pandas is not installed.
    """
    pandas = extra("pandas", "tables", "to_pandas()")

    def column(name: str, values: NDArray[Any]) -> Any:
        if values.dtype.kind == "M":
            return pandas.DatetimeIndex(values).tz_localize("UTC")
        return pandas.array(values, "string") if values.dtype == object and name not in SHAPES else values

    return pandas.DataFrame({name: column(name, values) for name, values in columns.items()})


def to_polars(columns: Columns) -> Any:
    """A `polars.DataFrame`.

    Raises:
        ExtraError: polars is not installed.
    """
    polars = extra("polars", "tables", "to_polars()")

    def column(name: str, values: NDArray[Any]) -> Any:
        if values.dtype == object:
            numbers = polars.List(polars.Float32)
            kinds = {"mask": polars.List(numbers), "keypoints": numbers}
            return polars.Series(name, values.tolist(), kinds.get(name, polars.String))
        made = polars.Series(name, values, nan_to_null=True)
        return made.dt.replace_time_zone("UTC") if values.dtype.kind == "M" else made

    return polars.DataFrame([column(name, values) for name, values in columns.items()])


def to_arrow(columns: Columns) -> Any:
    """A `pyarrow.Table`.

    Raises:
        ExtraError: pyarrow is not installed.
    """
    arrow = extra("pyarrow", "tables", "to_arrow()")

    numbers = arrow.list_(arrow.float32())
    shapes = {"mask": arrow.list_(numbers), "keypoints": numbers}

    def column(name: str, values: NDArray[Any]) -> Any:
        kinds = {"M": arrow.timestamp("ms", tz="UTC"), "O": shapes.get(name, arrow.string())}
        # What says "from pandas" is that NaN and NaT are no values.
        return arrow.array(values, kinds.get(values.dtype.kind), from_pandas=True)

    return arrow.table({name: column(name, values) for name, values in columns.items()})


def _naive_utc(taken: datetime) -> datetime:
    return taken.astimezone(UTC).replace(tzinfo=None) if taken.tzinfo else taken
