#!/usr/bin/env bash
# The work of a demo agent, which is none: says "idle" and "working" in turns, as a busy agent would, into the file that its
# choregos-agent reads (--status-file).
#   demo-agent.sh FILE
file=$1
exec {pause}<> <(:)  # never has anything to read, so reading it with a time limit sleeps without a child process
turn=$((RANDOM % 2))
while :; do
  [[ $turn == 0 ]] && status=idle || status=working
  printf '%s\n' "$status" >"$file.new" && mv "$file.new" "$file"
  read -r -t $((4 + RANDOM % 9)) -u "$pause"
  turn=$((1 - turn))
done
