"""Figures of a search: ranked lists with right and wrong marked, and the histogram of similarities."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from remix_track.data.decoding import BadCrop, CropReader
from remix_track.extras import extra
from remix_track.output_files import atomic_write
from remix_track.plot_text import literal
from remix_track.retrieval.similarity import SimilarityHistogram

if TYPE_CHECKING:
    from PIL import Image

_RIGHT, _WRONG, _NEUTRAL = (30, 150, 60), (200, 40, 40), (70, 70, 70)
_FRAME, _GAP, _CAPTION = 4, 6, 18


def ranked_list(
    readers: tuple[CropReader, CropReader],
    rows: NDArray[np.integer],
    matches: NDArray[np.int64],
    right: NDArray[np.bool_],
    captions: list[str],
) -> NDArray[np.uint8]:
    """Draw one line per query: the query, then what was found, framed green (right) or red (wrong).

    "yes" or "no" below each says the same to those who do not see the two colours apart. A crop that cannot be read is
    grey.

    Args:
        readers: of the queries and of the gallery, of one size.
        rows: (R,) query rows.
        matches: (R, K) gallery rows, best first, -1 for none (see `best_matches`).
        right: (R, K) whether each is the person.
        captions: (R) a few words under each query, as its average precision.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    from PIL import Image, ImageDraw, ImageFont

    height, width = readers[0].height + 2 * _FRAME, readers[0].width + 2 * _FRAME
    step_x, step_y = width + _GAP, height + _GAP + _CAPTION
    size = (_GAP + step_x * (1 + matches.shape[1]) + _GAP, _GAP + step_y * len(rows))
    sheet = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(11)
    for line, row in enumerate(rows):
        top = _GAP + line * step_y
        sheet.paste(_framed(readers[0], int(row), _NEUTRAL), (_GAP, top))
        draw.text((_GAP, top + height + 2), captions[line], fill=_NEUTRAL, font=font)
        for place, match in enumerate(matches[line]):
            if match < 0:
                continue
            left = 2 * _GAP + (1 + place) * step_x
            colour = _RIGHT if right[line, place] else _WRONG
            sheet.paste(_framed(readers[1], int(match), colour), (left, top))
            mark = f"{place + 1} {'yes' if right[line, place] else 'no'}"
            draw.text((left, top + height + 2), mark, fill=colour, font=font)
    return np.asarray(sheet).copy()


def likeness_strip(pictures: list[tuple[str, NDArray[np.uint8]]], height: int = 160) -> NDArray[np.uint8]:
    """Draw pictures in a row, the first set apart, with a caption of one or two words below each.

    Args:
        pictures: caption and (h, w, 3) uint8 BGR of each, of any size.
        height: to which all are scaled, in pixels.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    from PIL import Image, ImageDraw, ImageFont

    font, tiles = ImageFont.load_default(11), []
    for caption, pixels in pictures:
        scaled = Image.fromarray(np.ascontiguousarray(pixels[..., ::-1]))
        wide = round(scaled.width * height / scaled.height)
        tiles.append((caption, scaled.resize((min(max(wide, 8), 4 * height), height)), round(font.getlength(caption))))
    widths = [max(tile.width, text) + 2 * _GAP for _, tile, text in tiles]
    sheet = Image.new("RGB", (sum(widths) + 2 * _GAP, height + 2 * _GAP + _CAPTION), "white")
    draw, left = ImageDraw.Draw(sheet), _GAP
    for number, ((caption, tile, _), width) in enumerate(zip(tiles, widths, strict=True)):
        sheet.paste(tile, (left, _GAP))
        draw.text((left, height + _GAP + 3), caption, fill=_NEUTRAL, font=font)
        left += width
        if number == 0:
            draw.line(((left - _GAP, 0), (left - _GAP, sheet.height)), fill=_NEUTRAL)
            left += _GAP
    return np.asarray(sheet).copy()


def write_image(path: Path, pixels: NDArray[np.uint8]) -> None:
    """Write (H, W, 3) uint8 RGB as one whole PNG file.

    Raises:
        InputError: it cannot be written.
    """
    from PIL import Image

    with atomic_write(path) as temporary:
        Image.fromarray(pixels).save(temporary, format="PNG")


def write_similarity_histogram(path: Path, histogram: SimilarityHistogram, title: str) -> None:
    """Plot the similarities of the same person and of different people as shares, and write the PNG.

    Args:
        path: ends in `.png`.
        histogram: the counts.
        title: of the plot.

    Raises:
        InputError: it cannot be written.
    """
    figure = extra("matplotlib.figure", "plots", path.name).Figure(figsize=(7, 4), dpi=110, layout="constrained")
    axes = figure.add_subplot()
    for counts, label, colour in (
        (histogram.same, "same person, other camera", "#1b7837"),
        (histogram.different, "different people", "#b2182b"),
    ):
        total = int(counts.sum())
        axes.stairs(counts / max(total, 1), histogram.edges, fill=True, alpha=0.4, color=colour)
        axes.stairs(counts / max(total, 1), histogram.edges, color=colour, label=f"{label} ({total:,} pairs)")
    filled = np.flatnonzero(histogram.same + histogram.different)
    if len(filled):
        axes.set_xlim(histogram.edges[filled[0]] - 0.02, histogram.edges[filled[-1] + 1] + 0.02)
    axes.set_xlabel("cosine similarity")
    axes.set_ylabel("share of pairs")
    axes.set_title(f"{literal(title)} (overlap {histogram.overlap:.3f})", fontsize=10)
    axes.legend(frameon=False, fontsize=9)
    with atomic_write(path) as temporary:
        figure.savefig(temporary, format="png")


def write_distance_histogram(
    path: Path, same: NDArray[np.floating], other: NDArray[np.floating], threshold: float, title: str
) -> None:
    """Plot how far apart crops of one person and of different people are, and the threshold between; write the PNG.

    Args:
        path: ends in `.png`.
        same: (S,) cosine distances of one person.
        other: (P,) cosine distances of different people.
        threshold: drawn as a line.
        title: of the plot.

    Raises:
        InputError: it cannot be written.
    """
    figure = extra("matplotlib.figure", "plots", path.name).Figure(figsize=(7, 4), dpi=110, layout="constrained")
    axes = figure.add_subplot()
    edges = np.linspace(0, max(float(same.max()), float(other.max()), threshold) * 1.02, 61)
    for values, label, colour in (
        (same, "same tracklet", "#1b7837"),
        (other, "tracklets seen at the same time", "#b2182b"),
    ):
        share = np.histogram(values, edges)[0] / len(values)
        axes.stairs(share, edges, fill=True, alpha=0.4, color=colour)
        axes.stairs(share, edges, color=colour, label=f"{label} ({len(values):,})")
    axes.axvline(threshold, color="#333333", linestyle="--", label=f"max_cosine_distance {threshold:.4f}")
    axes.set_xlim(edges[0], edges[-1])
    axes.set_xlabel("cosine distance to the nearest crop")
    axes.set_ylabel("share")
    axes.set_title(literal(title), fontsize=10)
    axes.legend(frameon=False, fontsize=9)
    with atomic_write(path) as temporary:
        figure.savefig(temporary, format="png")


def _framed(reader: CropReader, row: int, colour: tuple[int, int, int]) -> "Image.Image":
    from PIL import Image, ImageOps

    pixels = reader.read(row)
    if isinstance(pixels, BadCrop):
        pixels = np.full((reader.height, reader.width, 3), 220, np.uint8)
    return ImageOps.expand(Image.fromarray(pixels), _FRAME, colour)
