#!/usr/bin/env bash
# Installs what is missing of deploy/packages.list, without asking. Says nothing when nothing is missing.
#
#   deploy/packages.sh PURPOSE…      such as: deploy/packages.sh build run test
#   deploy/packages.sh --list PURPOSE…    only name what is missing
#
# Needs root or sudo, and only when something is missing. Programs come without their services: the tests start their own
# haproxy and dockerd, and nothing of this may take a port of the machine or run at its next start.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
PATH=$PATH:/usr/sbin:/sbin  # where Debian keeps dockerd, haproxy and nft, and where a plain user's path does not look

die() { printf 'packages: %s\n' "$*" >&2; exit 1; }

# Names the missing packages of the given purposes, one a line.
missing() {
  local purpose package program installed
  installed=" $(dpkg-query -W -f='${Package}=${db:Status-Status} ' 2>/dev/null) "
  while read -r purpose package program; do
    [[ " $* " == *" $purpose "* ]] || continue
    [[ $installed == *" $package=installed "* ]] && continue
    [[ -n $program ]] && command -v "$program" >/dev/null && continue
    printf '%s\n' "$package"
  done < <(grep -v '^ *\(#\|$\)' "$here/packages.list")
}

# Runs as root, with the environment that keeps debconf and needrestart from asking.
as_root() {
  local quiet=(env DEBIAN_FRONTEND=noninteractive DEBCONF_NONINTERACTIVE_SEEN=true NEEDRESTART_MODE=l)
  if [[ $EUID -eq 0 ]]; then "${quiet[@]}" "$@"; else sudo "${ask[@]}" "${quiet[@]}" "$@"; fi
}

# Runs as root, between two markers: keeps maintainer scripts from starting services (a policy that answers "no", put
# there only when the machine has none), installs, and takes services that came along off the next start.
# Standard output is apt's machine-readable progress; everything readable goes to standard error.
read -r -d '' install_as_root <<'SCRIPT' || true
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
  printf '#!/bin/sh\nexit 101\n' >$policy
  chmod 755 $policy
  trap 'rm -f $policy' EXIT
  trap 'exit 130' INT TERM HUP
fi
services=
for service in haproxy prometheus docker containerd nftables; do
  [ -e /lib/systemd/system/$service.service ] || services="$services $service"
done
apt() {
  apt-get -q -o APT::Status-Fd=3 -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@" 3>&1 >&2 </dev/null
}
install() { apt install -y --no-install-recommends "$@"; }
lists() { ls /var/lib/apt/lists/*Packages* >/dev/null 2>&1; }
updated=
lists || { apt update || exit; updated=yes; }
# Lists that are there may be older than the mirror: fetch them when a package cannot be had, and try once more.
install "$@" || { [ -z "$updated" ] && apt update && install "$@"; } || exit
if command -v systemctl >/dev/null; then
  for service in $services; do
    [ ! -e /lib/systemd/system/$service.service ] || systemctl disable --quiet $service.service || true
  done
fi
SCRIPT

# Turns apt's progress into one line that is rewritten, on a terminal only.
show_progress() {
  local kind package percent rest before=
  if [[ ! -t 2 ]]; then cat >/dev/null; return; fi
  while IFS=: read -r kind package percent rest; do
    case $kind in
      dlstatus) kind=downloading ;;
      pmstatus) kind=installing ;;
      *) continue ;;
    esac
    percent=${percent%%.*}
    [[ $kind$percent == "$before" ]] && continue
    before=$kind$percent
    printf '\r\033[K  %s: %s %%' "$kind" "$percent" >&2
  done
  printf '\r\033[K' >&2
}

list_only=
if [[ ${1:-} == --list ]]; then list_only=yes; shift; fi
[[ $# -gt 0 ]] || die "say for what: build, run, test"
for purpose in "$@"; do
  grep -q "^$purpose " "$here/packages.list" || die "no such purpose: $purpose (there is: build, run, test)"
done
if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  printf 'packages: this is no Debian, so nothing is installed here; deploy/packages.list names what is needed\n' >&2
  exit 0
fi

mapfile -t wanted < <(missing "$@")
if [[ -n $list_only ]]; then
  [[ ${#wanted[@]} -eq 0 ]] || printf '%s\n' "${wanted[@]}"
  exit 0
fi
[[ ${#wanted[@]} -gt 0 ]] || exit 0

ask=()
if [[ $EUID -ne 0 ]]; then
  command -v sudo >/dev/null || die "these packages are missing, and installing them needs root or sudo; as root: apt-get install -y --no-install-recommends ${wanted[*]}"
  [[ -t 0 ]] || ask=(-n)
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
printf 'Installing %d packages: %s\n' "${#wanted[@]}" "${wanted[*]}" >&2
if ! as_root sh -c "$install_as_root" install "${wanted[@]}" 2>"$log" | show_progress; then
  tail -n 25 "$log" >&2
  die "apt-get could not install: ${wanted[*]}"
fi
still=$("${BASH_SOURCE[0]}" --list "$@")
[[ -z $still ]] || die "still missing after the installation: ${still//$'\n'/ }"
