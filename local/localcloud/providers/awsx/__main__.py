"""`python -m localcloud.providers.awsx ENGINE`: the stand-in `awsx` plugin as the engine starts it."""

import sys

from localcloud.providers.awsx.provider import serve

serve(sys.argv[1])
