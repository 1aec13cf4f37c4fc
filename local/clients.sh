#!/bin/sh
# clients.sh DIRECTORY: a Python and a TypeScript client, generated from docs/openapi.json.
set -eu
directory=$1
if ! command -v npm >/dev/null; then
    if ! command -v apt-get >/dev/null || [ "$(id -u)" -ne 0 ]; then
        echo "Error: the TypeScript client needs Node." >&2
        echo "  why: npm is not on PATH, and only root can install it here" >&2
        echo "  do:  install Node 20 or newer, then run this again" >&2
        exit 1
    fi
    echo "… installing nodejs and npm for the TypeScript client"
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq nodejs npm >/dev/null
fi
tools=clients/typescript/node_modules
[ "$tools/.package-lock.json" -nt clients/typescript/package-lock.json ] ||
    npm ci --silent --prefix clients/typescript
mkdir -p "$directory/python" "$directory/typescript"
.venv-tools/bin/openapi-python-client generate --path docs/openapi.json --config clients/python.yml \
    --meta none --output-path "$directory/python/budgetbuddy_client" --overwrite --fail-on-warning
"$tools/.bin/openapi-typescript" docs/openapi.json --default-non-nullable false --output "$directory/typescript/budgetbuddy.d.ts"
echo "✓ $directory"
