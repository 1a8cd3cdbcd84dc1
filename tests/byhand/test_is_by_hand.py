"""The modules of ``tlhelpers.byhand`` call no function that does the computation for them."""

import ast
from pathlib import Path

import pytest

import tlhelpers.byhand

NN = Path(tlhelpers.byhand.__file__).parent / "nn.py"  # gives the functions by hand the names of torch.nn, see below
FILES = sorted(path for path in NN.parent.glob("*.py") if path != NN)

# All modules that may be imported, all names of torch that may be used (storage, exp and log, maxima), and all
# attributes of tensors (shapes, storage, indexing, comparisons, sums and maxima). Every other name is refused.
MODULES = {"math", "collections.abc", "typing", "torch", "tlhelpers.byhand"}
FROM_TORCH = {
    *("Generator", "bfloat16", "bool", "dtype", "exp", "float16", "inf", "int8", "log", "maximum", "zeros"),
}
OF_TENSORS = {
    *("T", "dtype", "is_complex", "is_floating_point", "is_leaf", "mT", "ndim", "numel", "shape"),
    *("bool", "clone", "detach", "float", "int", "item", "long", "to"),
    *(
        "fill_diagonal_",
        "masked_fill",
        "new_empty",
        "new_full",
        "new_ones",
        "new_zeros",
        "normal_",
        "uniform_",
        "where",
    ),
    *("flatten", "reshape", "transpose", "unbind"),
    *("abs", "amax", "round", "sum"),
}
OF_PYTHON = {"__init__", "cos", "items", "nan", "pi", "prod", "sqrt", "stop"}
LOOKED_UP = {"getattr", "vars", "eval", "exec", "globals", "locals", "__import__", "import_module"}


def own_names() -> set[str]:
    """Return the methods and attributes that the classes of the package define."""
    nodes = [node for path in FILES for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))]
    methods = {
        part.name for node in nodes if isinstance(node, ast.ClassDef) for part in node.body if hasattr(part, "name")
    }
    kept = {
        node.attr
        for node in nodes
        if isinstance(node, ast.Attribute)
        and isinstance(node.ctx, ast.Store)
        and getattr(node.value, "id", "") == "self"
    }
    return methods | kept


ALLOWED = OF_TENSORS | OF_PYTHON | own_names()


def ready_made(source: str, modules: set[str] = MODULES, allowed: set[str] = ALLOWED) -> list[str]:
    """List what a module imports or uses that it should have written itself."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [name.name for name in node.names if name.name not in modules or name.asname]
        elif isinstance(node, ast.ImportFrom):
            names = {name.name for name in node.names}
            own = (node.module or "").startswith("tlhelpers.byhand")
            usable = {"Tensor"} if node.module == "torch" else names
            if not own and (node.module not in modules or names - usable or node.level):
                found.append(f"from {node.module} import {', '.join(sorted(names))}")
        elif isinstance(node, ast.Attribute):
            of_torch = isinstance(node.value, ast.Name) and node.value.id == "torch"
            if node.attr not in (FROM_TORCH if of_torch else allowed):
                found.append(node.attr)
        elif isinstance(node, ast.Name) and node.id in LOOKED_UP:
            found.append(node.id)
    return found


# All that a layer of nn.py may ask of itself and of autograd, besides what all modules may use: its parameters and
# options. It may not ask for ``forward``, so that it cannot leave the computation to the layer of torch.
OF_LAYERS = {
    *("weight", "bias", "running_mean", "running_var", "num_batches_tracked", "training"),
    *("stride", "padding", "dilation", "groups", "kernel_size", "ceil_mode", "output_size", "eps", "momentum"),
    *("only", "_require_option", "__name__", "apply", "backward_by_hand", "save_for_backward", "saved_tensors"),
}
READ_OPTION = "getattr(self, name)"


def ready_made_in_layers(source: str) -> list[str]:
    """List what nn.py uses that is not by hand: torch's layers may be parents, but compute nothing."""
    tree, found = ast.parse(source), []
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            methods = {part.name for part in node.body if isinstance(part, ast.FunctionDef)}
            parents = [ast.unparse(parent) for parent in node.bases]
            if any(parent.startswith("torch.") for parent in parents) and "forward" not in methods:
                found.append(f"{node.name} inherits forward")
            node.bases = [parent for parent in node.bases if not ast.unparse(parent).startswith("torch.")]
    without_parents = ast.unparse(tree).replace(READ_OPTION, "option")
    return found + ready_made(without_parents, MODULES | {"functools"}, ALLOWED | OF_LAYERS)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_nothing_ready_made_is_used(path):
    """A module uses indexing, arithmetic, matrix products, exp, log, sums and maxima only."""
    assert ready_made(path.read_text(encoding="utf-8")) == []


