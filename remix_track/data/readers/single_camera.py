"""LUPerson, LUPerson-NL, a folder of folders, tar shards: unlabelled crops of many videos."""

import logging
import os
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from remix_track.data.name_table import NameTable
from remix_track.data.readers.image_files import images_below, images_in
from remix_track.data.readers.key_list import read_keys
from remix_track.data.readers.key_rule import KeyRule, sort_by_video
from remix_track.data.readers.lmdb_store import LmdbStore, open_lmdb
from remix_track.data.readers.tar_store import index_shards, shard_files
from remix_track.data.readers.video_set import VideoSet
from remix_track.data.stores import FolderStore
from remix_track.errors import InputError

logger = logging.getLogger(__name__)

LUPERSON_IMAGES = 4_180_243
LUPERSON = KeyRule(video_fields=(0, 1, 2))
LUPERSON_NL = KeyRule(video_fields=(0,), identity_fields=(1,))


def read_luperson(root: Path, *, rule: KeyRule = LUPERSON, strict: bool = True) -> VideoSet:
    """LUPerson (Fu et al., CVPR 2021): an LMDB of JPEG bytes and `keys.pkl`; keys are `CC_cc_VVVV_NNNNNNNN`.

    Args:
        root: the folder that holds `keys.pkl` and the LMDB (`lmdb/`, `*.lmdb` or `data.mdb`). Without `keys.pkl` the
            database itself is listed.
        rule: which fields of a key name the video; rebuilt copies have other keys.
        strict: a number of images that is not the published one is an error; False: a warning.

    Raises:
        InputError: no LMDB, no package `lmdb`, keys that cannot be read or do not fit the rule, or another count.
    """
    return _read_lmdb("LUPerson", root, rule, LUPERSON_IMAGES, strict)


def read_luperson_nl(root: Path, *, rule: KeyRule = LUPERSON_NL, strict: bool = True) -> VideoSet:
    """LUPerson-NL (Fu et al., CVPR 2022): keys are `VVVVV_PPPPPP_FFFFFFF_OO`, the tracker's person within a video.

    The person becomes the hidden identity, which only judges pseudo labels. The published count is known to 10.7
    million only, so `strict` asks that the database has every key. See `read_luperson`.
    """
    return _read_lmdb("LUPerson-NL", root, rule, None, strict)


def read_video_folders(root: Path, *, identity_fields: tuple[int, ...] = (), videos: Sequence[str] = ()) -> VideoSet:
    """A folder of folders: each folder that directly holds images is one video, however deep it lies.

    Args:
        root: the folder.
        identity_fields: `_` fields of a file's name that say who it is, on data where that is known.
        videos: names of folders directly in `root`, to read those alone; empty for all.

    Raises:
        InputError: a folder is missing, or there are no images.
    """
    rule = KeyRule((0,), identity_fields)
    chosen = [(os.fsencode(video) + b"/", images_in(root / video)) for video in videos or ()]
    names = [folder + name for folder, pictures in chosen or images_below(root) for name in pictures]

    def split(name: bytes) -> tuple[bytes, bytes] | None:
        parts = rule.split(name)
        return parts and (name.rpartition(b"/")[0] or b".", parts[1])

    grouped = sort_by_video(names, split, str(root))
    table = NameTable.of([names[row] for row in grouped.order])
    return VideoSet(f"folder {root.name}", FolderStore(root, table), grouped.offsets, grouped.videos, grouped.identity)


def read_tar_shards(path: Path, *, rule: KeyRule | None = None) -> VideoSet:
    """Uncompressed tar files of images; a video may be spread over several.

    Args:
        path: one tar file, or a folder of them.
        rule: which fields of an image's name name the video; None: the folder that it lies in inside the tar does.

    Raises:
        InputError: no shards, one that cannot be read, or names that do not say the video.
    """
    store = index_shards(shard_files(path))
    names = [store.names[row] for row in range(len(store))]
    grouped = sort_by_video(names, rule.split if rule else _split_folder, str(path))
    return VideoSet(f"shards {path.name}", store.at(grouped.order), grouped.offsets, grouped.videos, grouped.identity)


def _split_folder(name: bytes) -> tuple[bytes, bytes] | None:
    folder = name.rpartition(b"/")[0].removeprefix(b"./")
    return (folder, b"") if folder not in (b"", b".") else None


def _read_lmdb(name: str, root: Path, rule: KeyRule, published: int | None, strict: bool) -> VideoSet:
    path = _lmdb_path(root)
    database = open_lmdb(path)
    entries = int(database.stat()["entries"])
    if (root / "keys.pkl").exists():
        keys = read_keys(root / "keys.pkl")
    else:
        with database.begin() as transaction, transaction.cursor() as cursor:
            keys = [bytes(key) for key in cursor.iternext(keys=True, values=False)]
    _check_keys(name, root, keys, entries, published, strict)
    keys.sort()
    if any(key == following for key, following in pairwise(keys)):
        logger.warning("%s: keys.pkl names some images more than once; each counts once", root)
        keys = list(dict.fromkeys(keys))
    grouped = sort_by_video(keys, rule.split, str(root))
    table = NameTable.of([keys[row] for row in grouped.order])
    return VideoSet(name, LmdbStore(path, table), grouped.offsets, grouped.videos, grouped.identity)


def _lmdb_path(root: Path) -> Path:
    candidates = [root / "lmdb", *sorted(root.glob("*.lmdb")), root]
    for path in candidates:
        if path.is_file() or (path / "data.mdb").is_file():
            return path
    raise InputError(f"{root}: no LMDB here; expected lmdb/data.mdb, data.mdb or a file *.lmdb beside keys.pkl")


def _check_keys(name: str, root: Path, keys: list[bytes], entries: int, published: int | None, strict: bool) -> None:
    faults = []
    if len(keys) > entries:
        faults.append(f"{len(keys):,} keys, but {entries:,} images in the LMDB ({len(keys) - entries:,} missing)")
    if published is not None and len(keys) != published:
        difference = f"{abs(published - len(keys)):,} {'missing' if len(keys) < published else 'too many'}"
        faults.append(f"{len(keys):,} keys, published {published:,} ({difference})")
    if not faults:
        return
    message = f"{root}: {name} is not whole: {'; '.join(faults)}"
    if strict:
        raise InputError(f"{message}; copy it again, or read it with strict = false to go on with what is there")
    logger.warning("%s; going on with what is there", message)
