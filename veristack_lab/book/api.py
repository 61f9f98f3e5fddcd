"""The pages of the API: the packages that `veristack_lab` names, and what the notebooks import."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import veristack_lab

INDEX = "api/index"
ROOT = veristack_lab.__name__
MAGIC = re.compile(r"^\s*[%!].*$", re.MULTILINE)


def imported(notebooks: Iterable[Mapping[str, Any]]) -> list[str]:
    """The modules of the package that notebooks import, in the order of their names."""
    found: set[str] = set()
    for notebook in notebooks:
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                tree = ast.parse(MAGIC.sub("", "".join(cell["source"])))
                for node in ast.walk(tree):
                    found |= _named_by(node)
    return sorted(name for name in found if name != ROOT)


def _named_by(node: ast.AST) -> set[str]:
    if isinstance(node, ast.Import):
        return {alias.name for alias in node.names if alias.name.split(".")[0] == ROOT}
    if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == ROOT:
        module = str(node.module)
        inner = {f"{module}.{alias.name}" for alias in node.names}
        modules = {name for name in inner if _is_module(name)}
        return modules | ({module} if modules != inner else set())
    return set()


def _is_module(name: str) -> bool:
    package, _, attribute = name.rpartition(".")
    found = getattr(importlib.import_module(package), attribute, None)
    if found is not None:
        return inspect.ismodule(found)
    try:
        importlib.import_module(name)
    except ModuleNotFoundError:
        return False
    return True


def modules(notebooks: Iterable[Mapping[str, Any]]) -> list[str]:
    """The public modules: those that the package names, and those that notebooks import."""
    named = {
        f"{ROOT}.{name}"
        for name in veristack_lab.__all__
        if name not in ("__version__", "guardian")
    }
    return sorted(named | set(imported(notebooks)))


def names(modules: Collection[str]) -> list[str]:
    """The pages that `pages` makes."""
    return [INDEX, *(f"api/{name}" for name in modules)]


def pages(modules: Collection[str]) -> dict[str, str]:
    """The pages by their names."""
    rows = "".join(f"| [`{name}`]({name}.md) | {_summary(name)} |\n" for name in modules)
    listing = "\n".join(modules)
    index = (
        "# The API\n\nWhat the package names at its top, and what the notebooks import.\n\n"
        f"| module | what it is |\n|---|---|\n{rows}\n"
        f"```{{toctree}}\n:hidden:\n\n{listing}\n```\n"
    )
    return {INDEX: index} | {f"api/{name}": _page(name) for name in modules}


def _summary(name: str) -> str:
    text = inspect.getdoc(importlib.import_module(name)) or ""
    return text.partition("\n\n")[0].replace("\n", " ").replace("|", "\\|")


def is_ours(member: object) -> bool:
    """Whether a member of a class was written here, and not inherited from another package."""
    target = getattr(member, "fget", None) or inspect.unwrap(member)  # type: ignore[arg-type]
    owner = getattr(target, "__objclass__", None) or getattr(target, "__self__", None)
    module = getattr(target, "__module__", None) or getattr(owner, "__module__", None)
    return module is None or str(module).partition(".")[0] == ROOT


def _page(name: str) -> str:
    short = name.removeprefix(f"{ROOT}.")
    return (
        f"# {short}\n\n```{{eval-rst}}\n.. automodule:: {name}\n   :members:\n"
        "   :inherited-members:\n```\n"
    )
