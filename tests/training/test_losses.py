"""The four losses against loops over plain numbers, on batches that are hard to come by and legal."""

import dataclasses
import itertools
import math
import subprocess
import sys

import pytest
import torch

from remix_track.errors import InputError
from remix_track.settings import build
from remix_track.training import method_settings as training_settings
from remix_track.training.context import numbers_of
from remix_track.training.losses import (
    Labels,
    LossValues,
    augmentation_loss,
    camera_loss,
    centroid_loss,
    instance_loss,
)
from remix_track.training.method_settings import LossSettings

WIDTH = 8


@dataclasses.dataclass
class Batch:
    """Identities 0..M-1 are multi-camera; keys are those of two processes, this one the second."""

    queries: torch.Tensor
    keys: torch.Tensor
    originals: torch.Tensor
    labels: Labels
    key_labels: Labels
    centroids: torch.Tensor
    centroid_single: torch.Tensor
    camera_centroids: torch.Tensor
    camera_identity: torch.Tensor

    @property
    def first_row(self):
        return len(self.keys) - len(self.queries)


def batch_of(identities, elsewhere=(), multi=4, single=3, cameras=(0, 0, 0, 1, 2, 2, 3), seed=0, dtype=torch.float32):
    """A batch that shows `identities`; `cameras` names the identity of each camera centroid."""
    generator = torch.Generator().manual_seed(seed)

    def draw(rows, unit=False):
        vectors = torch.randn(rows, WIDTH, generator=generator, dtype=torch.float64)
        return (vectors / vectors.norm(dim=1, keepdim=True) if unit else 3 * vectors).to(dtype)

    def labels_of(names):
        identity = torch.tensor(names, dtype=torch.int64)
        return Labels(identity, identity >= multi)

    everywhere = [*elsewhere, *identities]
    return Batch(
        queries=draw(len(identities)),
        keys=draw(len(everywhere)),
        originals=draw(len(everywhere)),
        labels=labels_of(list(identities)),
        key_labels=labels_of(everywhere),
        centroids=draw(multi + single, unit=True),
        centroid_single=torch.arange(multi + single) >= multi,
        camera_centroids=draw(len(cameras), unit=True),
        camera_identity=torch.tensor(cameras, dtype=torch.int64),
    )


BATCHES = {
    "both domains": batch_of([0, 0, 1, 1, 2, 2, 4, 4, 5, 5]),
    "two processes": batch_of([2, 2, 0, 6, 6, 1], elsewhere=[0, 0, 5, 5, 3, 4]),
    "identities with one image, one camera": batch_of([1, 3, 4, 5]),
    "no single-camera image": batch_of([0, 0, 3, 3]),
    "everything was an outlier": batch_of([0, 0, 3, 3], single=0),
    "no multi-camera image": batch_of([4, 4, 6, 6]),
    "one identity alone": batch_of([0, 0]),
    "one image": batch_of([4]),
    "no camera centroid": batch_of([4, 5], cameras=()),
    "one camera centroid": batch_of([0, 1], cameras=(0,)),
}
OTHER_CHOICES = ("augmentation_negatives", "centroid_query", "centroid_softmax")
CHOICES = [
    build(
        LossSettings, dict(zip(("instance_positives", "instance_negatives", *OTHER_CHOICES), values, strict=True)), ""
    )
    for values in itertools.product(
        ("all", "hardest"), ("all", "own_domain"), ("all", "own_domain"), ("raw", "unit"), ("per_domain", "joint")
    )
    if values[1] == values[2]
]
LOSSES = {
    "instance": lambda b, s: instance_loss(b.queries, b.keys, b.labels, b.key_labels, s),
    "augmentation": lambda b, s: augmentation_loss(
        b.queries, b.originals, b.labels, b.key_labels, s, first_row=b.first_row
    ),
    "centroid": lambda b, s: centroid_loss(b.queries, b.labels, b.centroids, b.centroid_single, s),
    "camera": lambda b, s: camera_loss(b.queries, b.labels, b.camera_centroids, b.camera_identity, s),
}


# --- the same in loops over Python numbers ---


def unit(vector):
    length = math.sqrt(sum(x * x for x in vector))
    return [x / length for x in vector]


def dot(a, b):
    return sum(x * y for x, y in zip(a, b, strict=True))


