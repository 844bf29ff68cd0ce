#!/usr/bin/env bash
# Builds the simulator with g++ and with clang++ and compares the traces of the same seeds. Usage: same_trace.sh SOURCE BUILD
set -euo pipefail
source_dir=$1 build_dir=$2
if ! command -v clang++ >/dev/null; then
  echo "clang++ is not installed (package clang)"
  [[ ${CHOREGOS_NO_SKIP:-} == 1 ]] && exit 1
  exit 77
fi
cache=$(command -v ccache || true)
mkdir -p "$build_dir"
cd "$source_dir"
mapfile -t sources < <(ls choregos/{base,model,registry}/*.cpp tests/sim/{checkers,host,trace_main,world}.cpp | grep -vE '_(test|bench|fuzz)\.cpp$')
traces=()
for compiler in g++ clang++; do
  objects=$build_dir/$compiler
  mkdir -p "$objects"
  printf '%s\n' "${sources[@]}" | xargs -P2 -I{} sh -c '$0 $1 -std=c++20 -O1 -I. -c "$2" -o "$3/$(echo "$2" | tr / _).o"' "$cache" "$compiler" {} "$objects" 2>/dev/null ||
    printf '%s\n' "${sources[@]}" | xargs -P2 -I{} sh -c '$0 -std=c++20 -O1 -I. -c "$1" -o "$2/$(echo "$1" | tr / _).o"' "$compiler" {} "$objects"
  mapfile -t built < <(printf '%s\n' "${sources[@]}" | tr / _ | sed "s#^#$objects/#; s#\$#.o#")
  "$compiler" "${built[@]}" -o "$build_dir/sim-$compiler"
  trace=$("$build_dir/sim-$compiler")
  echo "$compiler: $trace"
  traces+=("$trace")
done
[[ ${traces[0]} == "${traces[1]}" ]] || { echo "the traces differ"; exit 1; }
