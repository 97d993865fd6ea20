#!/usr/bin/env bash
# Builds the image and runs compose.yaml and one Deployment of it on this machine, without Docker and without a cluster:
# 1,000 jobs through nginx, exactly 1,000 verdicts though a worker is killed meanwhile, and SIGTERM ends every worker in
# good order. `make deploy-test` runs it; it needs root, Debian's buildah, podman, runc, mmdebstrap, netavark, aardvark-dns,
# iptables and catatonit, podman-compose (PyPI) and kubectl, and takes about five minutes. It leaves its images behind.
set -euo pipefail
cd "$(dirname "$0")/.."
# Podman keeps two of them where no PATH leads, and says of a network without iptables only that there is no such file.
for program in buildah podman runc mmdebstrap netavark aardvark-dns iptables catatonit podman-compose kubectl curl; do
    PATH=$PATH:/usr/lib/podman command -v "$program" > /dev/null \
        || { echo "deploy-test: $program is not installed"; exit 2; }
done
jobs=1000
work=$(mktemp -d)
export RULEFARM_PASSWORD=deploy-test
# A farm of this machine may have those that compose.yaml names.
export RULEFARM_HTTP_PORT=18000 RULEFARM_FLOWER_PORT=15555
# crun refuses cgroups of both versions side by side; a farm's processes need no more than these.
export CONTAINERS_CONF=$work/containers.conf
cat > "$CONTAINERS_CONF" << 'END'
[containers]
default_ulimits = ["nofile=10000:10000", "nproc=30000:30000"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
END
# It waits without end for a container that can't start.
compose() { timeout 600 podman-compose --file deploy/compose.yaml "$@" > "$work/compose.log" 2>&1 || { tail -20 "$work/compose.log"; return 1; }; }
say() { printf '%4d s  %s\n' "$SECONDS" "$1"; }
finish() {
    podman kube down "$work/pod.yaml" > /dev/null 2>&1 || true
    podman secret rm rulefarm > /dev/null 2>&1 || true
    compose down --volumes || true
    rm -rf "$work"
}
trap finish EXIT
until_true() { # what, seconds, command …
    local what=$1 end=$((SECONDS + $2)); shift 2
    until "$@"; do
        [ "$SECONDS" -lt "$end" ] || { echo "deploy-test: $what: not in time"; podman ps --all; exit 1; }
        sleep 1
    done
}

# The base: Debian as this machine has it.
if ! podman image exists localhost/rulefarm-base; then
    mmdebstrap --quiet --variant=minbase --include=ca-certificates bookworm "$work/base.tar" /etc/apt/sources.list.d/*.sources
    podman import --quiet "$work/base.tar" localhost/rulefarm-base > /dev/null
    say "base image"
fi
# The authorities that this machine's pip trusts are lent to the build.
printf '[global]\ncert = /run/authorities.pem\n' > "$work/pip.conf"
build() {
    buildah bud --layers --isolation chroot --build-arg BASE=localhost/rulefarm-base \
        --volume /etc/ssl/certs/ca-certificates.crt:/run/authorities.pem:ro --volume "$work/pip.conf:/etc/pip.conf:ro" \
        "$@" . > "$work/build.log" 2>&1 || { tail -20 "$work/build.log"; exit 1; }
}
build --ignorefile deploy/Dockerfile.dockerignore --file deploy/Dockerfile --tag localhost/rulefarm
say "image: $(podman image inspect --format '{{.Size}}' localhost/rulefarm) bytes"
grep -ho 'docker.io/[^ ]*' deploy/compose.yaml | while read -r image; do
    server=${image##*/}
    podman image exists "$image" || build --target "${server%%:*}" --file deploy/test/servers.Dockerfile --tag "$image"
done
say "stand-ins for the servers"

compose up --detach --no-build
ready() { curl --silent --fail --output /dev/null "http://127.0.0.1:$RULEFARM_HTTP_PORT/v1/$1" --header "Authorization: Bearer $token"; }
token() { token=$(podman exec rulefarm_beat_1 rulefarm tokens add "test-$SECONDS" 2> /dev/null); }
until_true "a token" 300 token
for address in pricing promotion payment; do
    until_true "$address" 300 podman exec "rulefarm_${address}_1" \
        python3 -c "import urllib.request as r; r.urlopen('http://127.0.0.1:8080/readyz')" 2> /dev/null
