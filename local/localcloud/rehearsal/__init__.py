"""A release on this machine: the pipeline's own stages, with named seams where it needs AWS."""
