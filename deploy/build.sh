#!/usr/bin/env bash
# Configures a preset when that has not been done and builds it into build/PRESET, showing how far it is: one rewritten
# line on a terminal, a line at every tenth of the way otherwise, nothing when there was nothing to do.
#
#   deploy/build.sh PRESET [TARGET…]
#
# Everything goes to standard error, so that a caller's standard output stays the program's own.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
preset=$1
shift
folder=$root/build/$preset
exec >&2

# A folder that was copied here along with its sources still names the old place; building it would build that.
if [[ -f $folder/CMakeCache.txt ]] && ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$root" "$folder/CMakeCache.txt"; then
  rm -f "$folder/CMakeCache.txt" "$folder/build.ninja"
fi
mkdir -p "$folder"
exec {lock}>"$folder/.lock"
flock -n "$lock" || { printf 'Waiting for another build of %s\n' "$preset"; flock "$lock"; }
if [[ ! -f $folder/build.ninja || ! $folder/.configured -nt $root/CMakePresets.json ]]; then
  printf 'Configuring %s\n' "$preset"
  (cd "$root" && cmake --fresh --preset "$preset") >"$folder/configure.log" 2>&1 || { cat "$folder/configure.log"; exit 1; }
  touch "$folder/.configured"
fi

# A job a core, but no more than one for each GiB that is free: the largest of our sources take about that.
jobs=$(nproc)
free_gib=$(awk '/^MemAvailable:/ { print int($2 / 1048576) }' /proc/meminfo)
(( jobs <= free_gib )) || jobs=$(( free_gib > 0 ? free_gib : 1 ))

build() { cmake --build "$folder" -j "$jobs" "${targets[@]}"; }
targets=()
[[ $# -eq 0 ]] || targets=(--target "$@")

terminal=
[[ ! -t 1 || ${TERM:-dumb} == dumb ]] || terminal=yes
columns=$(tput cols 2>/dev/null || echo 80)
last=-1
build | while IFS= read -r line; do
  if [[ $line =~ ^\[([0-9]+)/([0-9]+)\]\ (.*) ]]; then
    n=${BASH_REMATCH[1]} m=${BASH_REMATCH[2]} what=${BASH_REMATCH[3]}
    [[ $what != "Re-"* ]] || continue
    if [[ -n $terminal ]]; then
      what="[$n/$m] building $preset: ${what##*/}"
      printf '\r\033[K%s' "${what:0:columns-1}"
      [[ $n != "$m" ]] || printf '\r\033[K'
    elif tenth=$(( n * 10 / m )); [[ $tenth -gt $last ]]; then
      printf '[%d/%d] building %s\n' "$n" "$m" "$preset"
      last=$tenth
    fi
  elif [[ -n $line && $line != "ninja: no work to do."* && $line != "ninja: Entering"* && $line != "-- "* ]]; then
    [[ -z $terminal ]] || printf '\r\033[K'
    printf '%s\n' "$line"
  fi
done
