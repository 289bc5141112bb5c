"""Boxes of many frames in few bytes: blocks of frames, each of which is decoded on its own by `assets/boxes.js`.

A block is compressed with zlib. It begins with the number of its tracks and, of each, id and number of boxes (32 bits);
then come the columns of all boxes, track by track and in the order of frames. A column holds differences to the same
track's box before, from 0 at its first: small numbers of 16 bits (zigzag: 0, -1, 1, -2, ... as 0, 1, 2, 3, ...), their
low bytes before their high ones, which are mostly zero. The last column says in a byte each which boxes coast.
"""

import zlib

import numpy as np
from numpy.typing import NDArray

FRAMES = 512
"""Of a block: twenty seconds, which a browser decodes in a few milliseconds."""
_MOST = 16_383  # pixels; H.264 has no larger pictures, and differences fit into 16 bits


def encode_block(
    frame: NDArray[np.int64], id_: NDArray[np.int64], xyxy: NDArray[np.float32], coasts: NDArray[np.bool_]
) -> bytes:
    """The boxes of a block, at most one of a track in a frame; no bytes where there are none.

    Args:
        frame: (N,) place in the block, 0 to `FRAMES` - 1.
        id_: (N,) of the track, from 1.
        xyxy: (N, 4) corners in pixels, rounded here as they are where boxes are drawn.
        coasts: (N,) whether no detection is behind the box.
    """
    if not len(frame):
        return b""
    order = np.lexsort((frame, id_))
    corners = np.rint(np.clip(xyxy[order], -_MOST, _MOST)).astype(np.int64)
    columns = np.column_stack([frame[order], corners[:, :2], corners[:, 2:] - corners[:, :2]])
    begins = np.flatnonzero(np.diff(id_[order], prepend=-1))
    differences = np.diff(columns, axis=0, prepend=np.zeros((1, 5), np.int64))
    differences[begins] = columns[begins]
    zigzag = np.where(differences < 0, -2 * differences - 1, 2 * differences).astype("<u2")
    planes = np.ascontiguousarray(zigzag.T).view(np.uint8).reshape(5, -1, 2).transpose(0, 2, 1)
    counts = np.diff(np.append(begins, len(order)))
    head = np.concatenate([[len(begins)], id_[order][begins], counts]).astype("<u4")
    return zlib.compress(head.tobytes() + planes.tobytes() + coasts[order].astype(np.uint8).tobytes())
