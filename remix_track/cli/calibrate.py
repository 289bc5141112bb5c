"""`remix-track calibrate`: the tracker's threshold measured on unlabelled footage and stored with the weights."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from remix_track.cli.flags import Parser, add_sections, collect_sections
from remix_track.cli.harvesting import DEFAULT_FOOTAGE, HarvestOnly, harvest_videos
from remix_track.cli.live_line import LiveLine
from remix_track.cli.terminal import show, show_text
from remix_track.encoder.threshold import check_storage, store_threshold
from remix_track.errors import InputError
from remix_track.extras import extra

if TYPE_CHECKING:
    from remix_track.data.crops.harvest_cache import Harvest
    from remix_track.data.crops.tracklet_crops import TrackletVectors
    from remix_track.encoder.embedder import Embedder
    from remix_track.training.calibration import Calibration


def run(words: Sequence[str]) -> int:
    """Harvest, compare, store; 0."""
    arguments = parser().parse_intermixed_args(words)
    settings = collect_sections(arguments, HarvestOnly).harvest
    target = check_storage(arguments.weights, arguments.output, overwrite=arguments.overwrite)
    picture = target.with_name(f"{target.stem}-calibration.png")
    if picture.exists() and not arguments.overwrite:
        raise InputError(f"{picture}: there is something already; move it away, or give --overwrite")

    from remix_track.encoder.load import load_embedder
    from remix_track.retrieval.figures import write_distance_histogram
    from remix_track.training.tracklet_calibration import calibrate_tracklets

    extra("matplotlib.figure", "plots", picture.name)
    embedder = load_embedder(arguments.weights)
    if embedder is None:
        raise InputError("--weights none: there is no appearance to calibrate")
    harvests = list(harvest_videos(arguments.footage, arguments.crops, settings, quiet=arguments.quiet))
    where = ", ".join(arguments.footage)[:200]
    videos = embed_harvests(harvests, embedder, where, quiet=arguments.quiet)
    calibration, same, other = calibrate_tracklets(videos, where)
    store_threshold(arguments.weights, target, calibration.max_cosine_distance)
    title = f"{Path(arguments.weights).name} on {', '.join(made.video for _, made in harvests)}"[:100]
    write_distance_histogram(picture, same, other, calibration.max_cosine_distance, title)
    if not arguments.quiet:
        show_text(describe(calibration))
        show(f"stored: {target}    histogram: {picture}    try: remix-track video.mp4 --weights {target}")
    return 0


def embed_harvests(
    harvests: "Sequence[tuple[Path, Harvest]]", embedder: "Embedder", where: str, *, quiet: bool
) -> "list[TrackletVectors]":
    """The vectors of harvested videos; one line on stderr says how far it is.

    Raises:
        InputError: nobody in them who can be told apart, or a crop that cannot be read.
    """
    from remix_track.data.crops.harvest import refuse_too_few
    from remix_track.data.crops.tracklet_crops import embed_tracklets

    refuse_too_few([made for _, made in harvests], where)
    crops, done = sum(made.crops for _, made in harvests), 0
    with LiveLine("crops", crops, quiet=quiet) as line:

        def check() -> None:
            nonlocal done
            done += 1
            line.show("crops", done, crops, "embedding", f"{done:,} of {crops:,} crops embedded")

        return [embed_tracklets(folder, made, embedder, check) for folder, made in harvests]


def describe(calibration: "Calibration") -> str:
    """The threshold, the rule and what it costs, in two lines."""
    return (
        f"max_cosine_distance {calibration.max_cosine_distance:.4f}, where missed and accepted together are least:\n"
        f"{calibration.missed:.1%} of {calibration.crops:,} crops are farther from their own tracklet, "
        f"{calibration.accepted:.1%} of {calibration.pairs:,} are as near to one seen at the same time"
    )


def parser() -> argparse.ArgumentParser:
    """The flags of the calibration."""
    made = Parser(
        prog="remix-track calibrate",
        description="Measure on unlabelled footage how alike crops of a person are; store the tracker's threshold.",
    )
    made.add_argument("footage", metavar="VIDEO", nargs="+", help="video files, or folders that hold some")
    made.add_argument("--weights", metavar="W", required=True, help=".safetensors, .onnx, .xml, default or imagenet")
    made.add_argument("--output", "-o", metavar="W2", type=Path, help="a copy with the threshold (default: W itself)")
    made.add_argument("--overwrite", action="store_true", help="replace a threshold or file that is there")
    made.add_argument("--crops", metavar="DIR", type=Path, default=DEFAULT_FOOTAGE, help="of harvested crops")
    made.add_argument("--quiet", "-q", action="store_true", help="say nothing but errors")
    add_sections(made, HarvestOnly)
    return made
