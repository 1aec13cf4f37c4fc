"""What a stack costs a month, from the resources of its preview and a dated table of prices."""

from delivery.cost.estimate import Difference, Estimate, Line, difference, estimate

__all__ = ["Difference", "Estimate", "Line", "difference", "estimate"]
