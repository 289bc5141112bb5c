"""`remix-train eval`: weights on a labelled set, Rank-k, mAP and mINP."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from remix_track.cli.flags import Parser
from remix_track.cli.terminal import show
from remix_track.errors import InputError
from remix_track.json_text import json_text
from remix_track.text_files import write_text

if TYPE_CHECKING:
    from remix_track.data.crop_set import CropSet
    from remix_track.encoder.backbones import Encoder
    from remix_track.training.embedding import EmbedPlan
    from remix_track.training.evaluation import Search

_KINDS = (
    "market1501", "dukemtmc", "msmt17", "cuhk03-labeled", "cuhk03-detected", "market-layout",
    "folder", "table", "synthetic-target",
)  # fmt: skip
_COLUMNS = {"rank1": "Rank-1", "rank5": "Rank-5", "rank10": "Rank-10", "map": "mAP", "minp": "mINP"}


def parser() -> argparse.ArgumentParser:
    """The flags of the evaluation."""
    made = Parser(prog="remix-train eval", description="Score weights on labelled sets with query and gallery.")
    made.add_argument(
        "--weights", required=True, help=".safetensors of ours, default (what comes with the package), or imagenet"
    )
    for kind in _KINDS:
        made.add_argument(f"--{kind}", metavar="PATH", type=Path, help=f"a set of kind {kind}")
    made.add_argument("--rerank", action="store_true", help="k-reciprocal re-ranking too (k1 20, k2 6, lambda 0.3)")
    made.add_argument("--any-count", action="store_true", help="go on where counts are not the published ones")
    made.add_argument("--device", default="auto", help="auto, cpu, cuda, mps (default: auto)")
    made.add_argument("--batch", type=int, default=64, help="images in one call (default: 64)")
    made.add_argument("--output", "-o", metavar="DIR", type=Path, help="write scores.json, ranks.png, similarity.png")
    return made


def run(words: Sequence[str]) -> int:
    """Score the weights on each set that is named."""
    arguments = parser().parse_args(words)
    named = {kind: getattr(arguments, kind.replace("-", "_")) for kind in _KINDS}
    named = {kind: path for kind, path in named.items() if path is not None}
    if not named:
        raise InputError("no data set is named; give one, such as --market1501 PATH")
    if arguments.batch < 1:
        raise InputError(f"--batch {arguments.batch}; expected 1 or more")

    from remix_track.training.data_sets import open_labelled

    network, plan = _network(arguments)
    scores: dict[str, dict[str, Any]] = {}
    for kind, path in named.items():
        crops = open_labelled(f"{kind}:{path}", strict=not arguments.any_count)
        scores |= _score(kind, crops, network, plan, arguments)
    _print(scores)
    if arguments.output:
        write_text(arguments.output / "scores.json", json_text({"weights": arguments.weights, **scores}, indent=2))
    return 0


def _network(arguments: argparse.Namespace) -> "tuple[Encoder, EmbedPlan]":
    from remix_track.encoder.imagenet import INPUT, imagenet_mobilenet_v2
    from remix_track.encoder.shipped import IMAGENET, located
    from remix_track.encoder.torch_network import choose_device
    from remix_track.encoder.weights_file import load_encoder
    from remix_track.training.embedding import EmbedPlan
    from remix_track.training.reading import reading_threads
    from remix_track.training.stopping import StopRequest

    device, path = choose_device(arguments.device), Path(located(arguments.weights))
    if arguments.weights == IMAGENET:
        encoder, seen = imagenet_mobilenet_v2()[0], INPUT
    elif path.suffix == ".safetensors":
        card, encoder = load_encoder(path)
        seen = card.network_input
    else:
        raise InputError(
            f"--weights {arguments.weights}: expected a .safetensors file of ours, 'default' or 'imagenet'"
        )
    import torch

    encoder = encoder.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return encoder, EmbedPlan(seen, device, arguments.batch, reading_threads(0), StopRequest())


def _score(
    kind: str, crops: "CropSet", network: "Encoder", plan: "EmbedPlan", arguments: argparse.Namespace
) -> dict[str, dict[str, Any]]:
    from remix_track.retrieval.ranking import rank_gallery
    from remix_track.retrieval.reranking import reranked
    from remix_track.training.evaluation import embed_search

    search = embed_search(plan, network, crops)
    query, gallery = search.query, search.gallery
    scores = {kind: rank_gallery(query, gallery).summary()}
    if arguments.rerank:
        scores[f"{kind} re-ranked"] = rank_gallery(query, gallery, reranked(query, gallery)).summary()
    if arguments.output:
        _draw(arguments.output, kind, crops, search, plan)
    return scores


def _draw(folder: Path, kind: str, crops: "CropSet", search: "Search", plan: "EmbedPlan") -> None:
    """Ten queries with what they found, and the histogram of same and different people."""
    import numpy as np

    from remix_track.data.decoding import CropReader
    from remix_track.data.stores import ChosenRows
    from remix_track.retrieval.figures import ranked_list, write_image, write_similarity_histogram
    from remix_track.retrieval.ranking import best_matches
    from remix_track.retrieval.similarity import similarity_histogram

    query, gallery = search.query, search.gallery
    size = plan.network_input.height, plan.network_input.width
    readers = [CropReader(ChosenRows(crops.store, rows), *size) for rows in (search.query_rows, search.gallery_rows)]
    shown = np.linspace(0, len(query) - 1, min(10, len(query))).astype(np.int64)
    found = best_matches(query, gallery, shown)
    right = (gallery.identity[found] == query.identity[shown][:, None]) & (found >= 0)
    captions = [f"{hits.sum()} of {len(hits)}" for hits in right]
    write_image(folder / f"{kind}-ranks.png", ranked_list((readers[0], readers[1]), shown, found, right, captions))
    histogram = similarity_histogram(query, gallery)
    write_similarity_histogram(folder / f"{kind}-similarity.png", histogram, f"{crops.name}: cosine similarity")


def _print(scores: dict[str, dict[str, Any]]) -> None:
    width = max(len(name) for name in scores)
    show(f"{'':{width}}  " + "  ".join(f"{title:>7}" for title in _COLUMNS.values()) + "  queries  skipped")
    for name, found in scores.items():
        numbers = "  ".join(f"{100 * found[key]:7.2f}" for key in _COLUMNS)
        show(f"{name:{width}}  {numbers}  {found['queries']:7}  {found['skipped']:7}")
