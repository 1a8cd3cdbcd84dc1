"""A small network and a transform for the tests of features."""

import torch
from torch import nn
from torchvision.transforms import v2

NORMALIZE = v2.Normalize([0.4, 0.5, 0.6], [0.2, 0.3, 0.2])
TRANSFORM = v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True), NORMALIZE])


class Tiny(nn.Module):
    """A convolution, a batch norm with statistics, feature maps, a pooled layer, and a head."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 5, kernel_size=3, stride=2)
        self.bn1 = nn.BatchNorm2d(5)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(5, 2)
        nn.init.normal_(self.bn1.running_mean)
        nn.init.uniform_(self.bn1.running_var, 0.5, 2)

    def forward(self, images):
        return self.fc(self.avgpool(self.bn1(self.conv1(images)).relu()).flatten(1))
