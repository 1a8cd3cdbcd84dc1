"""A small network and a transform for the tests of features."""

from collections import OrderedDict

import torch
from torch import nn
from torchvision.transforms import v2

NORMALIZE = v2.Normalize([0.4, 0.5, 0.6], [0.2, 0.3, 0.2])
TRANSFORM = v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True), NORMALIZE])


def tiny() -> nn.Sequential:
    """Return a convolution, a batch norm with statistics, feature maps, a pooled layer, and a head."""
    layers = {
        "conv1": nn.Conv2d(3, 5, kernel_size=3, stride=2),
        "bn1": nn.BatchNorm2d(5),
        "relu": nn.ReLU(),
        "avgpool": nn.AdaptiveAvgPool2d(1),
        "flatten": nn.Flatten(),
        "fc": nn.Linear(5, 2),
    }
    nn.init.normal_(layers["bn1"].running_mean)
    nn.init.uniform_(layers["bn1"].running_var, 0.5, 2)
    return nn.Sequential(OrderedDict(layers))
