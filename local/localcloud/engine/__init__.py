"""How the Pulumi engine is had on this machine."""
