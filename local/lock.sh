#!/bin/sh
# Pins every dependency with hashes. No lock file names an index.
set -eu
for list in service/requirements requirements/bootstrap requirements/development requirements/mutation requirements/tools local/localcloud/emulator/requirements local/localcloud/scan/requirements; do
    PIP_FIND_LINKS='' .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-emit-find-links --no-header "$list.in" -o "$list.txt"
    echo "✓ $list.txt"
done
