"""ResNet-50, with the parameter names of torchvision, so that published weights can be loaded by name.

The operations come from a module that is an argument: ``torch.nn``, or ``tlhelpers.byhand.nn`` for those by hand.

Source: K. He, X. Zhang, S. Ren, J. Sun, "Deep Residual Learning for Image Recognition", CVPR 2016, table 1.
"""

from types import ModuleType

from torch import Tensor, fx, nn

from tlhelpers.arguments import check_tensor
from tlhelpers.network.weights import WeightsEntry

EXPANSION = 4  # a bottleneck block has four times as many output channels as its 3x3 convolution
STAGES = ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2))  # channels, blocks, stride of the first block


@fx.wrap  # one step in the graph of the network: what it does depends on the shape of the images
def with_batch_axis(images: Tensor) -> Tensor:
    """Return (N, 3, H, W) images; a single image (3, H, W) becomes a batch of one.

    Raises
    ------
    ValueError
        If the shape is another one.
    """
    check_tensor(images, "images")
    if images.ndim not in (3, 4) or images.shape[-3] != 3:
        raise ValueError(
            f"images has shape {tuple(images.shape)}; it must be (N, 3, H, W), or (3, H, W) for a single image; "
            "eval_transform(model.weights) makes such an image of a photo"
        )
    return images if images.ndim == 4 else images[None]


class Bottleneck(nn.Module):
    """Three convolutions (1x1, 3x3, 1x1) and a shortcut around them.

    Parameters
    ----------
    in_channels : int
    channels : int
        Output channels of the 3x3 convolution; the block has ``4 * channels``.
    stride : int
        The stride of the block, which one of its convolutions and the shortcut have.
    stride_in : str
        The convolution that has the stride: "conv2", the 3x3 (torchvision, "v1.5"), or "conv1", the first 1x1 (the
        paper's network, "v1").
    ops : module
        Has Conv2d, BatchNorm2d and ReLU; see ``ResNet50``.

    Raises
    ------
    ValueError
        If ``stride_in`` is neither "conv1" nor "conv2".

    Examples
    --------
    >>> import torch
    >>> Bottleneck(64, 16, stride=2)(torch.zeros(1, 64, 56, 56)).shape
    torch.Size([1, 64, 28, 28])
    """

    def __init__(
        self, in_channels: int, channels: int, *, stride: int = 1, stride_in: str = "conv2", ops: ModuleType = nn
    ) -> None:
        super().__init__()
        if stride_in not in ("conv1", "conv2"):
            raise ValueError(f"stride_in is {stride_in!r}; it must be 'conv1' (v1) or 'conv2' (v1.5)")
        first, second = (stride, 1) if stride_in == "conv1" else (1, stride)
        out_channels = EXPANSION * channels
        self.conv1 = ops.Conv2d(in_channels, channels, kernel_size=1, stride=first, bias=False)
        self.bn1 = ops.BatchNorm2d(channels)
        self.relu1 = ops.ReLU()
        self.conv2 = ops.Conv2d(channels, channels, kernel_size=3, stride=second, padding=1, bias=False)
        self.bn2 = ops.BatchNorm2d(channels)
        self.relu2 = ops.ReLU()
        self.conv3 = ops.Conv2d(channels, out_channels, kernel_size=1, bias=False)
        self.bn3 = ops.BatchNorm2d(out_channels)
        self.relu3 = ops.ReLU()
        self.downsample: nn.Sequential | None = None
        if stride != 1 or in_channels != out_channels:  # both terms of the sum need the same shape
            self.downsample = nn.Sequential(
                ops.Conv2d(in_channels, out_channels, kernel_size=1, stride=stride, bias=False),
                ops.BatchNorm2d(out_channels),
            )

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        x = self.relu1(self.bn1(self.conv1(x)))
        x = self.relu2(self.bn2(self.conv2(x)))
        x = self.bn3(self.conv3(x))
        return self.relu3(x + shortcut)  # the gradient of a sum goes to both terms unchanged


class ResNet50(nn.Module):
    """ResNet-50: a stem, four stages of bottleneck blocks, global mean pooling, a linear head.

    Parameters
    ----------
    num_classes : int
        Number of logits.
    stride_in : str
        "conv2" (torchvision's weights) or "conv1" (the paper's own weights); see ``Bottleneck``.
    ops : module
        Has Conv2d, BatchNorm2d, ReLU, MaxPool2d, AdaptiveAvgPool2d and Linear: ``torch.nn``, or
        ``tlhelpers.byhand.nn`` for a network whose forward and backward pass are computed by hand.

    Attributes
    ----------
    weights : WeightsEntry
        The weights that ``load_resnet50`` loaded; a network with random weights does not have this attribute.
    classes : list of str or None
        The names of the classes that the network was trained for, in the order of the logits.
    stride_in : str
    pretrained_body : str or None
        The hash of the weights that were loaded, to tell whether they have been trained since.

    Raises
    ------
    ValueError
        If ``stride_in`` is neither "conv1" nor "conv2".
    """

    weights: WeightsEntry
    classes: list[str] | None = None
    pretrained_body: str | None = None
    layer1: nn.Sequential
    layer2: nn.Sequential
    layer3: nn.Sequential
    layer4: nn.Sequential

    def __init__(self, num_classes: int = 1000, *, stride_in: str = "conv2", ops: ModuleType = nn) -> None:
        super().__init__()
        self.stride_in = stride_in
        self.conv1 = ops.Conv2d(3, 64, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = ops.BatchNorm2d(64)
        self.relu = ops.ReLU()
        self.maxpool = ops.MaxPool2d(kernel_size=3, stride=2, padding=1)
        in_channels = 64
        for number, (channels, blocks, stride) in enumerate(STAGES, start=1):
            stage = [Bottleneck(in_channels, channels, stride=stride, stride_in=stride_in, ops=ops)]
            in_channels = EXPANSION * channels
            stage += [Bottleneck(in_channels, channels, ops=ops) for _ in range(blocks - 1)]
            self.add_module(f"layer{number}", nn.Sequential(*stage))
        self.avgpool = ops.AdaptiveAvgPool2d(1)
        self.fc = ops.Linear(in_channels, num_classes)
        self._initialize()

    def _initialize(self) -> None:
        """Draw the weights of all convolutions from the normal distribution of He et al. (2015) for ReLU networks.

        Source: K. He, X. Zhang, S. Ren, J. Sun, "Delving Deep into Rectifiers: Surpassing Human-Level Performance on
        ImageNet Classification", ICCV 2015.
        """
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def stages(self) -> dict[str, list[nn.Module]]:
        """Return the stages, from the image to the head: stem, layer1, layer2, layer3, layer4, head.

        Returns
        -------
        dict of str to list of nn.Module
            The modules with parameters of each stage. Each parameter of the network is in exactly one stage.
        """
        layers = {f"layer{number}": [getattr(self, f"layer{number}")] for number in range(1, len(STAGES) + 1)}
        return {"stem": [self.conv1, self.bn1], **layers, "head": [self.fc]}

    def forward(self, images: Tensor) -> Tensor:
        images = with_batch_axis(images)  # (N, 3, H, W)
        x = self.relu(self.bn1(self.conv1(images)))  # (N, 64, H/2, W/2)
        x = self.maxpool(x)  # (N, 64, H/4, W/4)
        x = self.layer2(self.layer1(x))  # (N, 512, H/8, W/8)
        x = self.layer4(self.layer3(x))  # (N, 2048, H/32, W/32)
        features = self.avgpool(x).flatten(1)  # (N, 2048)
        return self.fc(features)  # (N, num_classes)
