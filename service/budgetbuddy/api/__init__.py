"""What clients call: one module per resource, each with its routes and its models."""