def others_of(row, batch, choice):
    """Rows of the keys that show another identity than the query does."""
    mine, single = int(batch.labels.identity[row]), bool(batch.labels.single_camera[row])
    pairs = zip(batch.key_labels.identity.tolist(), batch.key_labels.single_camera.tolist(), strict=True)
    return [n for n, (name, domain) in enumerate(pairs) if name != mine and (choice == "all" or domain == single)]


def naive_instance(row, batch, s):
    query, keys = unit(batch.queries[row].tolist()), [unit(k) for k in batch.keys.tolist()]
    t = s.instance_temperature_single if batch.labels.single_camera[row] else s.instance_temperature_multi
    positives = [j for j, y in enumerate(batch.key_labels.identity) if y == batch.labels.identity[row]]
    if s.instance_positives == "hardest":
        positives = [min(positives, key=lambda j: dot(query, keys[j]))]
    against = sum(math.exp(dot(query, keys[n]) / t) for n in others_of(row, batch, s.instance_negatives))
    terms = [math.exp(dot(query, keys[j]) / t) for j in positives]
    return sum(-math.log(e / (e + against)) for e in terms) / len(terms)


def naive_augmentation(row, batch, s):
    query, originals = unit(batch.queries[row].tolist()), [unit(o) for o in batch.originals.tolist()]
    t = s.augmentation_temperature
    own = math.exp(dot(query, originals[batch.first_row + row]) / t)
    against = sum(math.exp(dot(query, originals[n]) / t) for n in others_of(row, batch, s.augmentation_negatives))
    return -math.log(own / (own + against))


def naive_centroid(row, batch, s):
    query, mine = batch.queries[row].tolist(), int(batch.labels.identity[row])
    query = unit(query) if s.centroid_query == "unit" else query
    single = bool(batch.labels.single_camera[row])
    t = s.centroid_temperature_single if single else s.centroid_temperature_multi
    exponents = {
        y: math.exp(dot(query, p) / t)
        for y, p in enumerate(batch.centroids.tolist())
        if s.centroid_softmax == "joint" or bool(batch.centroid_single[y]) == single
    }
    return -math.log(exponents[mine] / sum(exponents.values()))


def naive_camera(row, batch, s):
    query, mine = unit(batch.queries[row].tolist()), int(batch.labels.identity[row])
    exponents = [math.exp(dot(query, p) / s.camera_temperature) for p in batch.camera_centroids.tolist()]
    names = batch.camera_identity.tolist()
    own = [e for e, name in zip(exponents, names, strict=True) if name == mine]
    against = sorted(e for e, name in zip(exponents, names, strict=True) if name != mine)[-s.camera_negatives :]
    if not own:
        return 0.0
    return sum(-math.log(e / (sum(own) + sum(against))) for e in own) / len(own)


NAIVE = {
    "instance": naive_instance,
    "augmentation": naive_augmentation,
    "centroid": naive_centroid,
    "camera": naive_camera,
}


@pytest.mark.parametrize(
    "choice",
    CHOICES,
    ids=lambda s: f"{s.instance_positives}-{s.instance_negatives}-{s.centroid_query}-{s.centroid_softmax}",
)
@pytest.mark.parametrize("batch", BATCHES.values(), ids=BATCHES.keys())
@pytest.mark.parametrize("name", LOSSES)
def test_equals_the_naive_loop(name, batch, choice):
    values = LOSSES[name](batch, choice)
    assert values.dtype == torch.float32
    expected = torch.tensor([NAIVE[name](row, batch, choice) for row in range(len(batch.queries))])
    torch.testing.assert_close(values, expected, rtol=1e-4, atol=1e-5)
    assert (values >= 0).all()


