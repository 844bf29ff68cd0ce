#!/bin/sh
# Installs Serf from Debian for beside_serf.py; nothing else needs it.
set -e
if command -v serf >/dev/null; then exec serf version; fi
[ "$(id -u)" = 0 ] || { echo "needs root: apt-get install serf" >&2; exit 1; }
apt-get update -q
DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends serf
# Debian starts nothing for it; this is a program that we start ourselves, in namespaces.
serf version
