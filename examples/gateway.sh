#!/bin/sh
# Evaluate, submit, wait and read, from a shell: curl and nothing else. See docs/gateway.md.
#   GATEWAY=http://127.0.0.1:8080 [TOKEN=…] examples/gateway.sh
set -eu
cd "$(dirname "$0")"
gateway=${GATEWAY:-http://127.0.0.1:8080}

call() { # path, then more arguments of curl; a problem ends the script with its code
    path=$1
    shift
    curl --silent --show-error --fail-with-body ${TOKEN:+--header "Authorization: Bearer $TOKEN"} "$@" "$gateway$path"
}

# Judged now: the answer is the verdict, and the job is on record with it. The same key and facts are the same job.
printf '{"key": "shell-1", "facts": %s}' "$(cat order.json)" | call /v1/payment/evaluate --data @-
echo

# Judged by a worker: 202, and where to ask.
place=$(printf '{"facts": %s}' "$(cat order.json)" |
    call /v1/payment/jobs --data @- --header 'Idempotency-Key: shell-2' --output /dev/null --dump-header - |
    sed -n 's/^[Ll]ocation: \([^ ]*\).$/\1/p')
call "$place?wait=25"
echo

# What is on record of it, newest first.
call '/v1/verdicts?domain=payment&subject=shell-2'
echo
