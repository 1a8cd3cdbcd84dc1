"""Exercise 02.3: count the pixels that do not affect the output of max pooling."""

import torch
import torch.nn.functional as F

from tlhelpers.classroom.exercises import Exercise


def _winners(stride: int = 2, ceil_mode: bool = False) -> int:
    """Count the pixels that are the largest of a 2 by 2 window, in a picture of 4 by 7 different values."""
    picture = torch.arange(1.0, 1 + 4 * 7).reshape(1, 4, 7)
    where = F.max_pool2d(picture, 2, stride, ceil_mode=ceil_mode, return_indices=True)[1]
    return len(where.unique())


EXERCISE = Exercise(
    reference=lambda: 4 * 7 - _winners(),
    mistakes={
        "Those are the pixels that must stay: how many are left?": lambda: _winners(),
        "What of the pixels that no window reaches?": lambda: 4 * 6 - _winners(),
        "Those are the pixels that no window reaches; a window forgets pixels, too.": lambda: 4 * 7 - 4 * 6,
        "That share holds within the windows: do they reach every pixel?": lambda: 4 * 7 * 3 // 4,
        "Rounded down means that a window which hangs over is left out.": lambda: 4 * 7 - _winners(ceil_mode=True),
        "The windows overlap there: with stride 2 a window of 2 begins where the last one ended.": (
            lambda: 4 * 7 - _winners(stride=1)
        ),
        "Not only the largest of all must stay: each window shows a pixel of its own.": lambda: 4 * 7 - 1,
        "If all pixels were black, the pooled picture would be black as well.": lambda: 4 * 7,
        "That is for one window: how many are there?": lambda: 2 * 2 - 1,
    },
)
