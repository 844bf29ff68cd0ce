#!/usr/bin/env bash
# deploy/packages.sh on a pretended machine, on which dpkg-query, apt-get and sudo are scripts that write down what was asked.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 777 "$work"
# Never as root: then sudo would not be asked, and the real machine's policy file would be written.
user=()
if [[ $EUID -eq 0 ]]; then user=(setpriv --reuid 65534 --regid 65534 --clear-groups); fi

fail() { printf 'packages_test: %s\n' "$*"; cat "$work/out" "$work/asked" 2>/dev/null; exit 1; }
program() { printf '#!/bin/bash\n%s\n' "$2" >"$work/bin/$1"; chmod 755 "$work/bin/$1"; }
packages() { : >"$work/asked"; chmod 666 "$work/asked"; "${user[@]}" env PATH="$work/bin:$PATH" "$work/deploy/packages.sh" "$@" >"$work/out" 2>&1 </dev/null; }

mkdir "$work/bin"
cp -r "$root/deploy" "$work/deploy"  # where that user can read it, wherever this checkout is
chmod -R a+rX "$work/bin" "$work/deploy"
cp "$root/deploy/packages.list" "$work/all"
chmod 644 "$work/all"
program dpkg-query "awk '/^[a-z]/ { print \$2 \"=installed\" }' '$work/all' | tr '\n' ' '"
program apt-get "printf '%s\n' \"\$*\" >>'$work/asked'; case \"\$*\" in *install*) cat '$work/deploy/packages.list' >'$work/all' ;; esac"
program sudo "printf 'sudo %s\n' \"\$1\" >>'$work/asked'; [ \"\$1\" = -n ] && shift; exec \"\$@\""
chmod 666 "$work/all"

packages build run test || fail "should be content when nothing is missing"
[[ ! -s $work/out && ! -s $work/asked ]] || fail "should say and do nothing when nothing is missing"

grep -v libgtest-dev "$root/deploy/packages.list" >"$work/all"
packages build run || fail "should not miss what is only for tests"
[[ ! -s $work/asked ]] || fail "should not install what was not asked for"
packages test || fail "should install what is missing"
grep -q '^Installing 1 packages: libgtest-dev$' "$work/out" || fail "should say in one line what it installs"
grep -qE -- 'install -y --no-install-recommends libgtest-dev$' "$work/asked" || fail "should install that and nothing else"
grep -q '^sudo -n' "$work/asked" || fail "should not let sudo ask where nobody can answer"

grep -v libgtest-dev "$root/deploy/packages.list" >"$work/all"
program apt-get "exit 100"
packages test && fail "should fail when apt-get does"
grep -q 'could not install: libgtest-dev' "$work/out" || fail "should name what could not be installed"

program apt-get "exit 0"
packages test && fail "should notice that a package is missing after all"
grep -q 'still missing after the installation: libgtest-dev' "$work/out" || fail "should name what is missing still"

# Neither root nor sudo: a path with nothing on it but what the script needs.
rm "$work/bin/sudo"
for tool in bash dirname grep awk tr mktemp rm cat tail; do ln -sf "$(command -v $tool)" "$work/bin/$tool"; done
"${user[@]}" env PATH="$work/bin" "$work/deploy/packages.sh" test >"$work/out" 2>&1 </dev/null && fail "should fail with neither root nor sudo"
grep -q 'needs root or sudo; as root: apt-get install .* libgtest-dev$' "$work/out" || fail "should say what to do with neither root nor sudo"

program sudo 'exec "$@"'
packages nonsense && fail "should refuse a purpose that does not exist"
grep -q 'no such purpose: nonsense' "$work/out" || fail "should name the purpose that does not exist"
echo "all as it should be"
