#!/usr/bin/env bash
# redis-py 8.1.0 beside opentelemetry-sdk 1.45.2: whoever imports the plain client loads the OpenTelemetry API and the
# SDK's metrics, asks for neither, and gets nothing of them: no meter provider is set, and OTEL_SDK_DISABLED=true changes
# nothing of it. Of the 333 modules that were loaded then 61 were OpenTelemetry's.
# What it means for rulefarm: that `opentelemetry` is loaded does not say that somebody traces, see `rulefarm.tracing`;
# a worker's and a command's start pays for it wherever the extra `otel` is installed.
#
# Output seen:
#   alone: no module of OpenTelemetry
#   beside the SDK: the API yes, the SDK yes, a provider that is set no
#   with OTEL_SDK_DISABLED=true: the API yes, the SDK yes, a provider that is set no
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
pip() { "$folder/env/bin/pip" install --quiet --disable-pip-version-check "$@"; }
cd "$folder"
cat > program.py <<'PROGRAM'
import sys

import redis

of_it = sorted(name for name in sys.modules if name.split(".")[0] == "opentelemetry")
if not of_it:
    print("no module of OpenTelemetry")
else:
    from opentelemetry.metrics import _internal

    answers = "opentelemetry.metrics" in of_it, "opentelemetry.sdk.metrics" in of_it, _internal._METER_PROVIDER is not None
    print("the API {}, the SDK {}, a provider that is set {}".format(*("yes" if one else "no" for one in answers)))
PROGRAM
run() { timeout 60 "$folder/env/bin/python" program.py; }
pip redis==8.1.0
echo "alone: $(run)" > seen.txt
pip opentelemetry-sdk==1.45.2 opentelemetry-api==1.45.2 opentelemetry-semantic-conventions==0.66b2
echo "beside the SDK: $(run)" >> seen.txt
echo "with OTEL_SDK_DISABLED=true: $(OTEL_SDK_DISABLED=true run)" >> seen.txt
cat seen.txt
diff - seen.txt <<'EXPECTED'
alone: no module of OpenTelemetry
beside the SDK: the API yes, the SDK yes, a provider that is set no
with OTEL_SDK_DISABLED=true: the API yes, the SDK yes, a provider that is set no
EXPECTED
echo "as it was"
