"""Keeps torchvision importable beside a torch that its compiled operators do not fit.

Neither timm nor transformers calls a torchvision operator here, yet both import torchvision, and its import stops with
"operator torchvision::nms does not exist" when its library cannot be loaded (a CPU-only torch, for one). Declaring the
two names that the import looks up is enough; where the library loads, nothing is declared. Import this module first.
"""

from __future__ import annotations

import importlib.util
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader, FileFinder

import torch

OPERATORS = ("nms", "qnms")
SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"


def compiled_operators_load() -> bool:
    """Whether torchvision's own library can be loaded into this torch: what its import will try as well."""
    spec = importlib.util.find_spec("torchvision")
    if spec is None or not spec.submodule_search_locations:
        return True  # no torchvision: nothing to mend
    folder = spec.submodule_search_locations[0]
    library = FileFinder(folder, (ExtensionFileLoader, EXTENSION_SUFFIXES)).find_spec("_C")
    if library is None or library.origin is None:
        return False
    try:
        torch.ops.load_library(library.origin)
    except OSError:
        return False
    return True


def declare_missing_operators() -> torch.library.Library | None:
    """Declares what the import of torchvision looks up; None where nothing was missing."""
    if compiled_operators_load():
        return None
    missing = [name for name in OPERATORS if not hasattr(torch.ops.torchvision, name)]
    if not missing:
        return None
    library = torch.library.Library("torchvision", "FRAGMENT")
    for name in missing:
        library.define(f"{name}{SCHEMA}")
    return library


DECLARED = declare_missing_operators()  # the declarations live as long as this reference does
