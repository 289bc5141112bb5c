"""`remix-track tune --data ROOT`: the tracker's settings chosen for one's own clips, and tried on others."""

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from remix_track import settings as settings_
from remix_track.cli.eval_flags import benchmark_of
from remix_track.cli.flags_from_settings import Parser, add_sections, collect_sections
from remix_track.cli.terminal import say, show, show_table
from remix_track.errors import InputError
from remix_track.output_files import reserve_existing_folder, reserve_numbered_folder
from remix_track.setting_values import Limits, typed
from remix_track.text_files import write_text
from remix_track.trackers.settings import TrackSettings
from remix_track.tuning.search import Trial, search
from remix_track.tuning.space import Parameter, as_sections, space

if TYPE_CHECKING:
    from remix_track.eval.evaluation import Evaluation
    from remix_track.eval.files.sequences import Found

DEFAULT_OUTPUT = Path("runs/tune")
AGREEMENT = "agreement"
CRITERIA = ("IDF1", "HOTA", "MOTA", AGREEMENT)
_STORAGE = "trials.sqlite"
_STANDS = 0.5
"""Rank correlation from which on the agreement may choose in the place of IDF1."""


def run(words: Sequence[str]) -> int:
    """Search, try the best on what was held out, write the settings; 0."""
    arguments = parser().parse_args(words)
    typed(arguments.trials, int, "--trials", Limits(low=2))
    base = collect_sections(arguments, TrackSettings)
    if base.association.tracker != "remix":
        raise InputError("--tracker deep-sort has its published settings; leave it out to tune remix")
    tuned_on, held_out = _clips(arguments)
    folder = _folder(arguments)
    clips = Clips(arguments, base, folder / "cache")
    parameters = space(appearance=base.appearance.weights != "none")
    best, trials = _search(arguments, clips, parameters, tuned_on, folder)
    chosen = as_sections(_changed(best.values, parameters), parameters)
    _write(folder / "tuned.toml", chosen, best, arguments.criterion)
    _say_agreement(trials)
    for title, found in (("tuned on", tuned_on), ("held out", held_out)):
        if found is not None and all(sequence.gt.is_file() for sequence in found.sequences):
            _show_both(title, clips, chosen, found, arguments.criterion)
    if held_out is None:
        show("no clip was held out, so nothing says how these settings do on other footage")
    show(f"settings: {folder / 'tuned.toml'}    try: remix-track video.mp4 --config {folder / 'tuned.toml'}")
    return 0


class Clips:
    """Tracks clips with given settings and measures what comes out."""

    def __init__(self, arguments: argparse.Namespace, base: TrackSettings, cache: Path) -> None:
        self._arguments, self._base, self._cache = arguments, base, cache

    def evaluate(self, found: "Found", sections: Mapping[str, Mapping[str, Any]]) -> "Evaluation":
        """The scores of these clips with these settings."""
        with tempfile.TemporaryDirectory(prefix="remix-track-tune-") as folder:
            return self._score(found, self._track(found, sections, Path(folder) / "forwards"))

    def measure(self, found: "Found", sections: Mapping[str, Mapping[str, Any]], *, agrees: bool) -> dict[str, float]:
        """What a trial is judged by: the scores where there are labels, and how far both directions agree."""
        with tempfile.TemporaryDirectory(prefix="remix-track-tune-") as name:
            folder = Path(name)
            forwards = self._track(found, sections, folder / "forwards")
            numbers: dict[str, float] = {}
            if all(sequence.gt.is_file() for sequence in found.sequences):
                combined = self._score(found, forwards).tables["COMBINED"]
                numbers = {metric: float(combined[metric]) for metric in CRITERIA if metric in combined}
            if agrees:
                backwards = self._track(found, sections, folder / "backwards", backwards=True)
                numbers[AGREEMENT] = self._agreement(found, forwards, backwards)
            return numbers

    def _track(
        self, found: "Found", sections: Mapping[str, Mapping[str, Any]], folder: Path, *, backwards: bool = False
    ) -> Path:
        from remix_track.benchmark_runs import track_benchmark

        made = self._base
        for section, values in sections.items():
            made = replace(made, **{section: replace(getattr(made, section), **values)})
        own = self._arguments.data is not None
        return track_benchmark(
            found, made, own_classes=own, cache=self._cache, output=folder, at_once=1, backwards=backwards
        )

    def _score(self, found: "Found", results: Path) -> "Evaluation":
        from remix_track.eval.benchmarks import PROTOCOLS
        from remix_track.eval.evaluation import evaluate_files
        from remix_track.eval.files.result_files import find_results

        rules, _ = benchmark_of(self._arguments)
        return evaluate_files(found, find_results(results, found.sequences), rules, PROTOCOLS["devkit"])

    def _agreement(self, found: "Found", forwards: Path, backwards: Path) -> float:
        """The mean over clips, by their lengths."""
        from remix_track import mot_text
        from remix_track.eval.metrics.agreement import agreement

        total = 0.0
        for one in found.sequences:
            name = f"{one.name}.txt"
            back = mot_text.read(backwards / name)
            given = mot_text.read(forwards / "detections" / name)
            sure = int((given.score >= TrackSettings().tracker.min_confidence).sum())
            turned = replace(back, frame=one.frames + 1 - back.frame)
            total += one.frames * agreement(mot_text.read(forwards / name), turned, one.frames, sure)
        return total / sum(one.frames for one in found.sequences)


