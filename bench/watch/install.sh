#!/bin/sh
# Installs the peers of beside_peers.py from Debian; nothing else needs them.
set -e
missing=
for program in redis-server nats-server etcd; do command -v $program >/dev/null || missing=yes; done
if [ -n "$missing" ]; then
  [ "$(id -u)" = 0 ] || { echo "needs root: apt-get install redis-server nats-server etcd-server" >&2; exit 1; }
  apt-get update -q
  # The packages would start their servers; ours are started by the script itself, on loopback, and ended by it.
  if [ ! -e /usr/sbin/policy-rc.d ]; then
    printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
    chmod 755 /usr/sbin/policy-rc.d
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
  fi
  DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends redis-server nats-server etcd-server
fi
redis-server --version
nats-server --version
etcd --version | head -n 1
