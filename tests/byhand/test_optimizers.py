"""Optimizers by hand: after 100 steps the parameters equal those of torch's optimizers."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.byhand.drawing import assert_drawn_together, draw_tensor
from tests.byhand.refusals import refused
from tlhelpers.byhand.optimizers import SGD, Adam, AdamW

STEPS = 100
PAIRS = {SGD: torch.optim.SGD, Adam: torch.optim.Adam, AdamW: torch.optim.AdamW}
SHAPES = st.lists(st.sampled_from([(), (1,), (3,), (0, 2), (2, 3), (2, 1, 3, 2)]), min_size=1, max_size=3)


def close(ours, expected, size=1.0):
    """Assert that values are equal within 1e-10, absolute or relative."""
    torch.testing.assert_close(torch.as_tensor(ours), torch.as_tensor(expected), rtol=1e-10, atol=1e-10 * size)


@st.composite
def tasks(draw, options):
    """Draw parameters, the gradients of 100 steps, a rate, whether it falls, and options of an optimizer."""
    shapes, scale = draw(SHAPES), 10.0 ** draw(st.integers(-3, 2))
    numbers = draw_tensor(draw, (STEPS + 1, sum(map(math.prod, shapes))))
    parts = numbers.split([math.prod(shape) for shape in shapes], dim=1)
    parameters = [part[0].reshape(shape) for part, shape in zip(parts, shapes, strict=True)]
    gradients = [scale * part[1:].reshape(STEPS, *shape) for part, shape in zip(parts, shapes, strict=True)]
    lr, falling, wanted = draw(st.sampled_from([0.001, 0.03, 0.3])), draw(st.booleans()), draw(st.booleans())
    return parameters, gradients, {"lr": lr, "falling": falling, "gradients wanted": wanted}, draw(options)


@st.composite
def sgd_options(draw):
    """Draw options of SGD that are allowed together."""
    nesterov = draw(st.booleans())
    momentum = draw(st.sampled_from([0.5, 0.9, 0.99] if nesterov else [0.0, 0.5, 0.9, 0.99]))
    dampening = 0.0 if nesterov else draw(st.sampled_from([0.0, 0.1, 0.5, 1.0]))
    weight_decay = draw(st.sampled_from([0.0, 1e-4, 0.1]))
    return {"momentum": momentum, "dampening": dampening, "weight_decay": weight_decay, "nesterov": nesterov}


@st.composite
def adam_options(draw):
    """Draw options of Adam and AdamW; with a second beta of 0 only a large eps, because the divisor may be near 0."""
    betas = draw(st.sampled_from([0.0, 0.5, 0.9, 0.95])), draw(st.sampled_from([0.0, 0.9, 0.99, 0.999]))
    eps = draw(st.sampled_from([1e-8, 1e-3, 1.0] if betas[1] else [1.0]))
    return {"betas": betas, "eps": eps, "weight_decay": draw(st.sampled_from([0.0, 0.01, 0.3]))}


def words(task):
    """Return words for the options of a task."""
    parameters, _, how, options = task
    found = {name for name in ("falling", "gradients wanted") if how[name]}
    found |= {name for name in ("momentum", "dampening", "weight_decay", "nesterov") if options.get(name)}
    if "betas" in options:
        found |= {f"beta {index} 0" for index, beta in enumerate(options["betas"]) if beta == 0}
        found |= {"large eps"} if options["eps"] > 0.1 else set()
    found |= {"several"} if len(parameters) > 1 else set()
    return found | {f"shape {tuple(parameter.shape)}" for parameter in parameters if parameter.ndim in (0, 4)}


def assert_ends_where_torch_does(kind, task):
    """Assert that 100 steps with the same gradients lead to the same parameters, by hand and in torch."""
    parameters, gradients, how, options = task
    theirs = [parameter.clone().requires_grad_() for parameter in parameters]
    reference = PAIRS[kind](theirs, how["lr"], **options)
    ours = [parameter.clone().requires_grad_(how["gradients wanted"]) for parameter in parameters]
    optimizer = kind(iter(ours), how["lr"], **options)
    for step in range(STEPS):
        if how["falling"]:
            optimizer.lr = reference.param_groups[0]["lr"] = how["lr"] * (1 - step / STEPS)
        for parameter, drawn in zip(theirs, gradients, strict=True):
            parameter.grad = drawn[step].clone()
        reference.step()
        optimizer.step([drawn[step] for drawn in gradients])
    for our, their in zip(ours, theirs, strict=True):
        close(our.detach(), their.detach())


@given(task=tasks(sgd_options()))
def test_sgd_equals_torch(task):
    """With any momentum, dampening, Nesterov momentum and weight decay, at a constant or falling rate."""
    assert_ends_where_torch_does(SGD, task)


@given(task=tasks(adam_options()))
def test_adam_equals_torch(task):
    """With any running means, eps and weight decay."""
    assert_ends_where_torch_does(Adam, task)


@given(task=tasks(adam_options()))
def test_adamw_equals_torch(task):
    """With any running means, eps and decoupled weight decay."""
    assert_ends_where_torch_does(AdamW, task)


@pytest.mark.slow
def test_options_of_sgd_are_drawn_together():
    """Every option is drawn with every other, except Nesterov momentum with dampening, which is not allowed."""
    wanted = {"momentum", "dampening", "weight_decay", "nesterov", "falling", "gradients wanted", "several"}
    wanted |= {"shape ()", "shape (2, 1, 3, 2)"}
    assert_drawn_together(tasks(sgd_options()), words, wanted, apart={("nesterov", "dampening")})


@pytest.mark.slow
def test_options_of_adam_are_drawn_together():
    """Every option is drawn with every other."""
    wanted = {"beta 0 0", "beta 1 0", "large eps", "weight_decay", "falling", "gradients wanted", "several"}
    assert_drawn_together(tasks(adam_options()), words, wanted | {"shape ()", "shape (2, 1, 3, 2)"})


@pytest.mark.parametrize("kind", PAIRS)
def test_defaults_are_those_of_torch(kind):
    """With a learning rate only, in float32, three steps lead to torch's parameters."""
    ours = torch.tensor([1.0, -2.0])
    theirs, gradient = ours.clone().requires_grad_(), torch.tensor([0.5, 3.0])
    optimizer, reference = kind([ours], 0.1), PAIRS[kind]([theirs], 0.1)
    theirs.grad = gradient
    for _ in range(3):
        optimizer.step([gradient])
        reference.step()
    torch.testing.assert_close(ours, theirs.detach(), rtol=0, atol=1e-6)


