"""The evidence bundle: what an auditor gets from one preview."""
