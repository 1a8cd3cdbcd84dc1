"""Tools for authors of the notebooks; readers do not need them."""
