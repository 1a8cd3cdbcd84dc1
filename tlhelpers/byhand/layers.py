"""Simple layers by hand, forward and backward: linear, ReLU, and the addition of a residual block.

The backward function of a layer takes the gradient of the loss with respect to the layer's output and returns it with
respect to its inputs. Applied from the last layer to the first, such functions are backpropagation.
"""

import torch
from torch import Tensor

from tlhelpers.byhand.arguments import check_dtype, check_grad, check_rows, check_shape, require


def linear(features: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return one score for each image and class: W a + b.

    Parameters
    ----------
    features : (N, D) tensor
        One row a for each image; one image alone is features[None].
    weight : (C, D) tensor
        One row for each class.
    bias : (C,) tensor, optional

    Returns
    -------
    (N, C) tensor
        The logits, as ``torch.nn.functional.linear`` returns.

    Raises
    ------
    ValueError
        If a shape is not one of the above, or the dtypes differ.

    Examples
    --------
    >>> linear(torch.tensor([[1.0, 2.0]]), torch.tensor([[1.0, 1.0], [0.0, 3.0]]), torch.tensor([0.5, 0.0]))
    tensor([[3.5000, 6.0000]])
    """
    _check_linear(features, weight, bias)
    logits = features @ weight.T  # (N, C)
    return logits if bias is None else logits + bias


def linear_backward(
    grad: Tensor, features: Tensor, weight: Tensor, bias: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Return the gradients of ``linear`` with respect to the features, the weight and the bias.

    Each feature is used once for each class, so its gradient is a sum over the classes. Weight and bias serve all
    images, so theirs are sums over the images.

    Parameters
    ----------
    grad : (N, C) tensor
        Gradient of the loss with respect to the logits.
    features, weight, bias : tensors
        As ``linear`` got them.

    Returns
    -------
    (N, D) tensor, (C, D) tensor, (C,) tensor or None
        Gradients with respect to features, weight and bias; None without a bias.

    Raises
    ------
    ValueError
        As in ``linear``, or if grad does not have the shape of the logits.

    Examples
    --------
    >>> features, weight = torch.tensor([[1.0, 2.0]]), torch.tensor([[1.0, 1.0], [0.0, 3.0]])
    >>> linear_backward(torch.tensor([[1.0, -1.0]]), features, weight)
    (tensor([[ 1., -2.]]), tensor([[ 1.,  2.],
            [-1., -2.]]), None)
    """
    _check_linear(features, weight, bias)
    check_grad(grad, (len(features), len(weight)), features.dtype)
    return grad @ weight, grad.T @ features, None if bias is None else grad.sum(dim=0)


def relu(values: Tensor) -> Tensor:
    """Keep positive values and set all others to zero.

    Parameters
    ----------
    values : tensor of real numbers, of any shape

    Returns
    -------
    tensor of the same shape
        NaN stays NaN, as in torch.

    Raises
    ------
    ValueError
        If the values are complex or booleans.

    Examples
    --------
    >>> relu(torch.tensor([-1.0, 0.0, 2.0]))
    tensor([0., 0., 2.])
    """
    real = not values.is_complex() and values.dtype is not torch.bool
    require(real, "values.dtype", values.dtype, "be a type of real numbers", "take values.real or values.float()")
    return torch.maximum(values, values.new_zeros(()))


def relu_backward(grad: Tensor, values: Tensor) -> Tensor:
    """Return the gradient of ``relu``: it passes where a value was positive, and stops elsewhere.

    At exactly 0 the function has a corner. Any slope from 0 to 1 is possible there; torch takes 0, and so do we.

    Parameters
    ----------
    grad : tensor
        Gradient of the loss with respect to the output of ``relu``.
    values : tensor of the same shape
        As ``relu`` got them.

    Returns
    -------
    tensor of the same shape
        Gradient with respect to the values.

    Raises
    ------
    ValueError
        If ``grad`` does not have the shape and the dtype of the values.

    Examples
    --------
    >>> relu_backward(torch.tensor([5.0, 6.0, 7.0]), torch.tensor([-1.0, 0.0, 2.0]))
    tensor([0., 0., 7.])
    """
    check_grad(grad, values.shape, values.dtype)
    passed = grad.clone()
    passed[values <= 0] = 0
    return passed


def add(branch: Tensor, shortcut: Tensor) -> Tensor:
    """Add the output of a residual block's branch to its shortcut.

    Parameters
    ----------
    branch, shortcut : tensors of one shape and dtype
        Nothing is broadcast: in a residual block, different sizes are a mistake.

    Returns
    -------
    tensor of the same shape

    Raises
    ------
    ValueError
        If the shapes or the dtypes differ.

    Examples
    --------
    >>> add(torch.tensor([1.0, -2.0]), torch.tensor([0.5, 0.5]))
    tensor([ 1.5000, -1.5000])
    """
    _check_sum(branch, shortcut)
    return branch + shortcut


def add_backward(grad: Tensor, branch: Tensor, shortcut: Tensor) -> tuple[Tensor, Tensor]:
    """Return the gradients of ``add``: branch and shortcut both get the whole gradient.

    That is why deep residual networks train: along the shortcut a gradient reaches the first layers unchanged.

    Parameters
    ----------
    grad : tensor
        Gradient of the loss with respect to the sum.
    branch, shortcut : tensors of the same shape
        As ``add`` got them.

    Returns
    -------
    two tensors of the same shape
        Gradients with respect to branch and shortcut: both are ``grad`` itself.

    Raises
    ------
    ValueError
        As in ``add``, or if ``grad`` does not have their shape.

    Examples
    --------
    >>> add_backward(torch.tensor([3.0]), torch.tensor([1.0]), torch.tensor([2.0]))
    (tensor([3.]), tensor([3.]))
    """
    _check_sum(branch, shortcut)
    check_grad(grad, branch.shape, branch.dtype)
    return grad, grad


def _check_linear(features: Tensor, weight: Tensor, bias: Tensor | None) -> None:
    check_rows(features, weight)
    check_dtype(weight, "weight", features.dtype, "features")
    if bias is not None:
        check_shape(bias, "bias", weight.shape[:1], "one value for each row of weight")
        check_dtype(bias, "bias", features.dtype, "features")


def _check_sum(branch: Tensor, shortcut: Tensor) -> None:
    remedy = "change its size, as a 1 x 1 convolution with a stride does"
    check_shape(shortcut, "shortcut", branch.shape, "the shape of branch", remedy)
    check_dtype(shortcut, "shortcut", branch.dtype, "branch")
