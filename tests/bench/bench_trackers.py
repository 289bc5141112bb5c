"""Our tracker beside its peers on the same boxes and the same vectors: HOTA and ranks on every clip at hand.

    python -m tests.bench.bench_trackers DATA CACHE [--boxmot PYTHON] [--roboflow PYTHON] [--ultralytics PYTHON] \
        [--yolo yolo11n.pt --osnet osnet_x0_25_msmt17.onnx] [--streets FOLDER] [--set NAME=VALUE ...]

Run from the project's folder. `DATA` has mot17/train, mot15, sportsmot, pets09-s2l1 and real; what is not there is left
out. What YOLO and the encoders see in the clips is computed once and kept in `CACHE`, as are the peers' results.

The first table is motion only: public boxes of MOT17 and MOT15, and SportsMOT with the truth's boxes at score 0.95.
The second, with `--yolo` and `--osnet`, is what a video gives: YOLO's boxes at 768 pixels and OSNet's vectors for all
(a row of ours has the shipped weights). The third, with `--streets`, are the drawn streets of `bench_remix draw`.
TrackEval counts.
Peers are interpreters with `boxmot==25.*`, `trackers==2.6.*` or `ultralytics` and `lap`; without one its rows are left
out. BoxMOT and ultralytics run with the settings of their own files, roboflow's with its defaults; frame rates are
given to those who ask for one. `--set` adds a row of ours with settings changed, of which `mean HOTA` and `furthest
behind` say whether they pay: settings are never judged by one clip.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.bench.on_boxes.clips import Clip, Networks, drawn_clips, groups, picture_clips, text_clips
from tests.bench.on_boxes.contestants import contestants, run
from tests.bench.on_boxes.table import Numbers, details, judged, markdown

ENVIRONMENTS = ("boxmot", "roboflow", "ultralytics")


def compare(
    clips: Sequence[Clip], appearance: str | None, changes: Mapping[str, Any], pythons: Mapping[str, Path], cache: Path
) -> dict[str, dict[str, Numbers]]:
    """The numbers of every tracker on every clip, and on every data set together (`all of ...`)."""
    scores: dict[str, dict[str, Numbers]] = {}
    for who in contestants(appearance, changes, list(pythons)):
        held = scores.setdefault(who.name, {})
        for group, members in groups(clips).items():
            if who.appearance == "default" and group == "streets":
                continue  # drawn streets carry OSNet's vectors only
            found = judged(members, run(who, members, pythons, cache / "results"))
            held[f"all of {group}"] = found.pop("COMBINED")
            held |= found
        print(f"{who.name}: done", flush=True)
    return scores


def show(title: str, clips: Sequence[Clip], scores: Mapping[str, Mapping[str, Numbers]]) -> None:
    """Print the tables of the trackers that were on all of these clips."""
    everywhere = {name: found for name, found in scores.items() if all(clip.name in found for clip in clips)}
    names = [clip.name for clip in clips]
    sets = [f"all of {group}" for group, members in groups(clips).items() if len(members) > 1]
    print(f"\n{title}: HOTA (rank)\n\n{markdown(everywhere, names)}\n")
    if sets:
        print(f"{markdown(everywhere, sets)}\n")
    print(f"HOTA / MOTA / IDF1 / IDsw\n\n{details(everywhere, [*sets, *names])}\n", flush=True)


def keep(scores: Mapping[str, Mapping[str, Numbers]], output: Path) -> None:
    """All numbers, for later."""
    output.write_text(json.dumps(scores, indent=1))


def changes_of(words: Sequence[str]) -> dict[str, Any]:
    """Settings by name from words NAME=VALUE."""
    pairs = dict(word.split("=", 1) for word in words)
    return {name: _value(text) for name, text in pairs.items()}


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("data", type=Path, help="folder with mot17/train, mot15, sportsmot, pets09-s2l1, real")
    add("cache", type=Path, help="keeps what is seen in the clips, and the peers' results")
    for name in ENVIRONMENTS:
        add(f"--{name}", type=Path, default=None, metavar="PYTHON", help="interpreter of an environment that has it")
    add("--yolo", type=Path, default=None, help="YOLO weights, .pt")
    add("--osnet", type=Path, default=None, help="OSNet x0.25 of MSMT17, .onnx")
    add("--streets", type=Path, default=None, help="folder that `bench_remix draw` has filled")
    add("--set", nargs="+", default=[], metavar="NAME=VALUE", help="settings of another row of ours")
    add("--only", choices=["text", "pictures"], default=None)
    options = parser.parse_args()
    given = {name: getattr(options, name) for name in ENVIRONMENTS}
    for name, python in given.items():
        if python is None or not python.is_file():
            print(f"{name}: no interpreter ({python}), its trackers are left out")
    pythons = {name: python for name, python in given.items() if python is not None and python.is_file()}
    data, cache, changes = options.data.resolve(), options.cache.resolve(), changes_of(options.set)
    (cache / "clips").mkdir(parents=True, exist_ok=True)
    if options.only != "pictures":
        clips = list(text_clips(data, cache))
        scores = compare(clips, None, changes, pythons, cache)
        show("Motion only", clips, scores)
        keep(scores, cache / "motion.json")
    if options.only != "text" and options.yolo and options.osnet:
        networks = Networks(options.yolo.resolve(), {"default": "default", "osnet": str(options.osnet.resolve())})
        clips = list(picture_clips(data, cache, networks))
        drawn = list(drawn_clips(options.streets.resolve(), cache)) if options.streets else []
        scores = compare([*clips, *drawn], "osnet", changes, pythons, cache)
        show("YOLO's boxes", clips, scores)
        if drawn:
            show("Drawn streets", drawn, scores)
        keep(scores, cache / "pictures.json")


if __name__ == "__main__":
    main()
