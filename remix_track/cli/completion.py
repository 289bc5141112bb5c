"""`remix-track completion bash`: a script by which a shell completes commands, flags and choices.

The script is made from the parsers and holds all words itself, so that nothing of Python starts when Tab is pressed.
"""

import argparse
import re
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from typing import NamedTuple

from remix_track.cli.commands import REMIX_TRACK, REMIX_TRAIN, Command
from remix_track.cli.flags_from_settings import Parser
from remix_track.cli.habits import EVAL, TRACK, Habit, Ours
from remix_track.cli.terminal import show_text

_OWN = {"remix-track": Command("track", "", ""), "remix-train": Command("train", "", "")}
"""What each program does without a command."""

_HABITS = {"track": TRACK, "eval": EVAL}


class Flag(NamedTuple):
    """A flag of a command: its spellings, the words that may follow it, and its help."""

    names: tuple[str, ...]
    choices: tuple[str, ...]
    about: str


Programs = Mapping[str, Mapping[str, Sequence[Flag]]]
"""By program and command; the command "" is the program without one."""


def run(words: Sequence[str]) -> int:
    """Print the script; 0."""
    arguments = parser().parse_args(words)
    show_text(SHELLS[arguments.shell](_programs()))
    return 0


def _programs() -> Programs:
    tables = {"remix-track": REMIX_TRACK, "remix-train": REMIX_TRAIN}
    return {
        program: {name: _flags(command) for name, command in {"": _OWN[program], **commands}.items()}
        for program, commands in tables.items()
    }


def _flags(command: Command) -> list[Flag]:
    module = import_module(f"remix_track.cli.{command.module}")
    made = getattr(module, "parser", None) or module._parser
    return [*_own_flags(made()), *_aliases(_HABITS.get(command.module, {}))]


def _aliases(habits: Mapping[str, Habit]) -> list[Flag]:
    """Flags of other tools in whose place ours stand."""
    taken = {name: habit for name, habit in habits.items() if isinstance(habit, Ours)}
    return [Flag((name,), (), f"as {' '.join(habit.words) or 'a source'}") for name, habit in taken.items()]


def _own_flags(made: argparse.ArgumentParser) -> list[Flag]:
    return [
        Flag(tuple(action.option_strings), _choices(action), (action.help or "").partition("\n")[0])
        for action in made._actions
        if action.option_strings
    ]


def _choices(action: argparse.Action) -> tuple[str, ...]:
    """Those of argparse, or those that a flag made from settings shows in braces."""
    if action.choices:
        return tuple(map(str, action.choices))
    shown = re.fullmatch(r"\{(.+)\}", action.metavar if isinstance(action.metavar, str) else "")
    return tuple(shown[1].split(",")) if shown else ()


def bash(programs: Programs) -> str:
    """The script for bash; where it has no answer, files are completed."""
    return "\n".join(line for program, commands in programs.items() for line in _bash(program, commands))


def zsh(programs: Programs) -> str:
    """The same for zsh, which runs scripts of bash."""
    return f"autoload -U +X compinit bashcompinit && compinit && bashcompinit\n{bash(programs)}"


def fish(programs: Programs) -> str:
    """The script for fish."""
    return "\n".join(line for program, commands in programs.items() for line in _fish(program, commands))


SHELLS = {"bash": bash, "zsh": zsh, "fish": fish}


def _bash(program: str, commands: Mapping[str, Sequence[Flag]]) -> Iterator[str]:
    function, named = f"_{program.replace('-', '_')}", [name for name in commands if name]
    yield f"{function}() {{"
    yield '    local word="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}" command="" words=""'
    yield f'    case "${{COMP_WORDS[1]}}" in {"|".join(named)}) command="${{COMP_WORDS[1]}}" ;; esac'
    yield '    case "$command $before" in'
    for name, flags in commands.items():
        for flag in flags:
            if flag.choices:
                forms = "|".join(f'"{name} {one}"' for one in flag.names)
                yield f'        {forms}) COMPREPLY=($(compgen -W "{" ".join(flag.choices)}" -- "$word")); return ;;'
    yield "    esac"
    yield '    case "$command" in'
    for name, flags in commands.items():
        yield f'        "{name}") words="{" ".join(one for flag in flags for one in flag.names)}" ;;'
    yield "    esac"
    yield f'    if [[ $COMP_CWORD == 1 && $word != -* ]]; then words="{" ".join(named)}"'
    yield '    elif [[ $word != -* ]]; then words=""; fi'
    yield '    COMPREPLY=($(compgen -W "$words" -- "$word"))'
    yield "}"
    yield f"complete -o bashdefault -o default -F {function} {program}"


def _fish(program: str, commands: Mapping[str, Sequence[Flag]]) -> Iterator[str]:
    named = " ".join(name for name in commands if name)
    yield f"complete -c {program} -n __fish_use_subcommand -a '{named}'"
    for name, flags in commands.items():
        where = f"__fish_seen_subcommand_from {name}" if name else f"not __fish_seen_subcommand_from {named}"
        for flag in flags:
            spelled = " ".join(f"-l {one[2:]}" if one.startswith("--") else f"-s {one[1:]}" for one in flag.names)
            choices = f" -x -a '{' '.join(flag.choices)}'" if flag.choices else ""
            yield f"complete -c {program} -n '{where}' {spelled}{choices}{_fish_about(flag.about)}"


def _fish_about(text: str) -> str:
    shown = "" if text == argparse.SUPPRESS else text.replace("%%", "%").replace("\\", "").replace("'", "\\'")
    return f" -d '{shown}'" if shown else ""


def parser() -> argparse.ArgumentParser:
    """The shell."""
    made = Parser(prog="remix-track completion", description="A script by which a shell completes both programs.")
    made.epilog = (
        "bash and zsh: put source <(remix-track completion bash) into ~/.bashrc, with zsh for ~/.zshrc. fish: "
        "remix-track completion fish > ~/.config/fish/completions/remix-track.fish"
    )
    made.add_argument("shell", choices=SHELLS, help="that runs the script")
    return made
