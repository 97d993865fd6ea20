#!/usr/bin/env bash
# polars 2.1.0: from the year 2100 on its own table of time zones knows no daylight saving time, so that a summer noon of
# Berlin is an hour off, while Python's zoneinfo goes on by the zone's rule. What a column computes and what its values say
# when they leave it then differ: `dt.hour()` gives 13, and the very same value as a Python datetime has 14.
# What it means for rulefarm: a column of local times is settled by zoneinfo, as a single record is, never by polars.
#
# Output seen:
#   2099 noon in Berlin is 10:00 UTC by polars, 10:00 by zoneinfo; noon UTC has hour 14 in the column, 14 as a value
#   2100 noon in Berlin is 11:00 UTC by polars, 10:00 by zoneinfo; noon UTC has hour 13 in the column, 14 as a value
#   2150 noon in Berlin is 11:00 UTC by polars, 10:00 by zoneinfo; noon UTC has hour 13 in the column, 14 as a value
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check polars==2.1.0 tzdata==2026.6
cd "$folder"
cat > program.py <<'PROGRAM'
from datetime import datetime
from zoneinfo import ZoneInfo

import polars as pl

BERLIN = "Europe/Berlin"
for year in (2099, 2100, 2150):
    noon = datetime(year, 7, 1, 12)
    column = pl.Series([noon]).dt.replace_time_zone(BERLIN).dt.convert_time_zone("UTC")
    python = noon.replace(tzinfo=ZoneInfo(BERLIN)).astimezone(ZoneInfo("UTC"))
    there = pl.Series([noon]).dt.replace_time_zone("UTC").dt.convert_time_zone(BERLIN)
    print(
        f"{year} noon in Berlin is {column.dt.strftime('%H:%M')[0]} UTC by polars, {python:%H:%M} by zoneinfo;"
        f" noon UTC has hour {there.dt.hour()[0]} in the column, {there[0].hour} as a value"
    )
PROGRAM
timeout 60 "$folder/env/bin/python" program.py > seen.txt
cat seen.txt
diff - seen.txt <<'EXPECTED'
2099 noon in Berlin is 10:00 UTC by polars, 10:00 by zoneinfo; noon UTC has hour 14 in the column, 14 as a value
2100 noon in Berlin is 11:00 UTC by polars, 10:00 by zoneinfo; noon UTC has hour 13 in the column, 14 as a value
2150 noon in Berlin is 11:00 UTC by polars, 10:00 by zoneinfo; noon UTC has hour 13 in the column, 14 as a value
EXPECTED
echo "as it was"
