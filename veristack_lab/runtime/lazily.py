"""Public names of a package that are loaded when first used (PEP 562).

    __getattr__, __dir__ = lazy_names(__name__, {"run": "visit", "open": "kv:open_store"})

Importing the package then imports none of its modules, so it stays cheap.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping


def lazy_names(
    package: str, homes: Mapping[str, str]
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """The `__getattr__` and `__dir__` of a package.

    Args:
        package: its `__name__`.
        homes: where each public name lives, relative to the package: "module" for an attribute
            of the same name, "module:attribute" for another one, "module:" for the module itself.
    """

    def find(name: str) -> object:
        home = homes.get(name)
        if home is None:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module_name, colon, attribute = home.partition(":")
        module = importlib.import_module(f"{package}.{module_name}")
        return module if colon and not attribute else getattr(module, attribute or name)

    def names() -> list[str]:
        return sorted(homes)

    return find, names
