"""torchvision imports wherever the model does, whether or not its compiled operators load."""

from __future__ import annotations

import subprocess
import sys

from tests.house import HOUSE


def run(code: str) -> str:
    """A fresh interpreter: an import that failed, or an operator once declared, cannot be undone in this one."""
    finished = subprocess.run(
        [sys.executable, "-c", code], cwd=HOUSE, capture_output=True, text=True, timeout=100, check=False
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout.strip()


def test_timm_and_torchvision_import_after_the_declarations() -> None:
    code = "from model_src.models import torchvision_ops; import torchvision, timm; print(torchvision.__name__)"
    assert run(code) == "torchvision"


def test_nothing_is_declared_where_the_compiled_operators_load() -> None:
    code = """
import importlib.util, torch
torch.ops.load_library = lambda path: None  # as it is where the library fits this torch
spec = importlib.util.spec_from_file_location("ops", "model_src/models/torchvision_ops.py")
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
print(module.DECLARED, hasattr(torch.ops.torchvision, "nms"))
"""
    assert run(code) == "None False"


def test_nothing_is_declared_where_there_is_no_torchvision() -> None:
    code = """
import importlib.util, torch
spec = importlib.util.spec_from_file_location("ops", "model_src/models/torchvision_ops.py")
module = importlib.util.module_from_spec(spec)
importlib.util.find_spec = lambda name, package=None: None
spec.loader.exec_module(module)
print(module.DECLARED, hasattr(torch.ops.torchvision, "nms"))
"""
    assert run(code) == "None False"


def test_what_cannot_be_loaded_is_declared_once() -> None:
    code = """
import importlib.util, torch
def refuse(path):
    raise OSError("does not fit this torch")
torch.ops.load_library = refuse
spec = importlib.util.spec_from_file_location("ops", "model_src/models/torchvision_ops.py")
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
print(module.DECLARED is not None, hasattr(torch.ops.torchvision, "nms"), module.declare_missing_operators())
import torchvision
"""
    assert run(code) == "True True None"
