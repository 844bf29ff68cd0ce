#!/usr/bin/env bash
# Nine agents to look at: real choregos-agent processes on this machine, each with an example of a life (demo-agent.sh).
# Ends them all when it is ended (Ctrl-C, SIGTERM) and exits 0; they say goodbye then.
#
#   demo-fleet.sh CHOREGOS_AGENT [REGISTRY [FOLDER]]
#
# CHOREGOS_AGENT is the program, REGISTRY a choregosd (http://127.0.0.1:4470), FOLDER where status files and logs go
# (a temporary one when not given).
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
program=${1:?the choregos-agent program} registry=${2:-http://127.0.0.1:4470} folder=${3:-}
if [[ -z $folder ]]; then
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
fi
mkdir -p "$folder"

# name; model; capabilities
fleet=(
  "Demo architect; llama3.1:70b; architecture code_review"
  "Demo Go developer; qwen2.5-coder:32b; go_development testing"
  "Demo C++ developer; qwen2.5-coder:32b; cpp_development code_review"
  "Demo web developer; codellama:34b; web_development testing"
  "Demo tester; llama3.1:8b; testing"
  "Demo operator; mistral:7b; deployment monitoring"
  "Demo analyst; mixtral:8x7b; data_analysis reporting"
  "Demo writer; llama3.1:8b; documentation translation"
  "Demo reviewer; deepseek-coder:33b; code_review security_review"
)

pids=()
stop() {
  trap '' INT TERM HUP
  # All that were started, also one whose id was not noted yet.
  kill -TERM $(jobs -p) 2>/dev/null
  # They need a moment for their goodbyes; one that takes far longer is stuck.
  for ((i = 0; i < 100; i++)); do
    [[ -n $(jobs -pr) ]] || break
    sleep 0.05
  done
  kill -KILL $(jobs -p) 2>/dev/null
  wait
  exit 0
}
trap stop INT TERM HUP

# In sessions of their own, so that Ctrl-C reaches them once, from us. Should we be killed, the kernel ends them, and one that
# was just starting ends itself; what an agent runs goes with its agent.
own=(setsid setpriv --pdeathsig TERM sh -c '[ "$PPID" = "$0" ] && exec "$@"' $$)
for i in "${!fleet[@]}"; do
  IFS=';' read -r name model capabilities <<<"${fleet[i]}"
  id=demo-agent-$((i + 1))
  flags=(--id "$id" --name "$name" --model "${model# }" --cluster demo --label demo=true
    --registry "$registry" --health 127.0.0.1:0 --status-file "$folder/$id.status")
  echo idle >"$folder/$id.status"
  for capability in $capabilities; do flags+=(--capability "$capability"); done
  "${own[@]}" "$program" "${flags[@]}" -- setpriv --pdeathsig TERM "$here/demo-agent.sh" "$folder/$id.status" >"$folder/$id.log" 2>&1 </dev/null &
  pids+=($!)
done

# One that ends by itself, or is killed for the sake of seeing it noticed, is missed and named; the others go on.
left=${#pids[@]}
while ((left > 0)); do
  wait -n -p ended "${pids[@]}"
  code=$?
  for i in "${!pids[@]}"; do
    [[ ${pids[i]} == "$ended" ]] || continue
    printf 'demo-agent-%d ended by itself, code %d: %s\n' $((i + 1)) "$code" "$(tail -n 1 "$folder/demo-agent-$((i + 1)).log")" >&2
    unset "pids[i]"
  done
  ((left--))
done
printf 'no demo agent is left\n' >&2
exit 1
