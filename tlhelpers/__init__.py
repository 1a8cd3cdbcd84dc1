"""Transfer learning for image recognition: the helper package of the notebook series.

``__init__.pyi`` beside this file is the table of contents. Every public name is imported from its module the first
time it is used, so ``import tlhelpers`` is quick.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
