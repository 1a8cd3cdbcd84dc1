"""Optimizers by hand: SGD, Adam and AdamW.

The gradients are computed elsewhere: ``step`` takes a list of them, in the order of the parameters.
"""

from collections.abc import Iterable

from torch import Tensor

from tlhelpers.byhand.arguments import check_dtype, check_shape, require


class SGD:
    """Stochastic gradient descent: subtract the gradient, or a running sum of gradients, times the learning rate.

    Parameters
    ----------
    parameters : iterable of tensors
        Tensors of floats, changed in place.
    lr : float
        The learning rate. The attributes ``lr`` and ``momentum`` may be changed between steps.
    momentum : float
        The share of the last velocity that is kept. The first velocity is the first gradient.
    dampening : float
        The share of a gradient that does not enter the velocity, from the second step on.
    weight_decay : float
        This factor times the parameter is added to its gradient.
    nesterov : bool
        Nesterov momentum: a step along gradient + momentum * velocity instead of the velocity.

    Raises
    ------
    ValueError
        If there is no parameter, one is not a tensor of floats or is computed from others, an option is negative, or
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
        self.parameters = _detached(parameters)
        _check_not_negative(lr=lr, momentum=momentum, dampening=dampening, weight_decay=weight_decay)
        allowed, rule = momentum > 0 and dampening == 0, "be False without momentum or with dampening"
        require(allowed or not nesterov, "nesterov", nesterov, rule, "give momentum=0.9 and leave dampening out")
        self.lr, self.momentum, self.dampening = lr, momentum, dampening
        self.weight_decay, self.nesterov = weight_decay, nesterov
        self._velocities: list[Tensor | None] = [None] * len(self.parameters)

    def step(self, gradients: Iterable[Tensor]) -> None:
        """Change every parameter once; raise ValueError if a gradient has another shape or dtype than its parameter."""
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

    So every parameter has its own step length, about ``lr`` at first, whatever the size of its gradients.
    Source: D. P. Kingma, J. Ba, "Adam: a method for stochastic optimization", ICLR 2015, algorithm 1.

    Parameters
    ----------
    parameters : iterable of tensors
        Tensors of floats, changed in place.
    lr : float
        The learning rate. The attributes ``lr`` and ``betas`` may be changed between steps.
    betas : (float, float)
        The shares of the two running means that are kept, below 1.
    eps : float
        Added to the root, so that nothing is divided by zero.
    weight_decay : float
        This factor times the parameter is added to its gradient.

    Raises
    ------
    ValueError
        If there is no parameter, one is not a tensor of floats or is computed from others, an option is negative, or a
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
        self.parameters = _detached(parameters)
        _check_not_negative(lr=lr, eps=eps, weight_decay=weight_decay)
        shares = len(betas) == 2 and all(0 <= beta < 1 for beta in betas)
        require(shares, "betas", betas, "be two numbers from 0 to below 1", "use (0.9, 0.999) as torch does")
        self.lr, self.betas, self.eps, self.weight_decay = lr, betas, eps, weight_decay
        self._steps = 0
        self._means = [parameter.new_zeros(parameter.shape) for parameter in self.parameters]
        self._squares = [parameter.new_zeros(parameter.shape) for parameter in self.parameters]

    def step(self, gradients: Iterable[Tensor]) -> None:
        """Change every parameter once; raise ValueError if a gradient has another shape or dtype than its parameter."""
        pairs, (first, second) = _paired(self.parameters, gradients), self.betas
        self._steps += 1
        for index, (parameter, gradient) in enumerate(pairs):
            gradient = self._decay(parameter, gradient)
            mean = first * self._means[index] + (1 - first) * gradient
            square = second * self._squares[index] + (1 - second) * gradient * gradient
            self._means[index], self._squares[index] = mean, square
            mean = mean / (1 - first**self._steps)  # both start at zero, and are too small at first
            square = square / (1 - second**self._steps)
            parameter -= self.lr * mean / (square**0.5 + self.eps)

    def _decay(self, parameter: Tensor, gradient: Tensor) -> Tensor:
        return gradient if self.weight_decay == 0 else gradient + self.weight_decay * parameter


class AdamW(Adam):
    """Adam with decoupled weight decay: every step also multiplies the parameters by 1 - lr * weight_decay.

    In ``Adam`` the decay is part of the gradient and is divided like it, so that large gradients make it small.
    Source: I. Loshchilov, F. Hutter, "Decoupled weight decay regularization", ICLR 2019, algorithm 2.

    Parameters
    ----------
    parameters, lr, betas, eps
        As in ``Adam``, and so are the errors.
    weight_decay : float
        The share of every parameter that a step at a learning rate of 1 would remove.

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


def _detached(parameters: Iterable[Tensor]) -> list[Tensor]:
    """Return the parameters detached from the computation graph; they share their memory."""
    single = isinstance(parameters, Tensor)
    require(not single, "parameters", "one tensor", "be a list of tensors", "put the tensor into a list")
    parameters = list(parameters)
    require(len(parameters) > 0, "parameters", "empty", "hold at least one tensor", "give the tensors to train")
    for index, parameter in enumerate(parameters):
        name, is_tensor = f"parameters[{index}]", isinstance(parameter, Tensor)
        floats = is_tensor and parameter.is_floating_point()
        kind = parameter.dtype if is_tensor else repr(parameter)
        require(floats, name, kind, "be a tensor of floats", "give the .values() if parameters are a dict")
        remedy = "give the tensors that it is computed from, or detach it"
        require(parameter.is_leaf, name, "computed from other tensors", "be a leaf of the computation graph", remedy)
    return [parameter.detach() for parameter in parameters]


def _paired(parameters: list[Tensor], gradients: Iterable[Tensor]) -> list[tuple[Tensor, Tensor]]:
    """Return each parameter with its gradient, after all of them have been checked."""
    gradients = list(gradients)
    matching, remedy = len(gradients) == len(parameters), "give one gradient for each parameter, in their order"
    require(matching, "the number of gradients", len(gradients), f"be {len(parameters)}, as of the parameters", remedy)
    for index, (parameter, gradient) in enumerate(zip(parameters, gradients, strict=True)):
        name, remedy = f"gradients[{index}]", "give the gradients in the order of the parameters"
        frozen = "leave out the parameters that are frozen"
        require(isinstance(gradient, Tensor), name, repr(gradient), "be a tensor", frozen)
        check_shape(gradient, name, parameter.shape, "the shape of its parameter", remedy)
        check_dtype(gradient, name, parameter.dtype, "its parameter", remedy)
    return [(parameter, gradient.detach()) for parameter, gradient in zip(parameters, gradients, strict=True)]


def _check_not_negative(**options: float) -> None:
    for name, value in options.items():
        require(value >= 0, name, value, "be 0 or more", "give 0 or a positive number")
