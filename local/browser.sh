#!/bin/sh
# The browser tests need Debian's chromium and chromedriver; nothing is done where both are there.
set -eu
if command -v chromium >/dev/null && command -v chromedriver >/dev/null; then
    exit 0
fi
if ! command -v apt-get >/dev/null || [ "$(id -u)" -ne 0 ]; then
    echo "Error: the browser tests need chromium and chromedriver." >&2
    echo "  why: at least one of them is not on PATH, and only root can install them here" >&2
    echo "  do:  sudo apt-get install -y chromium chromium-driver, then run make test again" >&2
    exit 1
fi
echo "… installing chromium and chromium-driver for the browser tests"
apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium chromium-driver >/dev/null
echo "✓ $(chromium --version 2>/dev/null)"
