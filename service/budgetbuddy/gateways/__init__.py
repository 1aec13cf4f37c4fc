"""What the service calls: providers outside, each behind a port of the domain."""