@pytest.mark.parametrize("kind", PAIRS)
def test_gradients_are_left_as_they_were(kind):
    """A step neither changes the gradients nor keeps them: their memory may be used again."""
    fresh, reused = torch.ones(2), torch.ones(2)
    options = {"momentum": 0.9} if kind is SGD else {}
    one, other = kind([fresh], 0.1, **options), kind([reused], 0.1, **options)
    room = torch.empty(2)
    for number in (1.0, -2.0, 0.5):
        gradient = torch.full((2,), number)
        one.step([gradient])
        other.step([room.fill_(number)])
        assert bool((gradient == number).all()) and bool((room == number).all())
    assert torch.equal(fresh, reused) and not torch.equal(fresh, torch.ones(2))


@pytest.mark.parametrize("kind", PAIRS)
def test_a_wrong_gradient_changes_nothing(kind):
    """All gradients are checked before the first parameter is changed."""
    parameters = [torch.ones(2), torch.ones(3)]
    with refused(r"gradients\[1\].shape is \(2,\); it must be \(3,\), .* in the order"):
        kind(parameters, 0.1).step([torch.ones(2), torch.ones(2)])
    assert bool((torch.cat(parameters) == 1).all())


# Errors

W = torch.zeros(3)
FROM_OTHERS = torch.zeros(3, requires_grad=True) * 2
BAD_PARAMETERS = {
    "none": ([], r"parameters is empty; it must hold at least one tensor; give the tensors"),
    "one tensor alone": (W, r"parameters is one tensor; it must be a list of tensors; put the tensor into a list"),
    "integers": ([W, W.long()], r"parameters\[1\] is torch.int64; it must be a tensor of floats"),
    "names": ({"weight": W}, r"parameters\[0\] is 'weight'; it must be a tensor of floats; give the \.values\(\)"),
    "computed": ([FROM_OTHERS], r"parameters\[0\] is computed from other tensors; .*detach it"),
}
BAD_OPTIONS = {
    "rate": (SGD, {"lr": -0.1}, r"lr is -0\.1; it must be 0 or more; give 0 or a positive"),
    "momentum": (SGD, {"momentum": -0.9}, r"momentum is -0\.9; it must be 0 or more; give 0 or a positive"),
    "decay": (SGD, {"weight_decay": -1}, r"weight_decay is -1; it must be 0 or more; give 0 or a positive"),
    "nesterov alone": (
        SGD,
        {"nesterov": True},
        r"nesterov is True; it must be False without momentum .*; give momentum=0\.9",
    ),
    "nesterov dampened": (
        SGD,
        {"nesterov": True, "momentum": 0.9, "dampening": 0.5},
        r"nesterov is True; it must be False .* with dampening; .*leave dampening out",
    ),
    "rate of Adam": (Adam, {"lr": -0.1}, r"lr is -0\.1; it must be 0 or more; give 0 or a positive"),
    "rate no number": (Adam, {"lr": float("nan")}, r"lr is nan; it must be 0 or more; give 0 or a positive"),
    "decay of Adam": (Adam, {"weight_decay": -1}, r"weight_decay is -1; it must be 0 or more; give 0 or a positive"),
    "eps": (Adam, {"eps": -1e-8}, r"eps is -1e-08; it must be 0 or more; give 0 or a positive"),
    "first beta": (
        Adam,
        {"betas": (1.0, 0.999)},
        r"betas is \(1\.0, 0\.999\); it must be two numbers .*; use \(0\.9, 0\.999\)",
    ),
    "large beta": (Adam, {"betas": (1.5, 0.999)}, r"betas is \(1\.5, 0\.999\); it must be two numbers"),
    "second beta": (AdamW, {"betas": (0.9, -0.1)}, r"betas is \(0\.9, -0\.1\); it must be two numbers"),
    "decay of AdamW": (AdamW, {"weight_decay": -1}, r"weight_decay is -1; it must be 0 or more; give 0 or a positive"),
}
BAD_GRADIENTS = {
    "too few": ([W], r"the number of gradients is 1; it must be 2, .*; give one gradient for each"),
    "too many": ([W, W, W], r"the number of gradients is 3; it must be 2, .*; give one gradient for each"),
    "none": ([W, None], r"gradients\[1\] is None; it must be a tensor; leave out the parameters"),
    "shape": ([W, torch.zeros(1)], r"gradients\[1\].shape is \(1,\); it must be \(3,\), the shape of its parameter"),
    "more axes": (
        [W, torch.zeros(3, 1)],
        r"gradients\[1\].shape is \(3, 1\); it must be \(3,\), the shape of its parameter",
    ),
    "dtype": ([W.double(), W], r"gradients\[0\].dtype is torch\.float64; it must be torch\.float32, the dtype of its"),
}


