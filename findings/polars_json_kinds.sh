#!/usr/bin/env bash
# polars 2.1.0: `str.json_decode` with a dtype refuses some JSON of another kind and changes the rest without a word. A
# text for a number raises; but a number for an integer loses its fraction, one beyond 64 bits becomes null, a boolean is
# 1 as a number and "true" as a text, a lone value becomes a list of one, and of a name that stands twice the first counts,
# where Python's json has the last.
# What it means for rulefarm: the text of facts is looked at for values of another kind before polars reads it, and what
# has one is judged from its objects (tasks/text_columns.py).
#
# Output seen:
#   "7" as Float64: raised
#   1 as Boolean: raised
#   true as Float64: [1.0]
#   true as String: ['true']
#   1.5 as Int64: [1]
#   18446744073709551615 as Int64: [None]
#   7 as List(Float64): [[7.0]]
#   a twice, 1 and 2: polars [1.0], json 2
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check polars==2.1.0
cd "$folder"
cat > program.py <<'PROGRAM'
import json

import polars as pl


def read(text: str, dtype: pl.DataType) -> list:
    return pl.Series([text]).str.json_decode(pl.Struct({"a": dtype})).struct.field("a").to_list()


for value, dtype in (
    ('"7"', pl.Float64()),
    ("1", pl.Boolean()),
    ("true", pl.Float64()),
    ("true", pl.String()),
    ("1.5", pl.Int64()),
    ("18446744073709551615", pl.Int64()),
    ("7", pl.List(pl.Float64())),
):
    try:
        seen = read(f'{{"a": {value}}}', dtype)
    except pl.exceptions.ComputeError:
        seen = "raised"
    print(f"{value} as {dtype}: {seen}")
twice = '{"a": 1, "a": 2}'
print(f"a twice, 1 and 2: polars {read(twice, pl.Float64())}, json {json.loads(twice)['a']}")
PROGRAM
timeout 60 "$folder/env/bin/python" program.py > seen.txt
cat seen.txt
diff - seen.txt <<'EXPECTED'
"7" as Float64: raised
1 as Boolean: raised
true as Float64: [1.0]
true as String: ['true']
1.5 as Int64: [1]
18446744073709551615 as Int64: [None]
7 as List(Float64): [[7.0]]
a twice, 1 and 2: polars [1.0], json 2
EXPECTED
echo "as it was"
