"""What the builds run and an operator may run too: `python -m delivery.ops`.

The modules decide, without AWS; `cloud` and `engine` ask and act for them.
"""
