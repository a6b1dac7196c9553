#!/usr/bin/env bash
# Sends what schemathesis makes of the API's description to a running service: no request may end in a 5xx, and every answer
# must be one that the description tells of. EXAMPLES sets how many requests an operation gets, 25 by default.
set -euo pipefail
source "$(dirname "$0")/common.sh"
source scripts/tools.sh
python_environment api tests/api/requirements.txt
scripts/companion.sh
data=$(mktemp -d)
# A fuzzer guesses keys all the time, and asks for more predictions than a till.
export JICHO_ACCESS_LOG_INS_PER_MINUTE=0 JICHO_ACCESS_REFUSALS_PER_MINUTE=0 JICHO_LOG_LEVEL=error
"$JICHO" serve --data "$data/data" --models "$data/models" --port 0 >"$data/url" &
service=$!
trap 'kill "$service" 2>/dev/null || true; rm -rf "$data"' EXIT
until [ -s "$data/url" ]; do sleep 0.1; done
url=$(sed 's|/$||' "$data/url")
key=$(python3 tests/api/first_key.py "$url" "$data/data/first-link")
# Keys are left out, or the one that asks would be revoked on the way. JSON lines and CSV have tests of their own: the tool
# cannot write them.
.tools/api/bin/schemathesis run "$url/openapi.json" -H "Authorization: Bearer $key" \
  --max-examples "${EXAMPLES:-25}" --phases examples,fuzzing --suppress-health-check all \
  --exclude-path-regex '/keys/|/lessons$|/ws$' \
  --checks not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance
