"""What jobs can do: a registry of workloads by name.

A workload is a module with `Parameters` (a pydantic model that forbids unknown fields) and
`run(context, parameters) -> dict` (the result, plain JSON). Its steps must depend on nothing
but seed, step and data, so that a run that goes on from a checkpoint ends in the same place.
Modules are imported when they are needed, numpy with them.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Protocol, cast

from pydantic import BaseModel, ValidationError

from veristack_lab.errors import InvalidInput
from veristack_lab.veriflow.spec import JobSpec, explain

REGISTRY: dict[str, str] = {
    "docstrings": "veristack_lab.veriflow.workloads.docstrings",
    "primes": "veristack_lab.veriflow.workloads.primes",
}
"""Workload name -> module. Add your own before submitting; runs import the same registry."""


class Workload(Protocol):
    """What a workload module offers."""

    Parameters: type[BaseModel]

    def run(self, context: Any, parameters: Any) -> Mapping[str, Any]:
        """Do the work; called in the run's own process."""
        ...


def find(name: str) -> Workload:
    """The workload of this name.

    Raises:
        InvalidInput: there is no such workload.
    """
    if name not in REGISTRY:
        raise InvalidInput(
            f"there is no workload {name!r}; there are {', '.join(sorted(REGISTRY))}"
        )
    return cast("Workload", import_module(REGISTRY[name]))


def parameters(spec: JobSpec) -> BaseModel:
    """The job's parameters, checked and completed with defaults.

    Raises:
        InvalidInput: naming every parameter that is wrong, and why.
    """
    model = find(spec.workload).Parameters
    try:
        return model.model_validate(spec.parameters)
    except ValidationError as error:
        raise InvalidInput(
            f"wrong parameters for workload {spec.workload!r}: {explain(error)}"
        ) from error


def complete(spec: JobSpec) -> dict[str, Any]:
    """The job's parameters with all defaults filled in, as they will be stored."""
    return parameters(spec).model_dump(mode="json")
