"""What a run leaves for its reader: `report.md` and `curves.png`, from the log."""

import dataclasses
import logging
from pathlib import Path
from typing import Any

from remix_track.extras import ExtraError, extra
from remix_track.output_files import atomic_write
from remix_track.text_files import write_text
from remix_track.training.context import Run
from remix_track.training.run_log import read_log
from remix_track.training.threshold_from_labels import Calibration
from remix_track.training.train_settings import TrainSettings

logger = logging.getLogger(__name__)

_LOSSES = (
    "instance/multi", "instance/single", "augmentation/multi", "augmentation/single",
    "centroid/multi", "centroid/single", "camera/multi", "classification", "triplet",
)  # fmt: skip
_SCORES = ("rank1", "rank5", "rank10", "map", "minp")


def write_report(run: Run, scores: dict[str, float], calibration: Calibration | None, calibrated_on: str) -> None:
    """Write `report.md` and, where matplotlib is installed, `curves.png` into the run's folder."""
    records = read_log(run.folder)
    drawn = _draw_curves(run.folder / "curves.png", records)
    lines = [
        f"# ReMix training: {run.folder.name}",
        "",
        f"Trained on {run.data.described()}. Encoder {run.settings.encoder.architecture}, "
        f"{run.settings.encoder.height}x{run.settings.encoder.width}; pretrain = {_word(run.settings.pretrain)}, "
        f"joint = {_word(run.settings.joint)}; seed {run.settings.run.seed}.",
        "",
        *_score_lines(run, scores, records),
        *_calibration_lines(calibration, calibrated_on),
        *_probe_lines(records),
        *_label_lines(records),
        *_loss_lines(records),
        *(["![curves](curves.png)", ""] if drawn else []),
        *_setting_lines(run.settings),
    ]
    write_text(run.folder / "report.md", "\n".join(lines))


def _score_lines(run: Run, scores: dict[str, float], records: list[dict[str, Any]]) -> list[str]:
    if run.data.target is None:
        return ["No target was named, so the weights were not scored.", ""]
    lines = [f"## Score on {run.data.target.name}", "", "| weights | Rank-1 | Rank-5 | Rank-10 | mAP | mINP |"]
    lines += ["| --- | ---: | ---: | ---: | ---: | ---: |", _score_row("remix.safetensors", scores)]
    lines += [_score_row(f"epoch {one['epoch']}", one) for one in records if one["event"] == "evaluation"]
    if run.settings.run.weights == "best":
        lines += ["", "The epoch was chosen on this target, so the first line is an optimistic one."]
    return [*lines, ""]


def _score_row(name: str, scores: dict[str, Any]) -> str:
    return f"| {name} | " + " | ".join(_percent(scores.get(key)) for key in _SCORES) + " |"


def _calibration_lines(calibration: Calibration | None, calibrated_on: str) -> list[str]:
    if calibration is None:
        return [f"No threshold for the tracker: {calibrated_on} shows no person twice beside others in one camera.", ""]
    return [
        f"Threshold for the tracker, from {calibrated_on}: max_cosine_distance = "
        f"{calibration.max_cosine_distance:.4f}. "
        f"It misses {calibration.missed:.1%} of {calibration.crops:,} crops and accepts {calibration.accepted:.1%} of "
        f"{calibration.pairs:,} pairs with other people of the same camera.",
        "",
    ]


def _probe_lines(records: list[dict[str, Any]]) -> list[str]:
    found = [one for one in records if one["event"] == "probe"]
    if not found:
        return []
    verdict = [one["text"] for one in records if one["event"] == "note"][-1]
    lines = ["## Probes of pre-training", "", f"{verdict[0].upper()}{verdict[1:]}.", "", "| steps | Rank-1 | mAP |"]
    lines += ["| ---: | ---: | ---: |"]
    return [*lines, *[f"| {one['steps']} | {_percent(one['rank1'])} | {_percent(one['map'])} |" for one in found], ""]


