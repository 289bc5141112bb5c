"""Settings: what a TOML file, a flag or a keyword may say, and what is said when it may not."""

import tomllib
from dataclasses import dataclass, field
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remix_track import settings
from remix_track.cli.flags import Parser, add_sections, collect_sections
from remix_track.errors import InputError
from remix_track.settings_text import to_toml
from remix_track.text_files import utf8


@dataclass(frozen=True, slots=True)
class Engine:
    power: float = field(default=1.5, metadata={"help": "how strong"})
    gears: int | None = field(default=5, metadata={"help": "how many"})
    fuel: Literal["petrol", "diesel"] = field(default="petrol", metadata={"help": "which"})
    names: tuple[str, ...] = field(default=(), metadata={"help": "what it is called"})
    turbo: bool = field(default=False, metadata={"help": "faster"})

    def __post_init__(self):
        if self.power <= 0:
            raise InputError(f"power = {self.power} is not above 0")


@dataclass(frozen=True, slots=True)
class Car:
    engine: Engine = field(default_factory=Engine)


def from_words(*words: str) -> Car:
    parser = Parser(prog="car")
    add_sections(parser, Car)
    return collect_sections(parser.parse_args(words), Car)


def test_a_file_says_only_what_differs(tmp_path):
    path = tmp_path / "car.toml"
    path.write_text("[engine]\npower = 2\nnames = ['a', 'b']\n")
    car = settings.build(Car, settings.read_toml(path), str(path))
    assert car.engine == Engine(power=2.0, names=("a", "b"))
    assert isinstance(car.engine.power, float)


def test_a_list_of_texts_may_hold_whole_numbers():
    assert settings.build(Engine, {"names": [0, "b", 7]}, "x").names == ("0", "b", "7")
    for wrong in ([0.5], [True], [None], "a", 0):
        with pytest.raises(InputError, match=r"does not fit; expected (str|a list)"):
            settings.build(Engine, {"names": wrong}, "x")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[engine]\npwoer = 2", "car.toml: [engine]: unknown key 'pwoer'; did you mean 'power'?"),
        ("[motor]\npower = 2", "car.toml: unknown key 'motor'; did you mean 'engine'?"),
        ("engine = 3", "car.toml: engine is a section, not 3; write [engine] and its keys below"),
        ("[engine]\ngears = 2.5", "car.toml: [engine]: gears = 2.5 does not fit; expected int or none"),
        ("[engine]\ngears = true", "car.toml: [engine]: gears = True does not fit; expected int or none"),
        ("[engine]\nfuel = 'coal'", "car.toml: [engine]: fuel = 'coal' does not fit; expected 'petrol' or 'diesel'"),
        ("[engine]\npower = -1", "car.toml: [engine]: power = -1.0 is not above 0"),
    ],
)
def test_what_a_file_says_wrong_is_named(tmp_path, text, message):
    path = tmp_path / "car.toml"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        settings.build(Car, settings.read_toml(path), "car.toml")
    assert str(caught.value) == message


def test_a_file_that_is_no_toml_or_not_there(tmp_path):
    with pytest.raises(InputError, match=r"nowhere.toml: cannot be read \(No such file or directory\)"):
        settings.read_toml(tmp_path / "nowhere.toml")
    (tmp_path / "x.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match=r"x.toml: cannot be read as TOML"):
        settings.read_toml(tmp_path / "x.toml")


def test_flags_have_the_types_of_the_settings():
    car = from_words("--power", "3", "--gears", "none", "--fuel", "diesel", "--names", "a,b", "c", "--turbo")
    assert car.engine == Engine(power=3.0, gears=None, fuel="diesel", names=("a", "b", "c"), turbo=True)


def test_flags_win_over_the_file(tmp_path):
    path = tmp_path / "car.toml"
    path.write_text("[engine]\npower = 2\ngears = 3\nturbo = true\n")
    car = from_words("--config", str(path), "--power", "4", "--no-turbo")
    assert car.engine == Engine(power=4.0, gears=3, turbo=False)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--gears", "many"], "--gears = 'many' does not fit; expected int or none"),
        (["--power", "0"], "--power: power = 0.0 is not above 0"),
        (["--powr", "1"], "unrecognized arguments: --powr 1; see car --help"),
    ],
)
def test_a_wrong_flag_gets_one_line(words, message):
    with pytest.raises(InputError) as caught:
        from_words(*words)
    assert str(caught.value) == message


@given(names=st.lists(st.text(), max_size=3), power=st.floats(min_value=1e-300, allow_infinity=False))
def test_any_text_and_number_comes_back_from_a_settings_file(names, power):
    found = tomllib.loads(to_toml(Car(Engine(names=tuple(names), power=power))))["engine"]
    # Letters that UTF-8 has none for are written out.
    assert (found["names"], found["power"]) == ([utf8(name) for name in names], power)


def test_each_key_of_a_settings_file_has_its_comment_in_a_column():
    lines = ("power = 1.5", "# gears = none", 'fuel = "petrol"', 'names = ["a", "b"]', "turbo = true")
    comments = ("how strong", "how many", "which", "what it is called", "faster")
    written = "".join(f"{line:<42}# {comment}\n" for line, comment in zip(lines, comments, strict=True))
    assert to_toml(Car(Engine(gears=None, names=("a", "b"), turbo=True))) == f"[engine]\n{written}"
