#!/bin/sh
# run.sh WORK_FOLDER: runs the test with the client that package-lock.json pins; ../npm.sh installs it.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../npm.sh"
install_packages "$here" "$1"
exec python3 -B "$here/follow_test.py" "$1"