def _label_lines(records: list[dict[str, Any]]) -> list[str]:
    found = [one for one in records if one["event"] == "labels" and "clusters" in one]
    if not found:
        return []
    lines = ["## Pseudo labels", "", "| epoch | crops | identities | outliers | purity | completeness |"]
    lines.append("| ---: | ---: | ---: | ---: | ---: | ---: |")
    step = max(1, len(found) // 10)
    for one in sorted(
        {one["epoch"]: one for one in [*found[::step], found[-1]]}.values(), key=lambda one: one["epoch"]
    ):
        right = f"{_percent(one['purity'])} | {_percent(one['completeness'])}"
        lines.append(f"| {one['epoch']} | {one['images']} | {one['clusters']} | {one['outliers']} | {right} |")
    return [*lines, ""]


def _loss_lines(records: list[dict[str, Any]]) -> list[str]:
    steps = [one for one in records if one["event"] == "step" and one["stage"] == "joint"]
    if not steps:
        return []
    lines = ["## Losses", "", "| loss | first | last |", "| --- | ---: | ---: |"]
    first, last = steps[0], steps[-1]
    lines += [
        f"| {name} | {_number(first.get(name))} | {_number(last.get(name))} |"
        for name in ("total", *_LOSSES)
        if name in last
    ]
    return [*lines, ""]


def _setting_lines(settings: TrainSettings) -> list[str]:
    """Keys that differ from the defaults; all of them are in `config.toml`."""
    differing, plain = [], dataclasses.asdict(TrainSettings())
    for section, values in dataclasses.asdict(settings).items():
        if not isinstance(values, dict):
            differing += [f"| {section} | {values} |"] if values != plain[section] else []
            continue
        differing += [f"| {section}.{key} | {value} |" for key, value in values.items() if value != plain[section][key]]
    return ["## Settings that differ from the defaults", "", "| key | value |", "| --- | --- |", *differing, ""]


def _draw_curves(path: Path, records: list[dict[str, Any]]) -> bool:
    try:
        drawing = extra("matplotlib.figure", "plots", path.name)
    except ExtraError as error:
        logger.warning("%s, and `resume` the finished run to have it drawn", error)
        return False
    figure = drawing.Figure(figsize=(12, 4), layout="constrained")
    for axes, (title, names, chosen) in zip(figure.subplots(1, 3), _panels(records), strict=True):
        for name in names:
            values = [(number, one[name]) for number, one in chosen if one.get(name) is not None]
            if values:
                axes.plot(*zip(*values, strict=True), label=name, marker="." if len(values) < 30 else "")
        axes.set_title(title)
        axes.set_xlabel("epoch")
        axes.grid(alpha=0.3)
        if axes.lines:
            axes.legend(fontsize=7)
    with atomic_write(path) as temporary:
        figure.savefig(temporary, dpi=110)
    return True


def _panels(records: list[dict[str, Any]]) -> list[tuple[str, tuple[str, ...], list[tuple[float, dict[str, Any]]]]]:
    steps = {stage: [one for one in records if one["event"] == "step" and one["stage"] == stage] for stage in _STAGES}
    scores = [(float(one["epoch"]), one) for one in records if one["event"] == "evaluation"]
    return [
        ("pre-training: loss", ("total",), _along_epochs(steps["pretrain"])),
        ("joint training: losses", _LOSSES, _along_epochs(steps["joint"])),
        ("score on the target", ("rank1", "map"), scores),
    ]


_STAGES = ("pretrain", "joint")


def _along_epochs(steps: list[dict[str, Any]]) -> list[tuple[float, dict[str, Any]]]:
    longest = max((one["step"] for one in steps), default=1)
    return [(one["epoch"] - 1 + one["step"] / longest, one) for one in steps]


def _percent(value: float | None) -> str:
    return "-" if value is None or value != value else f"{100 * value:.1f}"


def _number(value: float | None) -> str:
    return "-" if value is None or value != value else f"{value:.3f}"


def _word(value: bool) -> str:
    return str(value).lower()
