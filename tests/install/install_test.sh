#!/bin/sh
# Installs into a fresh folder and uses the library from there as a stranger would: the headers alone, find_package, build,
# run. Arguments: build folder, compiler, value of -fsanitize= that the build was made with ("" = none).
set -eu
build=$1 compiler=$2 sanitize=${3:-}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tree=$work/tree
flags=${sanitize:+-fsanitize=$sanitize}

cmake --install "$build" --prefix "$tree" --component library >"$work/install.log" || { cat "$work/install.log"; exit 1; }
cmake --install "$build" --prefix "$tree" --component programs >>"$work/install.log" || { cat "$work/install.log"; exit 1; }

# What it is made with is nobody's business.
if grep -rniE 'include *[<"](boost|asio|toml|ares|sodium|sqlite)|namespace asio' "$tree/include"; then
  echo "an installed header includes what its user need not have"
  exit 1
fi
# Every installed header includes installed headers only, and compiles alone.
find "$tree/include" -name '*.hpp' | while read -r header; do
  printf '#include "%s"\nint main() {}\n' "${header#"$tree"/include/}" >"$work/alone.cpp"
  "$compiler" -std=c++20 -Wall -Wextra -Werror -fsyntax-only -I"$tree/include" "$work/alone.cpp" || { echo "$header does not compile alone"; exit 1; }
done

cmake -G Ninja -S "$here/consumer" -B "$work/consumer" -DCMAKE_PREFIX_PATH="$tree" -DCMAKE_CXX_COMPILER="$compiler" \
  -DCMAKE_CXX_FLAGS="$flags" >"$work/configure.log" 2>&1 || { cat "$work/configure.log"; exit 1; }
cmake --build "$work/consumer" >"$work/build.log" 2>&1 || { cat "$work/build.log"; exit 1; }
"$work/consumer/consumer"

library=$(find "$tree" -name 'libchoregos.so' | head -n 1)
foreign=$(nm -DC --defined-only "$library" | grep -vE ' A ' | awk '{ $1 = ""; $2 = ""; print }' | grep -vE '^ *(typeinfo (name )?for |vtable for |guard variable for )?choregos::' || true)
if [ -n "$foreign" ]; then
  echo "the library exports names that are not its own:"
  echo "$foreign" | head
  exit 1
fi
for name in choregosd choregos choregos-agent; do
  "$tree/bin/$name" --version
done
for file in bash-completion/completions/choregos zsh/site-functions/_choregos fish/vendor_completions.d/choregos.fish doc/choregos/choregosd.toml.example; do
  [ -s "$tree/share/$file" ] || { echo "not installed: share/$file"; exit 1; }
done
