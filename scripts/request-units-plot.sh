#!/usr/bin/env bash
# Records a copy from the sandbox's Cosmos DB account while its throughput and other traffic change, and draws
# docs/request-units.svg from it. Needs bin/vida and bin/vida-sandbox (make build) and curl; takes about 50 seconds.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat > "$work/plan.yaml" <<'PLAN'
version: 1
name: request-units
connections:
  source: {uri: "${COSMOS_DB_CONNECTION_STRING}", database: "${COSMOS_DB_NAME}"}
  target: {uri: "${MONGODB_ATLAS_CONNECTION_STRING}", database: "${MONGODB_ATLAS_DB_NAME}"}
steps:
  - {name: copy, type: copy, from: source, to: target, collections: [serviceorders]}
PLAN
cat > "$work/record.sh" <<'RECORD'
change() { curl -sf -X POST -d "$1" "$VIDA_SANDBOX_COSMOS_URL" > /dev/null; }
"$VIDA" run "$WORK/plan.yaml" --state "$WORK/state" --output json > "$WORK/run.ndjson" &
sleep 10; change '{"background": 4000}'      # other traffic comes
sleep 12; change '{"background": 0}'         # and goes
sleep 12; change '{"request_units": 14000}'  # the throughput is raised
wait
RECORD
VIDA=$PWD/bin/vida WORK=$work bin/vida-sandbox exec --engine null --documents 175000 --cosmos on --request-units 8000 \
	--physical-partitions 2 -- bash "$work/record.sh"
mkdir -p docs
bin/vida-sandbox plot "$work/run.ndjson" --title "A copy at 8,000 RU/s; 4,000 RU/s of other traffic from 10 s to 22 s; 14,000 RU/s from 34 s" > docs/request-units.svg
