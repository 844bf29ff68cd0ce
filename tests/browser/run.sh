#!/bin/sh
# run.sh WORK_FOLDER SCRIPT: runs a test of the page with the packages that package-lock.json pins, which are installed into the work
# folder once. Without node, npm, Chromium or those packages it is skipped (77), or fails when CHOREGOS_NO_SKIP=1.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$1
script=$2

skip() {
  echo "skipped: $1"
  [ "${CHOREGOS_NO_SKIP:-0}" = 1 ] && exit 1
  exit 77
}

command -v node >/dev/null || skip "node is not installed (apt-get install nodejs)"
command -v npm >/dev/null || skip "npm is not installed (apt-get install npm)"
[ -x "${CHROMIUM:-/usr/bin/chromium}" ] || skip "Chromium is not installed (apt-get install chromium)"
packages=$work/packages
mkdir -p "$packages"
exec 9>"$work/lock"
flock 9
if ! cmp -s "$here/package-lock.json" "$packages/installed.lock"; then
  cp "$here/package.json" "$here/package-lock.json" "$packages/"
  (cd "$packages" && npm ci --ignore-scripts --no-audit --no-fund >npm.log 2>&1) || { tail -5 "$packages/npm.log"; skip "the packages cannot be installed"; }
  cp "$here/package-lock.json" "$packages/installed.lock"
fi
flock -u 9
export CHOREGOS_BROWSER_PACKAGES="$packages" CHOREGOS_BROWSER_ARTEFACTS="$work/pictures"
exec node "$here/$script"
