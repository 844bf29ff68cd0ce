#!/bin/sh
# lint.sh DOCUMENT WORK_FOLDER: lints the API document with the linter that package-lock.json pins; ../npm.sh installs it.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../npm.sh"
install_packages "$here" "$2"
# No telemetry, no look for newer versions: the linter only reads the file.
REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true exec node "$2/node_modules/@redocly/cli/bin/cli.js" lint --config "$here/redocly.yaml" "$1"
