"""What ``make check`` looks at beyond format, lint, types and imports.

A check is a function from the project's root to sentences, each naming the place and what to do; none
when all is well. The tests of the house run each one on the tree and on a planted violation.
"""
