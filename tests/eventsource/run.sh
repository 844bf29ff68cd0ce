#!/bin/sh
# run.sh WORK_FOLDER: installs the client that package-lock.json pins, once, and runs the test with it. Without node, npm or the package
# it is skipped (77), or fails when CHOREGOS_NO_SKIP=1.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$1

skip() {
  echo "skipped: $1"
  [ "${CHOREGOS_NO_SKIP:-0}" = 1 ] && exit 1
  exit 77
}

command -v node >/dev/null || skip "node is not installed (apt-get install nodejs)"
command -v npm >/dev/null || skip "npm is not installed (apt-get install npm)"
mkdir -p "$work"
if ! cmp -s "$here/package-lock.json" "$work/installed.lock"; then
  cp "$here/package.json" "$here/package-lock.json" "$work/"
  (cd "$work" && npm ci --ignore-scripts --no-audit --no-fund >npm.log 2>&1) || { tail -5 "$work/npm.log"; skip "the client cannot be installed"; }
  cp "$here/package-lock.json" "$work/installed.lock"
fi
exec python3 -B "$here/follow_test.py" "$work"