def test_layers_compute_nothing_but_by_hand():
    """The layers of nn.py take parameters and options from torch.nn, and no computation."""
    assert ready_made_in_layers(NN.read_text(encoding="utf-8")) == []


LAYER = """
class Linear(torch.nn.Linear):
    def forward(self, features):
        return {}
"""


@pytest.mark.parametrize(
    "result",
    [
        "super().forward(features)",
        "torch.nn.Linear.forward(self, features)",
        "torch.nn.functional.linear(features, self.weight)",
        "F.linear(features)",
        "features.addmm(self.weight, self.bias)",
        "self._conv_forward(features, self.weight, self.bias)",
        "getattr(torch, 'conv2d')(features, self.weight)",
    ],
)
def test_a_layer_that_lets_torch_compute_is_recognized(result):
    """A layer may not call its parent's computation, nor any function of torch."""
    assert ready_made_in_layers(LAYER.format(result))


def test_a_layer_that_inherits_its_computation_is_recognized():
    """A subclass of torch's layer without a forward of its own would compute with torch."""
    assert ready_made_in_layers("class Linear(torch.nn.Linear):\n    pass") == ["Linear inherits forward"]
    assert ready_made_in_layers(LAYER.format("linear(features, self.weight, self.bias)")) == []


def test_every_module_is_looked_at():
    """The list of files holds all modules but nn.py, which has a test of its own."""
    assert {"__init__.py", "convolution.py"} <= {path.name for path in FILES} and NN.exists()


@pytest.mark.parametrize(
    "source",
    [
        "import torch.nn",
        "import torch.nn.functional as F",
        "import torch as t",
        "import numpy",
        "from torch import nn",
        "from torch import softmax",
        "from torch.nn import functional",
        "from torch.autograd import grad",
        "from torchvision import ops",
        "from ..resnet import ResNet50",
        "torch.nn.functional.conv2d(images, weight)",
        "torch.conv2d(images, weight)",
        "torch.ops.aten.convolution(images)",
        "torch._C._nn.cross_entropy_loss(logits)",
        "images.unfold(2, 3, 1)",
        "logits.softmax(-1)",
        "logits.log_softmax(-1)",
        "logits.logsumexp(-1)",
        "images.as_strided((1,), (1,))",
        "loss.backward()",
        "weight.requires_grad_()",
        "weight.grad",
        "torch.max_pool2d(images, 2)",
        "torch.__dict__['conv2d']",
        "getattr(torch, 'con' + 'v2d')",
        "logits.logcumsumexp(-1)",
        "values.clamp(min=0)",
        "images.mean((0, 2, 3))",
        "images.var()",
        "values.prelu(weight)",
        "images.norm()",
        "images.std()",
        "matrix.addbmm(left, right)",
        "weight.renorm(2, 0, 1)",
        "from . import nn",
        "from .windows import im2col",
        "locals()",
    ],
)
def test_ready_made_functions_are_recognized(source):
    """Each of these ways to let torch do the computation is found."""
    assert ready_made(source)


@pytest.mark.parametrize(
    "source",
    [
        "import torch",
        "from torch import Tensor",
        "from tlhelpers.byhand.convolution import conv2d",
        "outputs = weight.flatten(1) @ windows",
        "(window * weight).sum() + bias[:, None]",
        "torch.exp(logits - logits.amax(-1, keepdim=True))",
        "conv2d(images, weight)",
    ],
)
def test_arithmetic_is_allowed(source):
    """Arithmetic and our own functions with the names of torch's are allowed."""
    assert ready_made(source) == []
