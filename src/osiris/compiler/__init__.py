"""OML to manifest: every check runs here, and nothing that a check found is dropped."""

from osiris.compiler.compile import Compiled, Compiler

__all__ = ["Compiled", "Compiler"]
