"""One process's view of several: its share, its device, and what the first sends it."""

import pytest
import torch

from remix_track.errors import InputError
from remix_track.training.processes import Processes, joined


class OnGpu(torch.Tensor):
    """Stands for a tensor on a GPU: it knows that it was brought to the CPU."""

    def cpu(self, memory_format=None):
        return torch.full((2,), 7.0)


def test_what_the_first_sends_lies_on_the_cpu(monkeypatch):
    """Pickled on a GPU, centroids would come out on the first process's GPU in every process."""
    far, sent = torch.zeros(2).as_subclass(OnGpu), []
    monkeypatch.setattr(Processes, "all_max", lambda self, number: number)
    monkeypatch.setattr(torch.distributed, "broadcast_object_list", lambda box, **_: sent.extend(box))
    Processes(rank=0, count=2).on_rank_0(lambda: ({"centroids": far, "rows": [far], "people": 3}, far, None))
    (tensors, alone, nothing) = sent[0]
    for tensor in (tensors["centroids"], tensors["rows"][0], alone):
        assert type(tensor) is torch.Tensor
        assert tensor.tolist() == [7, 7]
    assert (tensors["people"], nothing) == (3, None)


@pytest.mark.parametrize("count", [1, 2, 3, 8])
@pytest.mark.parametrize("things", [0, 1, 5, 16])
def test_shares_are_everything_once(count, things):
    shares = [list(range(things))[Processes(rank, count).share(things)] for rank in range(count)]
    assert [thing for share in shares for thing in share] == list(range(things))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


@pytest.mark.parametrize(
    ("device", "message"), [("cuda:1", "'cuda:1' is one device for several"), ("mps", "give auto, cpu or cuda")]
)
def test_devices_that_several_processes_cannot_have(monkeypatch, device, message):
    for name, value in {"RANK": "0", "WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InputError, match=message), joined(device):
        pass
