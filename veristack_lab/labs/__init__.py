"""The exercises: find, start, check, hint, solve, reset.

A lab is a folder `labs/NN-topic/` of the source tree, which a wheel carries as `labs/content`: a
chapter (README.md), a manifest (lab.toml), checks (checks.py), a solution (solution.py), the
starter that is generated from it, and variants that judge the checks. The learner's work and one
progress.json live in a folder of the learner's choice.
"""
