#!/bin/sh
# setup.sh DIRECTORY LOCK [editable]: makes a virtual environment that holds exactly what LOCK pins.
set -eu
directory=$1 lock=$2 editable=${3:-}

# A name on PATH may be a shim of a version that is not installed: only running it tells.
python=
for candidate in python3 python3.13 python3.12 python3.11; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    echo "Error: Python 3.11 or newer is needed." >&2
    echo "  why: none of python3, python3.13, python3.12, python3.11 runs as one" >&2
    echo "  do:  install Python 3.11 (https://www.python.org/downloads/), then run make setup again" >&2
    exit 1
fi
echo "… $directory: installing what $lock pins (about a minute with an empty cache)"
[ -x "$directory/bin/python" ] || "$python" -m venv "$directory"
"$directory/bin/python" -m pip install --quiet --require-hashes -r requirements/bootstrap.txt
"$directory/bin/uv" pip install --quiet --python "$directory/bin/python" --require-hashes -r "$lock"
if [ -n "$editable" ]; then
    "$directory/bin/python" -m pip install --quiet --no-deps --no-build-isolation -e .
fi
touch "$directory/.complete"
echo "✓ $directory"
