#!/usr/bin/env bash
# Tries a command in a bare Debian 12: nothing but apt and a shell, and a clean copy of what is committed here.
#
#   deploy/bare-debian.sh [--keep FOLDER] COMMAND…     such as: deploy/bare-debian.sh ./test --unit
#
# Needs root and debootstrap. The system is made in a temporary folder and removed afterwards; with --keep it is made in
# FOLDER and stays there, so that a second command finds what the first one left (its copy of the sources is brought up
# to date, its build folder stays). Mounts and processes live in namespaces of their own and end with the command.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
die() { printf 'bare-debian: %s\n' "$*" >&2; exit 1; }
[[ $EUID -eq 0 ]] || die "needs root, for chroot and mounts"
command -v debootstrap >/dev/null || die "needs debootstrap: apt-get install debootstrap"

keep=
if [[ ${1:-} == --keep ]]; then keep=${2:?a folder}; shift 2; fi
[[ $# -gt 0 ]] || die "say what to run, such as ./test"

bare=${keep:-$(mktemp -d /var/tmp/bare-debian.XXXXXX)}
[[ -n $keep ]] || trap 'rm -rf --one-file-system "$bare"' EXIT
mkdir -p "$bare"
if [[ ! -e $bare/usr/bin/apt-get ]]; then
  # The mirror that this machine itself installs from.
  mirror=$( { sed -nE 's/^URIs: *([^ ]*debian)\/? *$/\1/p; s/^deb +(\[[^]]*\] +)?([^ ]*debian)\/? .*/\2/p' \
    /etc/apt/sources.list.d/*.sources /etc/apt/sources.list 2>/dev/null || true; } | head -n 1)  # there may be only one of the two
  printf 'Making a bare Debian 12 in %s\n' "$bare" >&2
  debootstrap --variant=minbase bookworm "$bare" ${mirror:+"$mirror"} >"$bare.log" 2>&1 || { tail "$bare.log" >&2; die "debootstrap failed"; }
  rm -f "$bare.log"
fi
cp -L /etc/resolv.conf "$bare/etc/resolv.conf"
# How this machine reaches its mirror: proxies and the like, no more.
grep -hs '^Acquire::\(http\|https\|Check\)' /etc/apt/apt.conf /etc/apt/apt.conf.d/* | sed 's/^/  /; s/^  //' >"$bare/etc/apt/apt.conf.d/99mirror" || true

environment=(HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin TERM="${TERM:-dumb}")
[[ -z ${CHOREGOS_NO_SKIP:-} ]] || environment+=(CHOREGOS_NO_SKIP="$CHOREGOS_NO_SKIP")
# A registry may be known by a certificate that only this machine trusts.
if [[ -r ${NODE_EXTRA_CA_CERTS:-} ]]; then
  mkdir -p "$bare/etc/ssl"
  cp -L "$NODE_EXTRA_CA_CERTS" "$bare/etc/ssl/outside.crt"
  environment+=(NODE_EXTRA_CA_CERTS=/etc/ssl/outside.crt)
fi

mkdir -p "$bare/choregos"
find "$bare/choregos" -mindepth 1 -maxdepth 1 ! -name build -exec rm -rf {} +
git -C "$root" archive HEAD | tar -x -C "$bare/choregos"

status=0
# pivot_root rather than chroot: what runs inside may make namespaces and mounts of its own only where / is a mount.
unshare --mount --pid --fork --kill-child bash -c '
  set -e
  bare=$1; shift
  mount --bind "$bare" "$bare"
  mount -t proc proc "$bare/proc"
  mount --rbind /sys "$bare/sys"
  mount --rbind /dev "$bare/dev"
  mount -t tmpfs tmpfs "$bare/tmp"
  mount -t tmpfs tmpfs "$bare/run"
  mkdir -p "$bare/dev/shm"
  cd "$bare"
  pivot_root . mnt
  umount -l /mnt
  cd /choregos
  exec env -i "$@"' sh "$bare" "${environment[@]}" "$@" || status=$?
exit "$status"
