#!/bin/sh
# run.sh WORK_FOLDER SCRIPT: runs a test of the page in Chromium, with the packages that package-lock.json pins; ../npm.sh installs them.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../npm.sh"
[ -x "${CHROMIUM:-/usr/bin/chromium}" ] || skip "Chromium is not installed (apt-get install chromium)"
install_packages "$here" "$1/packages"
export CHOREGOS_BROWSER_PACKAGES="$1/packages" CHOREGOS_BROWSER_ARTEFACTS="$1/pictures"
exec node "$here/$2"
