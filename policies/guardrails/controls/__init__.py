"""The checks, one module per family of the catalogue."""