def _clips(arguments: argparse.Namespace) -> "tuple[Found, Found | None]":
    """The clips to tune on, and those that are held out."""
    from remix_track.eval.files.sequences import choose_sequences, default_root, find_sequences

    rules, root = benchmark_of(arguments)
    labelled = arguments.criterion != AGREEMENT
    found = find_sequences(root or default_root(rules), rules, truth=labelled)
    chosen = choose_sequences(found, [*arguments.sequences, *arguments.held_out] if arguments.sequences else [])
    if not arguments.held_out:
        return chosen, None
    held_out = choose_sequences(found, arguments.held_out)
    names = {one.name for one in held_out.sequences}
    rest = tuple(one for one in chosen.sequences if one.name not in names)
    if not rest:
        raise InputError("--held-out names every clip, so none is left to tune on")
    return replace(chosen, sequences=rest), held_out


def _folder(arguments: argparse.Namespace) -> Path:
    if arguments.output is None:
        return reserve_numbered_folder(DEFAULT_OUTPUT.parent, DEFAULT_OUTPUT.name)
    if arguments.output.exists() and not (arguments.output / _STORAGE).is_file() and any(arguments.output.iterdir()):
        raise InputError(f"{arguments.output}: there is something already, and no search to go on with")
    arguments.output.mkdir(parents=True, exist_ok=True)
    return reserve_existing_folder(arguments.output)


def _search(
    arguments: argparse.Namespace, clips: Clips, parameters: Sequence[Parameter], found: "Found", folder: Path
) -> tuple[Trial, list[Trial]]:
    agrees = arguments.agreement or arguments.criterion == AGREEMENT

    def on_trial(trial: Trial) -> None:
        if not arguments.quiet:
            numbers = ", ".join(f"{name} {value:.2f}" for name, value in trial.numbers.items())
            say(f"trial {trial.number + 1} of {arguments.trials}: {numbers}{' (the defaults)' * (trial.number == 0)}")

    trials = search(
        lambda values: clips.measure(found, as_sections(values, parameters), agrees=agrees),
        parameters,
        arguments.criterion,
        trials=arguments.trials,
        storage=folder / _STORAGE,
        facts={"clips": [str(one.folder.resolve()) for one in found.sequences], "agreement": agrees},
        seed=arguments.seed,
        on_trial=on_trial,
    )
    return max(trials, key=lambda one: one.score), trials


def _changed(values: Mapping[str, Any], parameters: Sequence[Parameter]) -> dict[str, Any]:
    """What differs from the defaults."""
    defaults = {one.key: one.default for one in parameters}
    return {key: value for key, value in values.items() if value != defaults[key]}


