"""`remix-train eval`: encoders on labelled sets, as they are and with the cameras taken out."""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from remix_track.cli.flags_from_settings import Parser
from remix_track.cli.terminal import show
from remix_track.errors import InputError
from remix_track.json_text import json_text
from remix_track.text_files import write_text

if TYPE_CHECKING:
    from remix_track.data.crop_set import CropSet
    from remix_track.retrieval.ranking import Similarity
    from remix_track.training.any_encoder import AnyEncoder
    from remix_track.training.evaluation import Search

_KINDS = (
    "market1501", "dukemtmc", "msmt17", "cuhk03-labeled", "cuhk03-detected", "market-layout",
    "folder", "table", "synthetic-target",
)  # fmt: skip
_COLUMNS = {"rank1": "Rank-1", "rank5": "Rank-5", "rank10": "Rank-10", "map": "mAP", "minp": "mINP"}
_TITLES = (*_COLUMNS.values(), "95 % of mAP", "TP@1%", "TP@.1%")
AS_IS, CENTRED, RERANKED = "as is", "centred", "re-ranked"


@dataclass(frozen=True, slots=True)
class _Row:
    """A line of the table: which encoder, on which set, how, and the scores, see `Scores.summary`."""

    weights: str
    set: str
    how: str
    scores: dict[str, Any]


def parser() -> argparse.ArgumentParser:
    """The flags of the evaluation."""
    made = Parser(
        prog="remix-train eval",
        description="Score encoders on labelled sets, as they are and with what each camera has in common taken out.",
        epilog="A set without query and gallery is searched in itself, each image among those of the other cameras. "
        "TP@1%%: true pairs between cameras that are accepted where 1 %% of the false ones are.",
    )
    made.add_argument(
        "--weights",
        required=True,
        nargs="+",
        metavar="W",
        help=".safetensors of ours, .onnx, .xml of OpenVINO, default (what comes with the package), or imagenet",
    )
    for kind in _KINDS:
        made.add_argument(f"--{kind}", metavar="PATH", nargs="+", type=Path, help=f"sets of kind {kind}")
    made.add_argument("--rerank", action="store_true", help="k-reciprocal re-ranking too (k1 20, k2 6, lambda 0.3)")
    made.add_argument("--any-count", action="store_true", help="go on where counts are not the published ones")
    made.add_argument("--device", default="auto", help="auto, cpu, cuda, mps (default: auto)")
    made.add_argument("--batch", type=int, default=64, help="images in one call (default: 64)")
    made.add_argument("--output", "-o", metavar="DIR", type=Path, help="write scores.json and images of each search")
    made.add_argument("--overwrite", action="store_true", help="write into DIR, whatever is there")
    return made


def run(words: Sequence[str]) -> int:
    """Score the encoders on each set that is named."""
    arguments = parser().parse_args(words)
    named = [(kind, path) for kind in _KINDS for path in getattr(arguments, kind.replace("-", "_")) or ()]
    if not named:
        raise InputError("no data set is named; give one, such as --market1501 PATH")
    folder: Path | None = arguments.output
    if folder and not arguments.overwrite and folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise InputError(f"{folder}: there is something already; give another --output, or --overwrite")
    if arguments.batch < 1:
        raise InputError(f"--batch {arguments.batch}; expected 1 or more")

    from remix_track.training.any_encoder import open_encoder
    from remix_track.training.data_sets import open_labelled

    encoders = [open_encoder(weights, arguments.device, arguments.batch) for weights in arguments.weights]
    rows: list[_Row] = []
    for (kind, path), title in zip(named, _titles(named), strict=True):
        crops = open_labelled(f"{kind}:{path}", strict=not arguments.any_count)
        rows += [row for encoder in encoders for row in _score(title, crops, encoder, arguments)]
    _print(rows)
    if arguments.output:
        found = [{"weights": row.weights, "set": row.set, "how": row.how, **row.scores} for row in rows]
        write_text(arguments.output / "scores.json", json_text({"scores": found}, indent=2))
    return 0


def _titles(named: list[tuple[str, Path]]) -> list[str]:
    """A set's kind, and its folder too where there are several of the kind."""
    kinds = [kind for kind, _ in named]
    return [f"{kind} {path}" if kinds.count(kind) > 1 else kind for kind, path in named]


