"""A YOLO model of ultralytics in two parts: one that may compute with 16-bit numbers, one that must not."""

import copy
from typing import Any

from torch import Tensor, nn


class Body(nn.Module):
    """All layers before the head, and of the head the branch of the boxes."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        *layers, head = model.model
        self.layers: Any = nn.ModuleList(layers)
        self.boxes: Any = getattr(head, _branch_of_boxes(head))
        self._inputs: list[int] = list(head.f)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Images (B, 3, H, W), RGB in 0..1 -> the head's maps, then what its box branch makes of each."""
        made: list[Any] = []
        x: Any = images
        for layer in self.layers:
            if layer.f != -1:
                x = made[layer.f] if isinstance(layer.f, int) else [x if one == -1 else made[one] for one in layer.f]
            x = layer(x)
            made.append(x)
        maps = [made[one] for one in self._inputs]
        return *maps, *(branch(one) for branch, one in zip(self.boxes, maps, strict=True))


class Head(nn.Module):
    """The rest of the head: scores, and boxes from what the body's branch made.

    Which of several anchors on one person wins hangs on the last digits of their scores: with bfloat16 here, one box
    in sixty moves by one to three pixels (YOLO11n on PETS 2009 at 768 pixels); with it in the body alone, none.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.head = model.model[-1]
        name = _branch_of_boxes(self.head)
        self._given = [_Given() for _ in getattr(self.head, name)]
        setattr(self.head, name, nn.ModuleList(self._given))

    def forward(self, *parts: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """What `Body` gives -> (B, 4 + classes + more, anchors), or (B, boxes, 6 + more) of a model without overlaps;
        and the prototypes of masks (B, C, h, w), of a model that has them."""
        count = len(self._given)
        for given, value in zip(self._given, parts[count:], strict=True):
            given.value = value
        made: Any = self.head(list(parts[:count]))
        boxes: Tensor = made[0] if isinstance(made, tuple | list) else made
        return (boxes, made[1]) if hasattr(self.head, "proto") else boxes


class _Given(nn.Module):
    value: Tensor

    def forward(self, x: Tensor) -> Tensor:
        return self.value


class Whole(nn.Module):
    """Both parts as one network."""

    def __init__(self, body: Body, head: Head) -> None:
        super().__init__()
        self.body, self.head = body, head

    def forward(self, images: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """Images -> what `Head` gives."""
        made: Tensor | tuple[Tensor, Tensor] = self.head(*self.body(images))
        return made


def split(model: nn.Module) -> tuple[Body, Head]:
    """Both parts of a model, in eval mode, float32, with BatchNorms folded; the model itself is left as it is."""
    ready: Any = copy.deepcopy(model).float().eval()
    ready = ready.fuse(verbose=False).requires_grad_(False)
    for module in ready.modules():
        if hasattr(module, "export"):
            module.export, module.dynamic, module.format = True, True, "openvino"
    return Body(ready).eval(), Head(copy.deepcopy(ready)).eval()


def _branch_of_boxes(head: Any) -> str:
    if not hasattr(head, "cv2"):
        raise TypeError(f"it ends in {type(head).__name__}, which is no head of YOLO")
    return "one2one_cv2" if getattr(head, "end2end", False) else "cv2"