def _write(path: Path, sections: Mapping[str, Mapping[str, Any]], best: Trial, criterion: str) -> None:
    """The settings file, with what it was chosen by."""
    import tomlkit

    document = tomlkit.document()
    document.add(tomlkit.comment(f"remix-track tune, trial {best.number + 1}: {criterion} {best.score:.2f}"))
    for name, values in sections.items():
        document[name] = dict(values)
    text = tomlkit.dumps(document)
    settings_.build(TrackSettings, dict(tomlkit.parse(text).unwrap()), str(path))  # it can be read again
    write_text(path, text)


def _say_agreement(trials: Sequence[Trial]) -> None:
    """How well the two directions' agreement stands for IDF1 on these clips."""
    from scipy.stats import spearmanr

    pairs = [(one.numbers[AGREEMENT], one.numbers["IDF1"]) for one in trials if {AGREEMENT, "IDF1"} <= set(one.numbers)]
    if len(pairs) > 2:
        rank = float(spearmanr(*zip(*pairs, strict=True)).statistic)
        stands = "" if rank >= _STANDS else ": on these clips it does not stand for IDF1"
        show(f"agreement of both directions, IDF1, {len(pairs)} trials: rank correlation {rank:.2f}{stands}")


def _show_both(
    title: str, clips: Clips, sections: Mapping[str, Mapping[str, Any]], found: "Found", criterion: str
) -> None:
    """Defaults and tuned settings side by side, and whether the tuned ones are better."""
    from remix_track.eval.report import several
    from remix_track.eval.several import compare_trackers

    evaluations = {"defaults": clips.evaluate(found, {}), "tuned": clips.evaluate(found, sections)}
    compared = compare_trackers(evaluations)
    show(f"{title}:")
    show_table(several.to_table(compared.tables, 120), 120)
    for line in several.difference_lines(compared.tables, compared.differences):
        show(line)
    metric = "IDF1" if criterion == AGREEMENT else criterion
    before, after = (table["COMBINED"][metric] for table in compared.tables.values())
    better = "better" if after > before else "NOT better: keep the defaults"
    show(f"{title}: {metric} {before:.2f} -> {after:.2f}, {better}")


def parser() -> Parser:
    """The flags of the tuning."""
    from remix_track.eval.benchmarks import PRESETS

    made = Parser(
        prog="remix-track tune",
        usage="remix-track tune --data ROOT --held-out CLIP [CLIP ...] [options]",
        description="Choose the tracker's settings for your own clips; detections and vectors are computed once.",
    )
    which = made.add_argument_group("clips (one of these)")
    for name in [name for name in PRESETS if name != "data"]:
        which.add_argument(f"--{name}", nargs="?", const="", metavar="ROOT", help="the download, or a part of it")
    which.add_argument("--data", metavar="ROOT", help="your own: ROOT/CLIP with images or det/det.txt, and gt/gt.txt")
    add = made.add_argument
    add("--sequences", nargs="+", default=[], metavar="NAME", help="tune on these alone: names or globs")
    add("--held-out", nargs="+", default=[], metavar="NAME", help="clips that the outcome is tried on, not tuned on")
    add(
        "--criterion", choices=CRITERIA, default="IDF1",
        help="what is to be large; agreement needs no labels: that of a run forwards and one backwards (default: IDF1)",
    )  # fmt: skip
    add("--agreement", action="store_true", help="measure the agreement too, and how it goes with IDF1")
    add("--trials", type=int, default=40, metavar="N", help="settings that are tried, the defaults first (default: 40)")
    add("--seed", type=int, default=0, metavar="N", help="of what is tried (default: 0)")
    add("--output", type=Path, metavar="DIR", help="default: runs/tune, numbered; an earlier one goes on")
    add("--quiet", action="store_true", help="no line for each trial")
    add_sections(made, TrackSettings, skip={"drawing", "crops", "stream", "offline"})
    return made
