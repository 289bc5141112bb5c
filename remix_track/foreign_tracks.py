"""Tracks as other packages hold them: supervision's detections, and tables of pandas, polars and Arrow.

A table has a row per track and frame, and the columns of `tracks.csv`: frame and id count from 1, `time` is in seconds,
boxes are in pixels, `utc` is the time of day, null for files. `score` is null (NaN in pandas) where a track coasts.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from remix_track.boxes import tlwh_from_xyxy
from remix_track.extras import extra

if TYPE_CHECKING:
    from remix_track.detections import Tracks

Columns = dict[str, NDArray[Any]]
"""Columns of one length by their names: numbers, `datetime64[ms]` in UTC, or objects that are texts or None."""


def columns_of(tracks: "Tracks") -> Columns:
    """A row per track: `id, class, left, top, width, height, score`."""
    boxes = tlwh_from_xyxy(tracks.xyxy.astype(np.float64)).T
    sides = dict(zip(("left", "top", "width", "height"), boxes, strict=True))
    return {"id": tracks.ids, "class": tracks.class_id, **sides, "score": tracks.score}


def columns_of_frame(
    index: int, time: float, utc: datetime | None, tracks: "Tracks", class_names: Mapping[int, str] | None = None
) -> Columns:
    """`columns_of` with `frame` and `time` before and `utc` behind them; with `class_name` where names are given."""
    count, columns = len(tracks), columns_of(tracks)
    if class_names is not None:
        names = np.array([class_names.get(number) for number in tracks.class_id.tolist()], object)
        columns = {"id": columns.pop("id"), "class": columns.pop("class"), "class_name": names, **columns}
    day = np.datetime64("NaT") if utc is None else np.datetime64(_naive_utc(utc), "ms")
    return {
        "frame": np.full(count, index),
        "time": np.full(count, float(time)),
        **columns,
        "utc": np.full(count, day, "datetime64[ms]"),
    }


def joined(parts: Iterable[Columns]) -> Columns:
    """The rows of all parts, of which there is at least one, in order."""
    gathered = list(parts)
    return {name: np.concatenate([part[name] for part in gathered]) for name in gathered[0]}


def to_supervision(tracks: "Tracks") -> Any:
    """`supervision.Detections` with `tracker_id`; the confidence of a track that coasts is 0.

    Raises:
        ExtraError: supervision is not installed.
    """
    # Copies: its functions may write into what they are given.
    return extra("supervision", "supervision", "to_supervision()").Detections(
        xyxy=tracks.xyxy.copy(),
        confidence=np.nan_to_num(tracks.score),
        class_id=tracks.class_id.copy(),
        tracker_id=tracks.ids.copy(),
    )


def to_pandas(columns: Columns) -> Any:
    """A `pandas.DataFrame`.

    Raises:
        ExtraError: pandas is not installed.
    """
    pandas = extra("pandas", "tables", "to_pandas()")

    def column(values: NDArray[Any]) -> Any:
        if values.dtype.kind == "M":
            return pandas.DatetimeIndex(values).tz_localize("UTC")
        return pandas.array(values, "string") if values.dtype == object else values

    return pandas.DataFrame({name: column(values) for name, values in columns.items()})


def to_polars(columns: Columns) -> Any:
    """A `polars.DataFrame`.

    Raises:
        ExtraError: polars is not installed.
    """
    polars = extra("polars", "tables", "to_polars()")

    def column(name: str, values: NDArray[Any]) -> Any:
        if values.dtype == object:
            return polars.Series(name, values.tolist(), polars.String)
        made = polars.Series(name, values, nan_to_null=True)
        return made.dt.replace_time_zone("UTC") if values.dtype.kind == "M" else made

    return polars.DataFrame([column(name, values) for name, values in columns.items()])


def to_arrow(columns: Columns) -> Any:
    """A `pyarrow.Table`.

    Raises:
        ExtraError: pyarrow is not installed.
    """
    arrow = extra("pyarrow", "tables", "to_arrow()")

    def column(values: NDArray[Any]) -> Any:
        kinds = {"M": arrow.timestamp("ms", tz="UTC"), "O": arrow.string()}
        # What says "from pandas" is that NaN and NaT are no values.
        return arrow.array(values, kinds.get(values.dtype.kind), from_pandas=True)

    return arrow.table({name: column(values) for name, values in columns.items()})


def _naive_utc(taken: datetime) -> datetime:
    return taken.astimezone(UTC).replace(tzinfo=None) if taken.tzinfo else taken
