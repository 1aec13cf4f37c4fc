"""`python -m localcloud.providers.aws`: the stand-in `aws` plugin as the engine starts it."""

from localcloud.providers.aws.server import serve

serve()
