"""Batch norm by hand: every channel to mean 0 and variance 1, then scaled and shifted by learned parameters.

In training, mean and variance are those of the batch; in eval mode they are running averages from training.

Source: S. Ioffe, C. Szegedy, "Batch Normalization", ICML 2015, algorithms 1 and 2; the gradient is in section 3.
"""

from torch import Tensor

from tlhelpers.byhand.arguments import check_dtype, check_floats, check_grad, check_images, check_shape, require, upcast


def batch_norm2d(
    images: Tensor,
    weight: Tensor,
    bias: Tensor,
    running_mean: Tensor,
    running_var: Tensor,
    *,
    training: bool,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Normalize each channel, then scale and shift it.

    In training mode the two running tensors are changed in place: each moves by ``momentum`` times its distance to
    the statistics of this batch. The batch is normalized with its own variance, divided by the count n; the running
    variance follows the unbiased one, divided by n - 1, as in torch. An empty batch is accepted and changes nothing.

    Parameters
    ----------
    images : (N, C, H, W) tensor of floats
        Unbatched images are refused.
    weight, bias : (C,) tensors
        The learned scale and shift.
    running_mean, running_var : (C,) tensors
        Read in eval mode, written in training mode.
    training : bool
        Normalize with the statistics of these images (True) or with the running ones (False).
    momentum : float
        Weight of the new batch in the running statistics, from 0 to 1.
    eps : float
        Added to the variance, so that a constant channel is not divided by zero.

    Returns
    -------
    (N, C, H, W) tensor

    Raises
    ------
    ValueError
        If a shape or dtype is not one of the above, ``eps`` is too small, or in training a channel has only one value.

    Examples
    --------
    >>> import torch
    >>> one, zero, mean, var = torch.ones(1), torch.zeros(1), torch.zeros(1), torch.ones(1)
    >>> images = torch.tensor([1.0, 3.0]).reshape(2, 1, 1, 1)
    >>> batch_norm2d(images, one, zero, mean, var, training=True).flatten()
    tensor([-1.0000,  1.0000])
    >>> mean, var  # a tenth of the way from 0 to 2, and from 1 to 2
    (tensor([0.2000]), tensor([1.1000]))
    """
    _check(images, weight, bias, running_mean, running_var, training, eps)
    mean, variance = running_mean, running_var
    if training:
        mean, variance = _statistics(images)
        _update_running(running_mean, running_var, mean.detach(), variance.detach(), _count(images), momentum)
    scale = weight / (upcast(variance) + eps) ** 0.5  # (C,)
    return ((upcast(images) - _per_pixel(mean)) * _per_pixel(scale) + _per_pixel(bias)).to(images.dtype)


def batch_norm2d_backward(
    grad: Tensor,
    images: Tensor,
    weight: Tensor,
    bias: Tensor,
    running_mean: Tensor,
    running_var: Tensor,
    *,
    training: bool,
    eps: float = 1e-5,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the gradients of the images, the weight and the bias of ``batch_norm2d``.

    In eval mode the statistics are constants, and the gradient is only scaled. In training mode they depend on every
    pixel of the batch: shifting or scaling a whole channel has no effect, so this part is removed from the gradient.
    Nothing is written to the running statistics.

    Parameters
    ----------
    grad : (N, C, H, W) tensor
        Gradient of the loss with respect to what ``batch_norm2d`` returned.
    images, weight, bias, running_mean, running_var, training, eps
        As ``batch_norm2d`` got them.

    Returns
    -------
    grad_images : (N, C, H, W) tensor
    grad_weight, grad_bias : (C,) tensors

    Raises
    ------
    ValueError
        As in ``batch_norm2d``, and if ``grad`` does not have the shape of the images.

    Examples
    --------
    >>> import torch
    >>> one, zero = torch.ones(1), torch.zeros(1)
    >>> images, grad = torch.tensor([[1.0], [3.0]])[:, :, None, None], torch.ones(2, 1, 1, 1)
    >>> gradients = batch_norm2d_backward(grad, images, one, zero, zero, one, training=True)
    >>> gradients[0].flatten()  # no change of the inputs can raise all outputs alike
    tensor([0., 0.])
    """
    _check(images, weight, bias, running_mean, running_var, training, eps)
    check_grad(grad, images.shape, images.dtype)
    mean, variance = _statistics(images) if training else (running_mean, running_var)
    inverse = (upcast(variance) + eps) ** -0.5  # (C,)
    normalized = (upcast(images) - _per_pixel(mean)) * _per_pixel(inverse)  # (N, C, H, W)
    grad = upcast(grad)
    grad_weight, grad_bias = _channel_sums(grad * normalized), _channel_sums(grad)
    if training:
        grad = grad - (_per_pixel(grad_bias) + normalized * _per_pixel(grad_weight)) / _count(images)
    grad_images = grad * _per_pixel(weight * inverse)
    return grad_images.to(images.dtype), grad_weight.to(images.dtype), grad_bias.to(images.dtype)


def _statistics(images: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean and the biased variance of each channel: (C,), (C,)."""
    images, count = upcast(images), _count(images)
    mean = _channel_sums(images) / count
    return mean, _channel_sums((images - _per_pixel(mean)) ** 2) / count


def _update_running(
    running_mean: Tensor, running_var: Tensor, mean: Tensor, variance: Tensor, count: int, momentum: float
) -> None:
    """Move the running statistics towards those of a batch, in place."""
    if count:
        unbiased = variance * count / (count - 1)
        running_mean += momentum * (mean - running_mean)
        running_var += momentum * (unbiased - running_var)


def _channel_sums(values: Tensor) -> Tensor:
    return values.sum(dim=(0, 2, 3))  # (N, C, H, W) -> (C,)


def _per_pixel(per_channel: Tensor) -> Tensor:
    return per_channel[:, None, None]  # (C,) -> (C, 1, 1), which goes with (N, C, H, W)


def _count(images: Tensor) -> int:
    """Count the values of one channel."""
    return images[:, 0].numel()


def _check(
    images: Tensor, weight: Tensor, bias: Tensor, running_mean: Tensor, running_var: Tensor, training: bool, eps: float
) -> None:
    check_images(images)
    check_floats(images, "images")
    named = {"weight": weight, "bias": bias, "running_mean": running_mean, "running_var": running_var}
    for name, tensor in named.items():
        check_shape(tensor, name, images.shape[1:2], "one value for each channel of the images")
        check_dtype(tensor, name, images.dtype, "images")
    smallest = "be positive in training mode" if training else "be 0 or more"
    require(not (eps < 0 or (training and eps == 0)), "eps", eps, smallest, "use 1e-5 as torch does")
    shape, enough = tuple(images.shape), "have more than one value per channel in training mode"
    remedy = "give more images or larger ones, or use eval mode"  # one value minus its own mean is always 0
    require(_count(images) != 1 or not training, "images.shape", shape, enough, remedy)
