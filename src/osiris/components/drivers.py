"""Loads drivers and connectors by the names that the declarations give; the only place that does."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from osiris.components.component import Component
from osiris.components.registry import Registry
from osiris.core.connector import Connector
from osiris.core.driver import Driver
from osiris.errors import PipelineError
from osiris.findings import nearest


class DriverRegistry:
    """Gives driver instances by component name and imports each one only then."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def get(self, name: str) -> Driver:
        """A new instance of the component's driver. Raises `PipelineError` CMP006, CMP007 or CMP015."""
        component = self._registry.get(name)
        kind = driver_class(component)
        try:
            driver = kind()
        except (Exception, SystemExit) as error:  # a constructor's own code may raise anything
            message = f"The driver {kind.__name__} of {name} cannot be made: {error}."
            raise PipelineError("CMP015", message, hint="Its constructor takes no arguments.") from error
        if not isinstance(driver, Driver):
            message = f"The driver {type(driver).__name__} of {name} has no run method."
            raise PipelineError("CMP015", message, hint="Give it run(self, *, step_id, config, inputs, ctx).")
        return driver


def driver_class(component: Component) -> type[Any]:
    """The class that a component's `x-runtime.driver` names."""
    runtime = component.spec.runtime
    if runtime is None:
        raise PipelineError("CMP007", f"The component {component.name} has no driver.")
    return _load(runtime.driver, component.folder, component.name, runtime.extra)


def connector_class(dotted: str, folder: Path, extra: str | None = None) -> type[Connector]:
    """The class that a family's `connector` names."""
    loaded: type[Connector] = _load(dotted, folder, dotted, extra)
    return loaded


def _load(reference: str, folder: Path, owner: str, extra: str | None) -> type[Any]:
    module_name, _, class_name = reference.rpartition(":" if reference.startswith("./") else ".")
    try:
        module = (
            _module_beside(folder / module_name)
            if reference.startswith("./")
            else importlib.import_module(module_name)
        )
    except ImportError as error:
        raise _cannot_load(owner, error, extra) from error
    except (Exception, SystemExit) as error:  # a module's own code may raise anything while it is imported
        raise _cannot_load(owner, error, None) from error
    loaded = getattr(module, class_name, None)
    if not isinstance(loaded, type):
        classes = [name for name, value in vars(module).items() if isinstance(value, type)]
        meant = nearest(class_name, classes) or classes
        hint = f"Did you mean {', '.join(meant)}?" if meant else "The module defines no class at all."
        raise PipelineError(
            "CMP006", f"{owner}: there is no class {class_name!r} in {module_name}.", hint=hint
        )
    return loaded


def _module_beside(file: Path) -> ModuleType:
    """A module loaded from a file by path; its name cannot clash with an installed one."""
    name = f"osiris_project_components.{file.parent.name.replace('.', '_')}_{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None or not file.is_file():
        raise ImportError(f"no module at {file.name}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _cannot_load(owner: str, error: BaseException, extra: str | None) -> PipelineError:
    missing = getattr(error, "name", None)
    hint = (
        f"Install what it needs: pip install 'osiris-etl[{extra}]'." if extra else "Mend the driver's module."
    )
    detail = f"{type(error).__name__}: {error}"
    if isinstance(error, ModuleNotFoundError):
        detail = f"no module {missing!r}"
    return PipelineError("CMP006", f"The driver of {owner} cannot be loaded: {detail}.", hint=hint)
