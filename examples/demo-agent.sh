#!/usr/bin/env bash
# The work of a demo agent, which is none: says "idle" and "working" in turns, as a busy agent would, into the file that its
# choregos-agent reads (--status-file).
#   demo-agent.sh FILE
file=$1
exec {pause}<> <(:)  # never has anything to read, so reading it with a time limit sleeps without a child process
while :; do
  for status in idle working; do
    printf '%s\n' "$status" >"$file.new" && mv "$file.new" "$file"
    read -r -t $((4 + RANDOM % 9)) -u "$pause"
  done
done
