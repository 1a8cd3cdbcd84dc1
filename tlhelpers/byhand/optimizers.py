"""Optimizers by hand: SGD, Adam and AdamW.

Gradients come from elsewhere: ``step`` takes a list of them, in the order of the parameters.
"""

from collections.abc import Iterable

from torch import Tensor


class SGD:
    """Go downhill: subtract the gradient times the learning rate; with momentum, a running sum of gradients.

    Parameters
    ----------
    parameters : iterable of tensors
        Of floats, changed in place.
    lr : float
        The learning rate. The attributes ``lr`` and ``momentum`` may be changed between steps.
    momentum : float
        The share of the last velocity that is kept. The first velocity is the first gradient.
    dampening : float
        The share of a gradient that does not enter the velocity, from the second step on.
    weight_decay : float
        Times the parameter, added to its gradient.
    nesterov : bool
        Look ahead: gradient + momentum velocity, in place of the velocity.

    Raises
    ------
    ValueError
        If there is no parameter, one is no float tensor or was computed from others, an option is negative, or
        ``nesterov`` comes without momentum or with dampening.

    Examples
    --------
    >>> import torch
    >>> weight = torch.tensor([1.0])
    >>> optimizer = SGD([weight], 0.1, momentum=0.9)
    >>> for _ in range(2):  # downhill on weight ** 2 / 2, whose gradient is the weight
    ...     optimizer.step([weight])
    >>> weight
    tensor([0.7200])
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: float,
        *,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
    ) -> None:
        self.parameters = _checked(parameters)
        _check_positive(lr=lr, momentum=momentum, dampening=dampening, weight_decay=weight_decay)
        if nesterov and (momentum == 0 or dampening != 0):
            raise ValueError(
                f"nesterov needs momentum and no dampening, got momentum {momentum} and dampening {dampening}: "
                "give momentum=0.9 and leave dampening out"
            )
        self.lr, self.momentum, self.dampening = lr, momentum, dampening
        self.weight_decay, self.nesterov = weight_decay, nesterov
        self._velocities: list[Tensor | None] = [None] * len(self.parameters)

    def step(self, gradients: Iterable[Tensor]) -> None:
        """Change every parameter once; raise ValueError if a gradient has not the shape and dtype of its own."""
        for index, (parameter, gradient) in enumerate(_paired(self.parameters, gradients)):
            if self.weight_decay != 0:
                gradient = gradient + self.weight_decay * parameter
            if self.momentum != 0:
                gradient = self._with_momentum(index, gradient)
            parameter -= self.lr * gradient

    def _with_momentum(self, index: int, gradient: Tensor) -> Tensor:
        velocity = self._velocities[index]
        velocity = gradient.clone() if velocity is None else self.momentum * velocity + (1 - self.dampening) * gradient
        self._velocities[index] = velocity
        return gradient + self.momentum * velocity if self.nesterov else velocity


class Adam:
    """Step by the running mean of the gradients, divided by the root of the running mean of their squares.

    Every number so has a step length of its own, about ``lr`` at first, whatever the size of its gradients.
    Source: Kingma and Ba, Adam: a method for stochastic optimization (2015), algorithm 1.

    Parameters
    ----------
    parameters : iterable of tensors
        Of floats, changed in place.
    lr : float
        The learning rate. The attributes ``lr`` and ``betas`` may be changed between steps.
    betas : (float, float)
        The shares of the two running means that are kept, below 1.
    eps : float
        Added to the root, so that nothing is divided by zero.
    weight_decay : float
        Times the parameter, added to its gradient.

    Raises
    ------
    ValueError
        If there is no parameter, one is no float tensor or was computed from others, an option is negative, or a
        beta is not below 1.

    Examples
    --------
    >>> import torch
    >>> weights = torch.tensor([1.0, 1.0])
    >>> Adam([weights], 0.1).step([torch.tensor([0.001, -1000.0])])
    >>> weights
    tensor([0.9000, 1.1000])
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: float,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        self.parameters = _checked(parameters)
        _check_positive(lr=lr, eps=eps, weight_decay=weight_decay)
        if len(betas) != 2 or not all(0 <= beta < 1 for beta in betas):
            raise ValueError(f"betas must be two shares from 0 to below 1, got {betas}: (0.9, 0.999) is usual")
        self.lr, self.betas, self.eps, self.weight_decay = lr, betas, eps, weight_decay
        self._steps = 0
        self._means = [parameter.new_zeros(parameter.shape) for parameter in self.parameters]
        self._squares = [parameter.new_zeros(parameter.shape) for parameter in self.parameters]

    def step(self, gradients: Iterable[Tensor]) -> None:
        """Change every parameter once; raise ValueError if a gradient has not the shape and dtype of its own."""
        pairs, (first, second) = _paired(self.parameters, gradients), self.betas
        self._steps += 1
        for index, (parameter, gradient) in enumerate(pairs):
            gradient = self._decay(parameter, gradient)
            mean = first * self._means[index] + (1 - first) * gradient
            square = second * self._squares[index] + (1 - second) * gradient * gradient
            self._means[index], self._squares[index] = mean, square
            mean = mean / (1 - first**self._steps)  # both began at zero, and lean towards it
            square = square / (1 - second**self._steps)
            parameter -= self.lr * mean / (square**0.5 + self.eps)

    def _decay(self, parameter: Tensor, gradient: Tensor) -> Tensor:
        return gradient if self.weight_decay == 0 else gradient + self.weight_decay * parameter


