"""Critical lines, broken one at a time: do the tests notice? `python -m tests.mutants`.

Not part of the test run: it takes minutes. A mutant is a line of `table`: a snippet of source
that must occur exactly once in the package, what stands there instead, and the tests that must
fail then. The package is copied to a temporary folder, where one mutant at a time is applied.
"""
