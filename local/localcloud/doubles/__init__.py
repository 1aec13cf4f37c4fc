"""Stand-ins for the providers that the service talks to. They never enter the service's image."""