@pytest.mark.parametrize("negatives", [1, 2, 3, 50])
def test_camera_negatives_are_the_hardest(negatives):
    batch, choice = BATCHES["both domains"], LossSettings(camera_negatives=negatives)
    expected = torch.tensor([naive_camera(row, batch, choice) for row in range(len(batch.queries))])
    torch.testing.assert_close(LOSSES["camera"](batch, choice), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("field", [f.name for f in dataclasses.fields(LossSettings) if "temperature" in f.name])
def test_each_temperature_acts_where_its_name_says(field):
    """Temperatures of one domain change the values of that domain and no others."""
    batch, choice = BATCHES["both domains"], LossSettings()
    changed = build(LossSettings, {field: 0.3}, "")
    for name, loss in LOSSES.items():
        moved = ~torch.isclose(loss(batch, choice), loss(batch, changed), rtol=1e-4)
        expected = torch.full_like(moved, field.startswith(name))
        if field.endswith(("multi", "single")):
            expected &= batch.labels.single_camera == field.endswith("single")
        if name == "camera":
            expected &= ~batch.labels.single_camera
        assert torch.equal(moved, expected), name


@pytest.mark.parametrize("batch", BATCHES.values(), ids=BATCHES.keys())
@pytest.mark.parametrize("name", LOSSES)
def test_under_autocast_and_in_bfloat16_the_value_is_that_of_the_rounded_vectors(name, batch):
    """Nothing is lost but the rounding of what came in."""
    low = {
        f.name: getattr(batch, f.name).bfloat16()
        for f in dataclasses.fields(batch)
        if isinstance(getattr(batch, f.name), torch.Tensor) and getattr(batch, f.name).is_floating_point()
    }
    rounded = dataclasses.replace(batch, **{key: value.float() for key, value in low.items()})
    expected = LOSSES[name](rounded, LossSettings())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        values = LOSSES[name](dataclasses.replace(batch, **low), LossSettings())
        assert torch.equal(LOSSES[name](rounded, LossSettings()), expected)
    assert values.dtype == torch.float32
    assert torch.equal(values, expected)


@pytest.mark.parametrize("batch", BATCHES.values(), ids=BATCHES.keys())
@pytest.mark.parametrize("name", LOSSES)
def test_gradients_are_right_and_reach_the_queries_alone(name, batch):
    made = {
        f.name: getattr(batch, f.name).double().requires_grad_()
        for f in dataclasses.fields(batch)
        if isinstance(getattr(batch, f.name), torch.Tensor) and getattr(batch, f.name).is_floating_point()
    }
    batch = dataclasses.replace(batch, **made)
    for choice in (LossSettings(), LossSettings(instance_positives="hardest", centroid_softmax="joint")):
        LOSSES[name](batch, choice).sum().backward()
        assert torch.isfinite(batch.queries.grad).all()
        assert all(tensor.grad is None for key, tensor in made.items() if key != "queries")

        def values(queries, choice=choice):
            return LOSSES[name](dataclasses.replace(batch, queries=queries), choice)

        assert torch.autograd.gradcheck(values, batch.queries.detach().clone().requires_grad_())


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("scale", [1e-6, 1e3])
def test_extreme_vectors_and_the_coldest_temperature_stay_finite(name, scale):
    batch = BATCHES["both domains"]
    cold = {f.name: 1e-3 for f in dataclasses.fields(LossSettings) if "temperature" in f.name}
    queries = (batch.queries * scale).requires_grad_()
    values = LOSSES[name](dataclasses.replace(batch, queries=queries), build(LossSettings, cold, ""))
    values.sum().backward()
    assert torch.isfinite(values).all()
    assert torch.isfinite(queries.grad).all()


def test_a_query_of_zeros_is_legal():
    batch = BATCHES["both domains"]
    queries = torch.zeros_like(batch.queries).requires_grad_()
    for loss in LOSSES.values():
        loss(dataclasses.replace(batch, queries=queries), LossSettings()).sum().backward()
    assert queries.grad is not None
    assert torch.isfinite(queries.grad).all()


def test_the_total_weighs_the_means_and_the_camera_loss_counts_multi_camera_images_alone():
    single = torch.tensor([False, False, True, True, True])
    values = LossValues(
        instance=torch.tensor([1.0, 2, 3, 4, 5]),
        augmentation=torch.tensor([2.0, 2, 2, 2, 7]),
        centroid=torch.tensor([0.0, 0, 0, 0, 10]),
        camera=torch.tensor([4.0, 6, 0, 0, 0]),
        single_camera=single,
    )
    settings = LossSettings(instance_weight=1, augmentation_weight=2, centroid_weight=3, camera_weight=0.5)
    assert float(values.total(settings)) == pytest.approx(3 + 2 * 3 + 3 * 2 + 0.5 * 5)
    means = values.means()
    assert means["instance/multi"] == 1.5
    assert means["instance/single"] == 4
    assert means["camera/multi"] == 5


def test_a_domain_without_images_logs_nan_and_adds_nothing():
    nothing = torch.zeros(2)
    values = LossValues(torch.ones(2), nothing, nothing, nothing, single_camera=torch.ones(2, dtype=torch.bool))
    assert float(values.total(LossSettings())) == 1
    assert math.isnan(values.means()["instance/multi"])
    assert math.isnan(values.means()["camera/multi"])


def test_unit_queries_have_the_floor_that_speaks_for_raw_ones():
    """A perfect query among 1,041 orthogonal centroids: the loss is log(1 + 1040 e^-2), about 5."""
    centroids = torch.eye(1041)
    labels = Labels(torch.arange(3), torch.zeros(3, dtype=torch.bool))
    single = torch.zeros(1041, dtype=torch.bool)
    floor = centroid_loss(45 * centroids[:3], labels, centroids, single, LossSettings(centroid_query="unit"))
    torch.testing.assert_close(floor, torch.full((3,), math.log(1 + 1040 * math.exp(-2))))
    assert float(centroid_loss(45 * centroids[:3], labels, centroids, single, LossSettings()).max()) < 1e-6


def test_labels_of_other_shapes_or_types_are_refused():
    with pytest.raises(ValueError, match=r"shapes \(2,\) and \(3,\), expected \(N,\) both"):
        Labels(torch.zeros(2), torch.zeros(3, dtype=torch.bool))
    with pytest.raises(ValueError, match=r"single_camera is torch.int64, expected bool"):
        Labels(torch.zeros(2), torch.zeros(2, dtype=torch.int64))


# --- settings of all parts of training ---

SETTINGS = [
    getattr(training_settings, name)
    for name in ("LossSettings", "MomentumSettings", "ClusterSettings", "CentroidSettings", "MocoSettings")
]


@pytest.mark.parametrize("kind", SETTINGS)
def test_every_setting_has_help_and_is_described(kind):
    for field in dataclasses.fields(kind):
        assert field.metadata["help"]
        assert f"{field.name}: " in kind.__doc__


def test_the_defaults_that_the_paper_states():
    settings = LossSettings()
    assert (settings.instance_temperature_multi, settings.instance_temperature_single) == (0.1, 0.2)
    assert (settings.centroid_temperature_multi, settings.centroid_temperature_single) == (0.5, 0.6)


@pytest.mark.parametrize(
    ("kind", "key", "value", "message"),
    [
        ("LossSettings", "camera_temperature", 0, "camera_temperature = 0.0; expected 0.001 to 100"),
        ("LossSettings", "instance_weight", math.nan, "instance_weight = nan; expected 0 to 1,000"),
        ("LossSettings", "camera_negatives", 0, "camera_negatives = 0; expected at least 1"),
        ("LossSettings", "centroid_query", "long", "centroid_query = 'long'; expected 'raw' or 'unit'"),
        ("MomentumSettings", "coefficient", 1.5, "coefficient = 1.5; expected 0 to 1"),
        ("MomentumSettings", "batchnorm", "sync", "batchnorm = 'sync'; expected 'own' or 'ema' or 'copy'"),
        ("ClusterSettings", "eps", 1, "eps = 1.0; expected above 0, below 1 for jaccard"),
        ("ClusterSettings", "k2", 31, "k2 = 31; expected 1 to k1"),
        ("MocoSettings", "queue_size", 0, "queue_size = 0; expected 1 to 10,000,000"),
        ("CentroidSettings", "momentum", -1, "momentum = -1.0; expected 0 to 1"),
    ],
)
def test_settings_out_of_range_are_refused(kind, key, value, message):
    with pytest.raises(InputError) as caught:
        getattr(training_settings, kind)(**{key: value})
    assert str(caught.value) == message


def test_the_settings_are_there_without_the_heavy_packages():
    heavy = "{'scipy', 'sklearn', 'torch', 'cv2'}"
    code = f"import sys, remix_track.training.method_settings; print({heavy} & set(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "set()"


def test_numbers_of_scalars_keep_their_names_and_nan():
    found = numbers_of({"b": torch.tensor(0.1, requires_grad=True), "a": torch.tensor(math.nan)})
    assert list(found) == ["b", "a"]
    assert found["b"] == float(torch.tensor(0.1))
    assert math.isnan(found["a"])
