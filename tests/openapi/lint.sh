#!/bin/sh
# lint.sh DOCUMENT WORK_FOLDER: lints the API document with the linter that package-lock.json pins. The linter is installed
# into the work folder once. Without node, npm or their packages it is skipped (77), or fails when CHOREGOS_NO_SKIP=1.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
document=$1
work=$2

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
  (cd "$work" && npm ci --ignore-scripts --no-audit --no-fund >npm.log 2>&1) || { tail -5 "$work/npm.log"; skip "the linter's packages cannot be installed"; }
  cp "$here/package-lock.json" "$work/installed.lock"
fi
# No telemetry, no look for newer versions: the linter only reads the file.
REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true exec node "$work/node_modules/@redocly/cli/bin/cli.js" lint --config "$here/redocly.yaml" "$document"
