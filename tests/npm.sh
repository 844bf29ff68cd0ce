# For test scripts that need packages of npm; to be sourced. What package-lock.json of the caller's folder pins is installed into a work
# folder once. Without node, npm or those packages a test is skipped (77), or fails when CHOREGOS_NO_SKIP=1.

skip() {
  echo "skipped: $1"
  [ "${CHOREGOS_NO_SKIP:-0}" = 1 ] && exit 1
  exit 77
}

# install_packages FOLDER_WITH_LOCK_FILE WORK_FOLDER: several tests may call it at once.
install_packages() {
  command -v node >/dev/null || skip "node is not installed (apt-get install nodejs)"
  command -v npm >/dev/null || skip "npm is not installed (apt-get install npm)"
  mkdir -p "$2"
  exec 9>"$2/lock"
  flock 9
  if ! cmp -s "$1/package-lock.json" "$2/installed.lock"; then
    cp "$1/package.json" "$1/package-lock.json" "$2/"
    (cd "$2" && npm ci --ignore-scripts --no-audit --no-fund >npm.log 2>&1) || { tail -5 "$2/npm.log"; skip "the packages cannot be installed"; }
    cp "$1/package-lock.json" "$2/installed.lock"
  fi
  flock -u 9
  exec 9>&-
}
