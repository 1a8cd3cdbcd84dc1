"""Layers with the names and options of ``torch.nn`` that compute by hand, forward and backward.

Each layer gets its parameters, its options and its names in a state dict from the layer of ``torch.nn`` that it is a
subclass of. What it computes comes from ``tlhelpers.byhand``, in both directions. An option that is not available by
hand is refused when the layer is made.

Examples
--------
>>> layer = Conv2d(3, 8, kernel_size=3, padding=1)
>>> layer(torch.randn(2, 3, 5, 5)).shape
torch.Size([2, 8, 5, 5])
>>> ReLU(inplace=True)
Traceback (most recent call last):
ValueError: inplace is True; it must be False for ReLU by hand; change it, or take torch.nn.ReLU
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from tlhelpers.byhand.adaptive_pooling import adaptive_mean_pool2d, adaptive_mean_pool2d_backward
from tlhelpers.byhand.arguments import require
from tlhelpers.byhand.convolution import conv2d, conv2d_backward
from tlhelpers.byhand.layers import linear, linear_backward, relu, relu_backward
from tlhelpers.byhand.normalization import batch_norm2d, batch_norm2d_backward
from tlhelpers.byhand.pooling import max_pool2d, max_pool2d_backward


def differentiable(forward: Callable, backward: Callable) -> Callable:
    """Return a function for autograd whose gradient is written by hand.

    Parameters
    ----------
    forward : Callable
        From tensors (or None) to one tensor. Autograd does not record what happens inside.
    backward : Callable
        From the gradient of that output and the same inputs to their gradients, in the same order; None where there
        is none, and a single tensor if there is one input.

    Returns
    -------
    Callable
        Takes what ``forward`` takes.

    Examples
    --------
    >>> square = differentiable(lambda x: x * x, lambda grad, x: 2 * x * grad)
    >>> x = torch.tensor([3.0], requires_grad=True)
    >>> square(x).backward(); x.grad
    tensor([6.])
    """
    return partial(_ByHandFunction.apply, forward, backward)


class _ByHandFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, forward, backward, *inputs):
        ctx.backward_by_hand = backward
        ctx.save_for_backward(*inputs)
        return forward(*inputs)

    @staticmethod
    def backward(ctx, grad):
        gradients = ctx.backward_by_hand(grad, *ctx.saved_tensors)
        return None, None, *(gradients if isinstance(gradients, tuple) else (gradients,))


class _ByHand:
    """Refuse the options that are not available by hand; comes before the layer of ``torch.nn`` among the parents."""

    only: dict[str, object] = {}

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for name, value in self.only.items():
            self._require_option(getattr(self, name) == value, name, getattr(self, name), f"be {value!r}")

    def _require_option(self, holds: bool, name: str, value: object, rule: str) -> None:
        """Raise ValueError about an option of this layer unless the rule holds."""
        layer = type(self).__name__
        require(holds, name, repr(value), f"{rule} for {layer} by hand", f"change it, or take torch.nn.{layer}")


class Conv2d(_ByHand, torch.nn.Conv2d):
    """Convolution as one matrix product, with all options of torch except padding modes other than zeros."""

    only = {"padding_mode": "zeros"}

    def forward(self, images: Tensor) -> Tensor:
        padding = 0 if self.padding == "valid" else self.padding
        options = {"stride": self.stride, "padding": padding, "dilation": self.dilation, "groups": self.groups}
        return _apply(conv2d, conv2d_backward, images, self.weight, self.bias, **options)


class BatchNorm2d(_ByHand, torch.nn.BatchNorm2d):
    """Batch norm with learned scale and shift and with running statistics, which training updates as torch does."""

    only = {"affine": True, "track_running_stats": True}

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._require_option(self.momentum is not None, "momentum", None, "be a number")
        self._require_option(self.bias is not None, "bias", False, "be True")

    def forward(self, images: Tensor) -> Tensor:
        options: dict[str, Any] = {"running_mean": self.running_mean, "running_var": self.running_var}
        options |= {"training": self.training, "eps": self.eps}
        forward = partial(batch_norm2d, momentum=self.momentum or 0.0)
        outputs = _apply(forward, batch_norm2d_backward, images, self.weight, self.bias, **options)
        if self.training and self.num_batches_tracked is not None:
            self.num_batches_tracked += 1
        return outputs


class ReLU(_ByHand, torch.nn.ReLU):
    """Negative values become zero."""

    only = {"inplace": False}

    def forward(self, values: Tensor) -> Tensor:
        return _apply(relu, relu_backward, values)


class MaxPool2d(_ByHand, torch.nn.MaxPool2d):
    """The largest value of each window."""

    only = {"return_indices": False}

    def forward(self, images: Tensor) -> Tensor:
        options = {"kernel": self.kernel_size, "stride": self.stride, "padding": self.padding}
        options |= {"dilation": self.dilation, "ceil_mode": self.ceil_mode}
        return _apply(max_pool2d, max_pool2d_backward, images, **options)


class AdaptiveAvgPool2d(_ByHand, torch.nn.AdaptiveAvgPool2d):
    """Means over windows, as many as the output has values."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        sizes = self.output_size if isinstance(self.output_size, tuple) else (self.output_size,)
        self._require_option(None not in sizes, "output_size", self.output_size, "be given")

    def forward(self, images: Tensor) -> Tensor:
        return _apply(adaptive_mean_pool2d, adaptive_mean_pool2d_backward, images, size=self.output_size)


class Linear(_ByHand, torch.nn.Linear):
    """A matrix product with the weight, plus the bias."""

    def forward(self, features: Tensor) -> Tensor:
        return _apply(linear, linear_backward, features, self.weight, self.bias)


def _apply(forward: Callable, backward: Callable, *inputs: Tensor | None, **options: Any) -> Tensor:
    """Run a function by hand such that the backward pass uses its gradient by hand; both get the options."""
    return differentiable(partial(forward, **options), partial(backward, **options))(*inputs)
