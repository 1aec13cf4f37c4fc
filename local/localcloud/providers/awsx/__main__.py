"""`python -m localcloud.providers.awsx ENGINE`: the stand-in `awsx` plugin, for the engine."""

import sys

from localcloud.providers.awsx.provider import serve

serve(sys.argv[1])
