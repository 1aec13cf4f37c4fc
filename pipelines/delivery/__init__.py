"""How a commit reaches AWS: state, artifacts, registry, roles, builds, pipeline and its watch."""
