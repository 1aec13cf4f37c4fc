"""Stand-in for the `aws` resource plugin, working on an embedded AWS or on nothing."""
