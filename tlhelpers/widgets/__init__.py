"""Explorers: controls over a picture and a sentence, each about one idea, and a static picture for where no kernel is.

A picture is a function of the values of its controls, drawn with PIL; ``explorer`` ties the two together.
"""

from .browser import browse_predictions
from .convolution import explore_convolution
from .descent import explore_descent
from .freezing import explore_freezing
from .pooling import explore_pooling
from .softmax import explore_softmax

__all__ = [
    "browse_predictions",
    "explore_convolution",
    "explore_descent",
    "explore_freezing",
    "explore_pooling",
    "explore_softmax",
]
