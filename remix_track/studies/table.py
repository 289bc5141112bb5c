"""`table.md`: a study's cells as rows, what was not run among them."""

import math
from collections.abc import Sequence
from pathlib import Path

from remix_track.studies.summary import CellResults, Spread, StudyResults, seed_noise
from remix_track.text_files import write_text

TABLE = "table.md"


def write_table(root: Path, found: Sequence[StudyResults], command: str, drawn: Sequence[str] = ()) -> None:
    """Write `table.md` for all studies; the ones in `drawn` have a picture, `NAME.png`, beside it."""
    lines = [f"`{command}`", "", *_explanation(found)]
    for one in found:
        lines += study_lines(one)
        lines += [f"![{one.study.title}]({one.study.name}.png)", ""] if one.study.name in drawn else []
    write_text(root / TABLE, "\n".join(lines))


def study_lines(found: StudyResults) -> list[str]:
    """A heading and the table of one study."""
    study = found.study
    heads = ["cell", "what differs", "Rank-1", "mAP", *(["jitter of mAP"] if study.jitter else [])]
    heads += ["identities found", "purity", "completeness", "minutes", "seeds run"]
    lines = [f"## {study.title}", "", *([study.note, ""] if study.note else [])]
    base = ", ".join(f"`{change}`" for change in study.base)
    lines += [f"All its cells have {base}.", ""] if base else []
    lines += ["| " + " | ".join(heads) + " |", "| --- | --- |" + " ---: |" * (len(heads) - 2)]
    lines += ["| " + " | ".join(_row(one, jitter=study.jitter)) + " |" for one in found.cells]
    failed = [
        f"- {one.cell.name}, seed {seed}: {_one_line(why)}"
        for one in found.cells
        for seed, why in one.missing.items()
        if why.startswith("failed")
    ]
    shared = [line for one in found.pretrainings for line in _pretraining_lines(one)]
    return [*lines, "", *failed, *([""] if failed else []), *shared, *([""] if shared else [])]


def _pretraining_lines(one: CellResults) -> list[str]:
    """A line for each seed of a pre-training that cells share."""
    lines = []
    for seed in one.seeds:
        result = one.results.get(seed)
        if result is None:
            lines.append(f"- Shared pre-training, seed {seed}: {_one_line(one.missing[seed])}.")
            continue
        said = f"{result.seconds / 60:.1f} minutes"
        if result.probe_rank1:
            best = max(result.probe_rank1)
            kept, last = result.probe_steps[result.probe_rank1.index(best)], result.probe_steps[-1]
            said = f"Rank-1 of the probe {100 * result.probe_rank1[0]:.1f} at the start, {100 * best:.1f} after "
            said += f"{kept:,} of {last:,} steps, {result.seconds / 60:.1f} minutes"
        lines.append(f"- Shared pre-training, seed {seed}: {said}.")
    return lines


def _explanation(found: Sequence[StudyResults]) -> list[str]:
    lines = [
        "Rank-1 and mAP in percent on the target, mean ± standard deviation over seeds; no ± where one seed was run. "
        "Identities found, their purity and completeness are those of the last epoch's pseudo labels. Minutes are by "
        "the clock, repeated parts of stopped runs included."
    ]
    if any(one.study.jitter for one in found):
        lines[0] += " Jitter: mean absolute change of mAP from epoch to epoch in the second half of a run."
    noise, cells = seed_noise(found)
    if cells:
        lines += ["", f"Over seeds, mAP has a standard deviation of {100 * noise:.1f} (pooled over {cells} cells): "]
        lines[-1] += f"two single runs differ by more than {100 * 2 * math.sqrt(2) * noise:.1f} by chance in about one "
        lines[-1] += "case of twenty"
        runs = {len(cell.results) for one in found for cell in one.cells if len(cell.results) > 1}
        for count in sorted(runs):
            lines[-1] += f", means of {count} runs by more than {100 * 2 * math.sqrt(2 / count) * noise:.1f}"
        lines[-1] += "."
    revisions = {run.revision for one in found for cell in one.cells for run in cell.results.values()} - {""}
    lines += ["", f"Trained by revision {', '.join(sorted(revisions))}."] if revisions else []
    return [*lines, ""]


def _row(one: CellResults, *, jitter: bool) -> list[str]:
    changes = ", ".join(f"`{change}`" for change in one.cell.changes) or "-"
    run = f"{len(one.results)} of {len(one.seeds)}"
    if not one.results:
        why = "failed" if any(text.startswith("failed") for text in one.missing.values()) else "not run"
        numbers = [f"**{why}**", f"**{why}**", *["-"] * (5 if jitter else 4)]
        return [one.cell.name, changes, *numbers, run]
    numbers = [_percent(one.spread("rank1")), _percent(one.spread("map"))]
    numbers += [_percent(one.spread("jitter"), 2)] if jitter else []
    numbers += [_plain(one.spread("clusters"), 0), _percent(one.spread("purity")), _percent(one.spread("completeness"))]
    return [one.cell.name, changes, *numbers, _plain(one.spread("minutes"), 1), run]


def _percent(spread: Spread, digits: int = 1) -> str:
    return _plain(Spread(100 * spread.mean, 100 * spread.std), digits)


def _plain(spread: Spread, digits: int) -> str:
    if math.isnan(spread.mean):
        return "-"
    return f"{spread.mean:.{digits}f}" + ("" if math.isnan(spread.std) else f" ± {spread.std:.{digits}f}")


def _one_line(text: str) -> str:
    return text.replace("|", "/").replace("`", "'")[:300]