@pytest.mark.parametrize("kind", PAIRS)
@pytest.mark.parametrize(("parameters", "message"), BAD_PARAMETERS.values(), ids=BAD_PARAMETERS)
def test_bad_parameters_are_refused(kind, parameters, message):
    """The message shows the parameter and says what to do."""
    with refused(message):
        kind(parameters, 0.1)


@pytest.mark.parametrize("kind", PAIRS)
@pytest.mark.parametrize("name", ["none", "one tensor alone", "names", "computed"])
def test_torch_refuses_such_parameters_too(kind, name):
    """Torch refuses these parameters, too."""
    with pytest.raises((ValueError, TypeError)):
        PAIRS[kind](BAD_PARAMETERS[name][0], 0.1)


@pytest.mark.parametrize(("kind", "options", "message"), BAD_OPTIONS.values(), ids=BAD_OPTIONS)
def test_bad_options_are_refused(kind, options, message):
    """The message shows the option and its value; torch refuses these options, too."""
    with pytest.raises(ValueError):
        PAIRS[kind]([W], **({"lr": 0.1} | options))
    with refused(message):
        kind([W], **({"lr": 0.1} | options))


@pytest.mark.parametrize("kind", [Adam, AdamW])
@pytest.mark.parametrize("betas", [(), (0.9,), (0.9, 0.99, 0.999)])
def test_there_are_two_betas(kind, betas):
    """Another number of betas is refused at once; torch raises an error in the first step only."""
    with refused("betas is .*; it must be two numbers"):
        kind([W], 0.1, betas=betas)


@pytest.mark.parametrize("kind", PAIRS)
@pytest.mark.parametrize(("gradients", "message"), BAD_GRADIENTS.values(), ids=BAD_GRADIENTS)
def test_bad_gradients_are_refused(kind, gradients, message):
    """The message shows the index of the gradient."""
    with refused(message):
        kind([W, W.clone()], 0.1).step(gradients)


@pytest.mark.parametrize("make", [lambda w: SGD(w, 0.1, momentum=0.9), lambda w: Adam(w, 0.1), lambda w: AdamW(w, 0.1)])
def test_no_graph_is_kept(make):
    """Gradients that belong to a computation graph do not keep this graph alive after a step."""
    weight = torch.ones(3, requires_grad=True)
    optimizer = make([weight])
    for _ in range(2):
        optimizer.step([weight * 2])
    kept = [weight, *optimizer.parameters, *getattr(optimizer, "_velocities", getattr(optimizer, "_means", []))]
    assert all(tensor.grad_fn is None for tensor in kept)


