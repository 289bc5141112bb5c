"""Settings: what a TOML file, a flag or a keyword may say, and what is said when it may not."""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from remix_track import settings
from remix_track.cli.flags_from_settings import Parser, add_sections, collect_sections
from remix_track.errors import InputError
from remix_track.settings import check, setting
from remix_track.settings_text import to_toml
from remix_track.text_files import utf8


@dataclass(frozen=True, slots=True)
class Engine:
    """What moves it."""

    power: float = setting(1.5, "how strong", above=0, common=True)
    gears: int | None = setting(5, "how many", low=1, high=10)
    fuel: Literal["petrol", "diesel"] = setting("petrol", "which")
    names: tuple[str, ...] = setting((), "what it is called")
    turbo: bool = setting(False, "faster")
    rates: tuple[float, ...] = setting((), "from one gear to the next", above=0, lengths=(0, 2), flag=False)
    seats: int | Literal["many"] = setting(0, "where to sit", low=2, high=9, besides=0)

    def __post_init__(self):
        check(self)
        if self.fuel == "diesel" and self.gears == 1:
            raise InputError("diesel needs gears")


@dataclass(frozen=True, slots=True)
class Car:
    engine: Engine = field(default_factory=Engine)

    def __post_init__(self):
        check(self)


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
        with pytest.raises(InputError, match=r"= .*; expected (text|a list of texts)"):
            settings.build(Engine, {"names": wrong}, "x")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[engine]\npwoer = 2", "car.toml: [engine]: unknown key 'pwoer'; did you mean 'power'?"),
        ("[motor]\npower = 2", "car.toml: unknown key 'motor'; did you mean 'engine'?"),
        ("engine = 3", "car.toml: engine is a section, not 3; write [engine] and its keys below"),
        ("[engine]\ngears = 2.5", "car.toml: [engine]: gears = 2.5; expected a whole number, 1 to 10, or none"),
        ("[engine]\ngears = true", "car.toml: [engine]: gears = True; expected a whole number, 1 to 10, or none"),
        ("[engine]\nfuel = 'coal'", "car.toml: [engine]: fuel = 'coal'; expected 'petrol' or 'diesel'"),
        ("[engine]\npower = -1", "car.toml: [engine]: power = -1.0; expected above 0"),
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
        (["--gears", "many"], "--gears = 'many'; expected a whole number, 1 to 10, or none"),
        (["--power", "0"], "--power = 0.0; expected above 0"),
        (["--fuel", "diesel", "--gears=1"], "--fuel: diesel needs gears"),
        (["--powr", "1"], "unknown flag --powr; did you mean --power? see car --help"),
        (["--powr=1"], "unknown flag --powr; did you mean --power? see car --help"),
        (["--rates", "1"], "--rates: no flag but a key of settings files, [engine] rates; see --config"),
    ],
)
def test_a_wrong_flag_gets_one_line(words, message):
    with pytest.raises(InputError) as caught:
        from_words(*words)
    assert str(caught.value) == message


@hypothesis_settings(deadline=None)
@given(names=st.lists(st.text(), max_size=3), power=st.floats(min_value=1e-300, allow_infinity=False))
def test_any_text_and_number_comes_back_from_a_settings_file(names, power):
    found = tomllib.loads(to_toml(Car(Engine(names=tuple(names), power=power))))["engine"]
    # Letters that UTF-8 has none for are written out.
    assert (found["names"], found["power"]) == ([utf8(name) for name in names], power)


def test_each_key_of_a_settings_file_has_its_comment_in_a_column():
    lines = (
        "power = 1.5", "# gears = none", 'fuel = "petrol"', 'names = ["a", "b"]', "turbo = true", "rates = []",
        "seats = 0",
    )  # fmt: skip
    comments = (
        "how strong", "how many", "which", "what it is called", "faster", "from one gear to the next", "where to sit",
    )  # fmt: skip
    written = "".join(f"{line:<42}# {comment}\n" for line, comment in zip(lines, comments, strict=True))
    assert to_toml(Car(Engine(gears=None, names=("a", "b"), turbo=True))) == f"[engine]\n{written}"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"power": "x"}, "power = 'x'; expected a number, above 0"),
        ({"power": True}, "power = True; expected a number, above 0"),
        ({"power": 0}, "power = 0.0; expected above 0"),
        ({"power": float("nan")}, "power = nan; expected above 0"),
        ({"power": None}, "power = None; expected a number, above 0"),
        ({"gears": 0}, "gears = 0; expected 1 to 10, or none"),
        ({"gears": 11}, "gears = 11; expected 1 to 10, or none"),
        ({"gears": "5"}, "gears = '5'; expected a whole number, 1 to 10, or none"),
        ({"gears": 10**400}, "gears = a number of 1,329 bits; expected a whole number, 1 to 10, or none"),
        ({"fuel": "coal"}, "fuel = 'coal'; expected 'petrol' or 'diesel'"),
        ({"fuel": []}, "fuel = []; expected 'petrol' or 'diesel'"),
        ({"names": "ab"}, "names = 'ab'; expected a list of texts"),
        ({"turbo": 1}, "turbo = 1; expected true or false"),
        ({"rates": [1.0]}, "rates = [1.0]; expected a list of 0 or 2 numbers"),
        ({"rates": [1, 0]}, "rates = 0.0; expected above 0"),
        ({"seats": 1}, "seats = 1; expected 2 to 9, or 0, or 'many'"),
        ({"seats": "few"}, "seats = 'few'; expected a whole number, 2 to 9, or 0, or 'many'"),
    ],
)
def test_a_value_made_by_hand_is_held_against_its_field(values, message):
    with pytest.raises(InputError) as caught:
        Engine(**values)
    assert str(caught.value) == message


def test_values_at_the_ends_of_their_range_fit_and_become_what_is_declared():
    given: dict[str, Any] = {"gears": np.int64(10), "names": ["a", Path("b")], "rates": [1, 2]}
    made = Engine(power=1, seats=0, **given)
    assert made == Engine(1.0, 10, names=("a", "b"), rates=(1.0, 2.0), seats=0)
    assert [type(value) for value in (made.power, made.gears, made.names)] == [float, int, tuple]
    assert Engine(gears=1).gears == 1
    assert (Engine(seats=2).seats, Engine(seats=9).seats, Engine(seats="many").seats) == (2, 9, "many")
    with pytest.raises(InputError, match=r"^engine = 3; expected Engine$"):
        Car(3)  # type: ignore[arg-type]


def test_help_has_the_common_flags_and_help_all_every_one(capsys):
    said = {}
    for word in ("--help", "--help-all"):
        with pytest.raises(SystemExit):
            from_words(word)
        said[word] = " ".join(capsys.readouterr().out.split())
    assert "What moves it ([engine] in a settings file)" in said["--help-all"]
    assert "Settings, also keys of a settings file: --power" in said["--help"]
    assert "--power POWER how strong (above 0; default: 1.5)" in said["--help"]
    assert "--gears" not in said["--help"]
    assert "--gears GEARS how many (1 to 10; default: 5)" in said["--help-all"]
    assert "--fuel {petrol,diesel} which (default: petrol)" in said["--help-all"]
    assert "--rates" not in said["--help-all"]


def test_a_setting_without_a_flag_is_a_key_and_a_keyword(tmp_path):
    path = tmp_path / "car.toml"
    path.write_text("[engine]\nrates = [1, 2]\n")
    assert from_words("--config", str(path)).engine == Engine(rates=(1.0, 2.0))