class AdamW(Adam):
    """Adam with a weight decay of its own: every step also shrinks the parameters by lr weight_decay.

    In ``Adam`` the decay is part of the gradient and divided like it, so that large gradients hide it.
    Source: Loshchilov and Hutter, Decoupled weight decay regularization (2019), algorithm 2.

    Parameters, errors and use are those of ``Adam``.

    Examples
    --------
    >>> import torch
    >>> weights = torch.tensor([1.0])
    >>> AdamW([weights], 0.1, weight_decay=0.5).step([torch.tensor([0.0])])
    >>> weights
    tensor([0.9500])
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: float,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
    ) -> None:
        super().__init__(parameters, lr, betas=betas, eps=eps, weight_decay=weight_decay)

    def _decay(self, parameter: Tensor, gradient: Tensor) -> Tensor:
        parameter *= 1 - self.lr * self.weight_decay
        return gradient


def _checked(parameters: Iterable[Tensor]) -> list[Tensor]:
    """Return the parameters without what autograd knows of them; they share their memory."""
    if isinstance(parameters, Tensor):
        raise ValueError(
            f"parameters must be a list of tensors, got one of shape {tuple(parameters.shape)}: put it into a list"
        )
    parameters = list(parameters)
    if not parameters:
        raise ValueError("parameters must hold at least one tensor, got an empty list: give what is to be trained")
    for parameter in parameters:
        if not isinstance(parameter, Tensor) or not parameter.is_floating_point():
            got = parameter.dtype if isinstance(parameter, Tensor) else repr(parameter)
            raise ValueError(f"parameters must be tensors of floats, got {got}: of a dict, give its .values()")
        if not parameter.is_leaf:
            raise ValueError(
                f"a parameter of shape {tuple(parameter.shape)} was computed from others, which a step would not "
                "reach: give those, or detach it"
            )
    return [parameter.detach() for parameter in parameters]


def _paired(parameters: list[Tensor], gradients: Iterable[Tensor]) -> list[tuple[Tensor, Tensor]]:
    gradients = list(gradients)
    if len(gradients) != len(parameters):
        raise ValueError(
            f"there are {len(parameters)} parameters, but got {len(gradients)} gradients: give one for each, in order"
        )
    for number, (parameter, gradient) in enumerate(zip(parameters, gradients, strict=True)):
        if not isinstance(gradient, Tensor):
            raise ValueError(f"gradient {number} must be a tensor, got {gradient!r}: leave its parameter out if frozen")
        if gradient.shape != parameter.shape or gradient.dtype != parameter.dtype:
            raise ValueError(
                f"gradient {number} must be {parameter.dtype} of shape {tuple(parameter.shape)} as its parameter is, "
                f"got {gradient.dtype} of shape {tuple(gradient.shape)}: give them in the order of the parameters"
            )
    return [(parameter, gradient.detach()) for parameter, gradient in zip(parameters, gradients, strict=True)]


def _check_positive(**numbers: float) -> None:
    for name, number in numbers.items():
        if not number >= 0:
            raise ValueError(f"{name} must not be negative, got {number}: give 0 or a positive number")