done
until_true "nginx" 60 ready rulesets
for role in worker-pricing worker-promotion worker-payment worker-bulk; do
    until_true "$role" 120 podman exec "rulefarm_${role}_1" rulefarm alive 2> /dev/null
done
say "ready"

for n in $(seq "$jobs"); do printf '{"key": "%d", "facts": %s}\n' "$n" "$(tr -d '\n' < examples/order.json)"; done > "$work/bodies"
submit() {
    split --lines 1 --numeric-suffixes --suffix-length 4 --additional-suffix .json "$work/bodies" "$work/body-"
    find "$work" -name 'body-*.json' -print0 | xargs -0 -P 4 -I{} curl --silent --fail --retry 5 --retry-all-errors \
        --output /dev/null --header "Authorization: Bearer $token" --data @{} http://127.0.0.1:$RULEFARM_HTTP_PORT/v1/payment/jobs
}
submit &
submitting=$!
sleep 2
kill -9 "$(podman inspect --format '{{.State.Pid}}' rulefarm_worker-payment_1)"
say "a worker is killed"
wait "$submitting"
say "$jobs jobs are taken"
sql() { podman exec rulefarm_postgres_1 psql --username farm --host /var/run/postgresql --no-align --tuples-only farm --command "$1"; }
judged() { [ "$(sql "select count(*) from jobs where state = 'open'")" = 0 ]; }
until_true "all judged" 300 judged
found=$(sql "select count(*) || ' ' || count(distinct id) || ' ' || count(distinct subject) from verdicts")
[ "$found" = "$jobs $jobs $jobs" ] || { echo "deploy-test: verdicts, ids, keys: $found, not $jobs each"; exit 1; }
say "exactly $jobs verdicts, by $(sql "select string_agg(distinct worker, ', ') from verdicts")"

for role in worker-pricing worker-promotion worker-payment worker-bulk payment beat; do
    podman stop --time 90 "rulefarm_${role}_1" > /dev/null 2>&1
    code=$(podman inspect --format '{{.State.ExitCode}}' "rulefarm_${role}_1")
    [ "$code" = 0 ] || { echo "deploy-test: $role ended with $code after SIGTERM"; exit 1; }
done
say "SIGTERM ends them in good order"

# One Deployment, with what it is given by name, on the network of the servers.
kubectl kustomize deploy/k8s/base > "$work/base.yaml"
python3 - "$work" << 'END'
import re, sys
from pathlib import Path
work = Path(sys.argv[1])
objects = re.split(r"^---$", (work / "base.yaml").read_text(), flags=re.MULTILINE)
[worker] = [each for each in objects if "\nkind: Deployment\n" in each and re.search(r"^  name: worker-payment$", each, re.M)]
[config] = [each for each in objects if "\nkind: ConfigMap\n" in "\n" + each]
worker = worker.replace("image: rulefarm:latest", "image: localhost/rulefarm:latest\n        imagePullPolicy: Never")
(work / "pod.yaml").write_text("\n---\n".join([config.strip(), worker.strip()]) + "\n")
END
podman secret rm rulefarm > /dev/null 2>&1 || true
# As podman 4.3 reads it: it can't read back what it makes of a Secret itself.
encoded() { printf %s "$1" | base64 --wrap 0; }
printf '{"RULEFARM_DATABASE_URL": "%s", "RULEFARM_BROKER_URL": "%s"}' \
    "$(encoded "postgresql://farm:$RULEFARM_PASSWORD@postgres:5432/farm")" \
    "$(encoded "redis://:$RULEFARM_PASSWORD@valkey:6379/0")" | podman secret create rulefarm - > /dev/null
podman kube play --network rulefarm_default "$work/pod.yaml" > "$work/play.log" 2>&1 || { cat "$work/play.log"; exit 1; }
pod=$(podman ps --format '{{.Names}}' | grep worker-payment | grep -v infra | grep -v '^rulefarm_')
until_true "the pod of the Deployment" 120 podman exec "$pod" rulefarm alive 2> /dev/null
say "the Deployment of worker-payment runs, and says that it is alive"
