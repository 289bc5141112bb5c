"""The search: Optuna proposes settings, a function scores them; every trial is kept, so that a search goes on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from remix_track.errors import InputError
from remix_track.extras import extra
from remix_track.json_text import json_text
from remix_track.tuning.space import Parameter

_NAME = "remix-track"
_STARTUP = 10


@dataclass(frozen=True, slots=True)
class Trial:
    """What was tried, and what came of it.

    Attributes:
        number: from 0, which are the defaults.
        values: by key.
        score: of the criterion; larger is better.
        numbers: everything that was measured.
    """

    number: int
    values: Mapping[str, Any]
    score: float
    numbers: Mapping[str, float]


Objective = Callable[[Mapping[str, Any]], Mapping[str, float]]
"""Values by key -> what is measured with them, the criterion among it."""


def search(
    objective: Objective,
    parameters: Sequence[Parameter],
    criterion: str,
    *,
    trials: int,
    storage: Path,
    facts: Mapping[str, Any],
    seed: int = 0,
    on_trial: Callable[[Trial], None] = lambda _: None,
) -> list[Trial]:
    """Try settings until there are `trials` of them, the defaults first.

    Args:
        objective: scores settings.
        parameters: what is tried.
        criterion: which of the numbers is to be large.
        trials: that there are at the end, with those of an earlier search in the same file.
        storage: SQLite file of Optuna's, made where it is not there.
        facts: what the scores hang on besides; a search goes on only where they are the same.
        seed: of the proposals.
        on_trial: called after each.

    Returns:
        All trials that were completed, in order.

    Raises:
        InputError: the file is of another search, or none of Optuna's; no Optuna.
    """
    optuna = extra("optuna", "tune", "remix-track tune")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = _study(optuna, storage, {**facts, "criterion": criterion}, seed)
    study.enqueue_trial({one.key: one.default for one in parameters}, skip_if_exists=True)

    def scored(trial: Any) -> float:
        values = {one.key: _proposed(trial, one) for one in parameters}
        numbers = objective(values)
        for name, value in numbers.items():
            trial.set_user_attr(name, value)
        return float(numbers[criterion])

    while len(found := _completed(study)) < trials:
        study.optimize(scored, n_trials=1)
        on_trial(_completed(study)[-1])
    return found


def _study(optuna: Any, storage: Path, facts: Mapping[str, Any], seed: int) -> Any:
    text = json_text(facts)
    try:
        kept = optuna.storages.RDBStorage(f"sqlite:///{storage}")
        study = optuna.create_study(storage=kept, study_name=_NAME, direction="maximize", load_if_exists=True)
    except Exception as error:
        raise InputError(
            f"{storage}: not a search of remix-track ({type(error).__name__}); give another `output`"
        ) from None
    if study.user_attrs.get("facts", text) != text:
        raise InputError(f"{storage}: a search over other clips or settings; give another `output`")
    study.set_user_attr("facts", text)
    # A search that goes on must not propose again what the first one began with.
    study.sampler = optuna.samplers.TPESampler(seed=seed + len(study.trials), n_startup_trials=_STARTUP)
    return study


def _proposed(trial: Any, one: Parameter) -> Any:
    draw = trial.suggest_int if one.whole else trial.suggest_float
    return draw(one.key, one.low, one.high, log=one.log)


def _completed(study: Any) -> list[Trial]:
    return [
        Trial(one.number, one.params, one.value, one.user_attrs)
        for one in study.get_trials(deepcopy=False)
        if one.state.name == "COMPLETE"
    ]
