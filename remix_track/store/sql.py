"""Questions in SQL about all boxes and tracklets of a store: DuckDB over its Parquet files, as they are."""

from typing import TYPE_CHECKING, Any

from remix_track.extras import extra
from remix_track.store import layout

if TYPE_CHECKING:
    from remix_track.store.store import Store


def connect(store: "Store") -> Any:
    """A connection of DuckDB with the views `tracks`, `tracklets` and `jobs` of a store.

        for hour, tracklets in connect(store).execute(
            "SELECT date_trunc('hour', first_utc) AS hour, count(*) FROM tracklets GROUP BY hour ORDER BY hour"
        ).fetchall():
            print(hour, tracklets)

    `tracks` and `tracklets` have the columns of the files (see the guide) and `job`, the key; `jobs` has `job`,
    `camera`, `source`, `frames` and `seconds`. `tracklets` has `person` besides, null where none is assigned.

    Raises:
        ExtraError: duckdb is not installed.
        InputError: the index cannot be read.
    """
    duckdb = extra("duckdb", "duckdb", "SQL over a store")
    made = duckdb.connect()
    made.execute("CREATE TABLE jobs (job TEXT, camera TEXT, source TEXT, frames BIGINT, seconds DOUBLE)")
    facts = [one for one in store.facts() if not one.problem]
    rows = [(one.key, one.camera, one.source, one.frames, one.seconds) for one in facts]
    if rows:
        made.executemany("INSERT INTO jobs VALUES (?, ?, ?, ?, ?)", rows)
    made.execute("CREATE TABLE persons (job TEXT, track BIGINT, person BIGINT)")
    known = store.tracklets()
    assigned = known[known.person > 0]
    if len(assigned):
        people = [(*key, person) for key, person in zip(assigned.keys(), assigned.person.tolist(), strict=True)]
        made.executemany("INSERT INTO persons VALUES (?, ?, ?)", people)
    keys = [one.key for one in facts]
    made.execute(f"CREATE VIEW tracks AS {_files(store, keys, layout.TRACKS)}")
    joined = f"SELECT * FROM ({_files(store, keys, layout.TRACKLETS)}) LEFT JOIN persons USING (job, track)"
    made.execute(f"CREATE VIEW tracklets AS {joined}")
    return made


def _files(store: "Store", keys: list[str], name: str) -> str:
    """A query of all rows of the jobs' files of this name, each with the key of its job."""
    folders = {key: layout.job_folder(store.path, key) for key in keys}
    names = {str(folder / name): key for key, folder in folders.items()}
    if not names:
        return "SELECT NULL::TEXT AS job, NULL::BIGINT AS track WHERE false"
    listed = ", ".join(_quoted(path) for path in names)
    pairs = ", ".join(f"({_quoted(path)}, {_quoted(key)})" for path, key in names.items())
    return (
        f"SELECT named.job, rows.* EXCLUDE (filename) FROM read_parquet([{listed}], filename = true) AS rows "
        f"JOIN (VALUES {pairs}) AS named(filename, job) ON rows.filename = named.filename"
    )


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