def _score(title: str, crops: "CropSet", encoder: "AnyEncoder", arguments: argparse.Namespace) -> Iterator[_Row]:
    from remix_track.data.crop_set import Split
    from remix_track.retrieval.ranking import dot_products
    from remix_track.retrieval.reranking import reranked
    from remix_track.retrieval.scores import between_cameras, centred, judge
    from remix_track.training.evaluation import embed_search, embed_whole

    whole = not len(crops.rows(Split.QUERY)) and not len(crops.rows(Split.GALLERY))
    search = (embed_whole if whole else embed_search)(encoder.embed, crops)
    pairs = {
        AS_IS: (search.query, search.gallery),
        CENTRED: centred(search.query, search.gallery, one_set=whole),
    }
    for how, (query, gallery) in pairs.items():
        alike = {how: dot_products(query, gallery)}
        if arguments.rerank:
            alike[RERANKED if how == AS_IS else f"{how}, {RERANKED}"] = reranked(query, gallery, one_set=whole)
        for name, one in alike.items():
            asked = between_cameras(one, query, gallery) if whole else one
            scores = judge(query, gallery, asked, by_vectors=name == how)
            yield _Row(encoder.weights, title, name, scores.summary(crops.camera_names))
            if arguments.output and name == AS_IS:
                _draw(arguments, title, crops, search, encoder, asked)


def _draw(
    arguments: argparse.Namespace,
    title: str,
    crops: "CropSet",
    search: "Search",
    encoder: "AnyEncoder",
    alike: "Similarity",
) -> None:
    """Ten queries with what they found, and the histogram of same and different people."""
    from remix_track.data.decoding import CropReader
    from remix_track.data.stores import ChosenRows
    from remix_track.retrieval.figures import ranked_list, write_image, write_similarity_histogram
    from remix_track.retrieval.ranking import best_matches
    from remix_track.retrieval.similarity import similarity_histogram

    stem = "-".join(title.replace("/", " ").split())
    if len(arguments.weights) > 1:
        stem = f"{1 + arguments.weights.index(encoder.weights)}-{Path(encoder.weights).stem}-{stem}"
    query, gallery = search.query, search.gallery
    readers = [
        CropReader(ChosenRows(crops.store, rows), encoder.height, encoder.width)
        for rows in (search.query_rows, search.gallery_rows)
    ]
    shown = np.linspace(0, len(query) - 1, min(10, len(query))).astype(np.int64)
    found = best_matches(query, gallery, shown, similarity=alike)
    right = (gallery.identity[found] == query.identity[shown][:, None]) & (found >= 0)
    captions = [f"{hits.sum()} of {len(hits)}" for hits in right]
    picture = ranked_list((readers[0], readers[1]), shown, found, right, captions)
    write_image(arguments.output / f"{stem}-ranks.png", picture)
    histogram = similarity_histogram(query, gallery)
    write_similarity_histogram(
        arguments.output / f"{stem}-similarity.png", histogram, f"{crops.name}: cosine similarity"
    )


def _print(rows: list[_Row]) -> None:
    """A table a set, the pairs of cameras where they are few, and the means over several sets."""
    names = _short_names([row.weights for row in rows])
    width = max(len(f"{names[row.weights]}, {row.how}") for row in rows)
    for title in dict.fromkeys(row.set for row in rows):
        here = [row for row in rows if row.set == title]
        counts = here[0].scores
        show(f"{title}: {counts['queries']} queries, {counts['skipped']} skipped")
        show(f"{'':{width}}  " + "  ".join(f"{one:>7}" for one in _TITLES))
        for row in here:
            show(f"{f'{names[row.weights]}, {row.how}':{width}}  {_numbers(row.scores)}")
        _print_pairs(here, names, width)
        show("")
    sets = len({row.set for row in rows})
    if sets > 1:
        show(f"mean mAP over {sets} sets")
        for weights, how in dict.fromkeys((row.weights, row.how) for row in rows):
            values = [row.scores["map"] for row in rows if (row.weights, row.how) == (weights, how)]
            show(f"{f'{names[weights]}, {how}':{width}}  {100 * np.mean(values):7.2f}")


def _short_names(weights: list[str]) -> dict[str, str]:
    """Files by their names, where these differ."""
    last = {one: Path(one).name for one in weights}
    return {one: name if list(last.values()).count(name) == 1 else one for one, name in last.items()}


def _numbers(scores: dict[str, Any]) -> str:
    low, high = scores["map_interval"]
    interval = f"{100 * low:.1f} - {100 * high:.1f}"
    accepted = "  ".join(map(_percent, scores["accepted"].values()))
    return "  ".join(_percent(scores[key]) for key in _COLUMNS) + f"  {interval:>11}  {accepted}"


def _percent(share: float) -> str:
    return f"{100 * share:7.2f}" if share == share else f"{'-':>7}"


def _print_pairs(rows: list[_Row], names: dict[str, str], width: int) -> None:
    """MAP by the query's and the gallery's camera, of three cameras or more; `scores.json` has the larger tables."""
    rows = [row for row in rows if row.scores["camera_pairs"]]
    pairs = rows[0].scores["camera_pairs"] if rows else []
    if not 2 < len(pairs) <= 12:
        return
    show(f"{'mAP from camera to camera':{width}}  " + "  ".join(f"{one['query']}>{one['gallery']:<4}" for one in pairs))
    for row in rows:
        values = "  ".join(f"{100 * one['map']:7.2f}" for one in row.scores["camera_pairs"])
        show(f"{f'{names[row.weights]}, {row.how}':{width}}  {values}")
