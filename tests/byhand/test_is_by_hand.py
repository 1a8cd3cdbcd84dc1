"""By hand means by hand: the modules of ``tlhelpers.byhand`` call nothing that does their work for them."""

import ast
from pathlib import Path

import pytest

import tlhelpers.byhand

# nn.py gives these functions the names of torch.nn; test_nn.py shows that its layers compute with nothing else
FILES = sorted(path for path in Path(tlhelpers.byhand.__file__).parent.glob("*.py") if path.name != "nn.py")

# All that may be imported, all of torch that may be used (storage, exp and log, maxima), and all that tensors may be
# asked for: shapes, storage, indexing, comparisons, sums and maxima. What is not named here is not there.
MODULES = {"math", "collections.abc", "typing", "torch", "tlhelpers.byhand"}
FROM_TORCH = {
    *("Generator", "Tensor", "bfloat16", "bool", "dtype", "exp", "float16", "inf", "int8", "log", "maximum"),
    *("arange", "tensor", "zeros"),
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
OF_PYTHON = {"__init__", "cos", "items", "join", "nan", "pi", "prod", "sqrt", "stop"}
LOOKED_UP = {"getattr", "vars", "eval", "exec", "globals", "locals", "__import__", "import_module"}


def own_names() -> set[str]:
    """Return what the classes of the package define: methods, and what they keep in ``self``."""
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


def ready_made(source: str) -> list[str]:
    """List what a module imports or uses that it should have written itself."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [name.name for name in node.names if name.name not in MODULES or name.asname]
        elif isinstance(node, ast.ImportFrom):
            names = {name.name for name in node.names}
            own = (node.module or "").startswith("tlhelpers.byhand")
            allowed = {"Tensor"} if node.module == "torch" else names
            if not own and (node.module not in MODULES or names - allowed or node.level):
                found.append(f"from {node.module} import {', '.join(sorted(names))}")
        elif isinstance(node, ast.Attribute):
            of_torch = isinstance(node.value, ast.Name) and node.value.id == "torch"
            if node.attr not in (FROM_TORCH if of_torch else ALLOWED):
                found.append(node.attr)
        elif isinstance(node, ast.Name) and node.id in LOOKED_UP:
            found.append(node.id)
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_nothing_ready_made_is_used(path):
    """Tensor indexing, arithmetic, matrix products, exp, log, sums and maxima are all there is."""
    assert ready_made(path.read_text(encoding="utf-8")) == []


def test_every_module_is_looked_at():
    """The list of files is not empty, or moved away."""
    assert {"__init__.py", "convolution.py"} <= {path.name for path in FILES}


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
    """Each of these ways to let torch do the work would be found."""
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
def test_arithmetic_is_let_through(source):
    """The test does not forbid what hands may do, nor our own functions of the same names."""
    assert ready_made(source) == []
