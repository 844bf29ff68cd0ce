#!/bin/sh
# An agent in a few lines of shell with curl: registers, renews its lease, says goodbye.
#   agent_in_shell.sh ID CAPABILITY [http://127.0.0.1:4470]
id=$1 capability=$2 agents=${3:-http://127.0.0.1:4470}/api/v1/agents
incarnation=$(date +%s%3N)
call() { curl -sS -m 5 -o /dev/null -w '%{http_code}' -H 'Content-Type: application/json' "$@"; }
register() {
  call -X PUT "$agents/$id" -d "{\"incarnation\":$incarnation,\"name\":\"shell agent\",\"capabilities\":[\"$capability\"],\"status\":\"idle\",\"ttl\":15}"
}
trap 'kill $!; call -X DELETE "$agents/$id?incarnation=$incarnation" >/dev/null; exit 0' TERM INT
echo "register: $(register)"
while :; do
  sleep 5 & wait $!
  case $(call -X POST "$agents/$id/renew" -d "{\"incarnation\":$incarnation}") in
    404|000) echo "register again: $(register)" ;;  # the registry is new or was away
  esac
done
