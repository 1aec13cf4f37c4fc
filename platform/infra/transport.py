"""How long browsers keep to HTTPS once they were told."""

HSTS_SECONDS = 31_536_000  # a year, the least that preload lists take
HSTS = f"max-age={HSTS_SECONDS}; includeSubDomains"