@pytest.mark.parametrize(("ours", "theirs"), [(SGD, torch.optim.SGD), (Adam, torch.optim.Adam)])
def test_no_decay_leaves_infinity_alone(ours, theirs):
    """Without weight decay the parameter does not enter its gradient, because 0 times infinity is NaN."""
    mine, torchs = torch.tensor([torch.inf]), torch.tensor([torch.inf], requires_grad=True)
    torchs.grad = torch.tensor([1.0])
    ours([mine], 0.1).step([torchs.grad])
    theirs([torchs], 0.1).step()
    assert torch.equal(mine, torchs.detach())


def test_dampening_has_no_effect_without_momentum():
    """Without momentum there is no velocity, so that two steps equal torch's and those without dampening."""
    plain, ours, theirs = torch.ones(2), torch.ones(2), torch.ones(2, requires_grad=True)
    theirs.grad = torch.tensor([1.0, -2.0])
    optimizers = SGD([plain], 0.1), SGD([ours], 0.1, dampening=0.5)
    reference = torch.optim.SGD([theirs], 0.1, dampening=0.5)
    for _ in range(2):
        for optimizer in optimizers:
            optimizer.step([theirs.grad])
        reference.step()
    assert torch.equal(ours, theirs.detach()) and torch.equal(ours, plain)


BREAKS = [
    ("if self.weight_decay != 0:\n", "if True:\n"),
    ("gradient if self.weight_decay == 0 else gradient +", "gradient +"),
    ("gradient.detach()) for", "gradient) for"),
    ("velocity = gradient.clone()", "velocity = gradient"),
    # SGD
    ("parameter -= self.lr * gradient\n", "parameter += self.lr * gradient\n"),
    ("gradient = gradient + self.weight_decay * parameter", "gradient = gradient - self.weight_decay * parameter"),
    ("gradient = gradient + self.weight_decay * parameter", "gradient = gradient + self.weight_decay"),
    ("(1 - self.dampening) * gradient", "gradient"),
    ("(1 - self.dampening) * gradient", "self.dampening * gradient"),
    ("velocity = gradient.clone()", "velocity = (1 - self.dampening) * gradient"),
    ("velocity = gradient.clone()", "velocity = 0 * gradient"),
    ("self._velocities[index] = velocity\n", "pass\n"),
    ("velocity = self._velocities[index]\n", "velocity = self._velocities[0]\n"),
    ("gradient + self.momentum * velocity if self.nesterov", "velocity + self.momentum * velocity if self.nesterov"),
    ("gradient + self.momentum * velocity if self.nesterov", "gradient + velocity if self.nesterov"),
    ("if self.nesterov else velocity", "if not self.nesterov else velocity"),
    ("momentum > 0 and dampening == 0", "momentum > 0"),
    ("if self.momentum != 0:", "if True:"),
    # Adam
    ("mean = mean / (1 - first**self._steps)", "mean = mean * 1.0"),
    ("square = square / (1 - second**self._steps)", "square = square * 1.0"),
    ("(square**0.5 + self.eps)", "(square + self.eps) ** 0.5"),
    ("(square**0.5 + self.eps)", "(square + self.eps)"),
    ("(1 - second) * gradient * gradient", "(1 - second) * mean * mean"),
    ("(1 - first) * gradient\n", "first * gradient\n"),
    ("self._steps += 1", "self._steps += len(pairs)"),
    ("self._means[index], self._squares[index] = mean, square", "self._means[index] = mean"),
    ("betas: tuple[float, float] = (0.9, 0.999),\n        eps: float = 1e-8,\n        weight_decay: float = 0.0,",
     "betas: tuple[float, float] = (0.9, 0.999),\n        eps: float = 1e-8,\n        weight_decay: float = 0.01,"),
    # AdamW
    ("parameter *= 1 - self.lr * self.weight_decay", "parameter *= 1 - self.weight_decay"),
    ("parameter *= 1 - self.lr * self.weight_decay", "parameter *= 1 + self.lr * self.weight_decay"),
    ("parameter *= 1 - self.lr * self.weight_decay", "gradient = gradient + self.weight_decay * parameter"),
    ("parameter *= 1 - self.lr * self.weight_decay", "parameter = parameter * (1 - self.lr * self.weight_decay)"),
    ("weight_decay: float = 0.01", "weight_decay: float = 0.0"),
    # shared by all optimizers
    ("[parameter.detach() for parameter in parameters]", "[parameter.detach().clone() for parameter in parameters]"),
    ('        check_dtype(gradient, name, parameter.dtype, "its parameter", remedy)\n', ""),
]  # fmt: skip
