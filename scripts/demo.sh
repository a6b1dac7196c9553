#!/usr/bin/env bash
# Shows the whole path: builds, draws the photos of a made-up shop, starts the service, makes the shop through its API, and
# serves the app. PORT chooses the port, 8080 by default.
set -euo pipefail
source "$(dirname "$0")/common.sh"
scripts/build.sh
say "sample photos"
rm -rf samples demo-data
"$JICHO" samples samples/photos >/dev/null
# Photos to hold before the camera, or to choose on the page: the same shop, never trained on.
"$JICHO" samples samples/unseen --photos 3 --seed 2 >/dev/null
say "the service"
port=${PORT:-8080}
"$JICHO" serve --data demo-data --models ml-models --app www/dist --port "$port" &
service=$!
trap 'kill "$service" 2>/dev/null || true' EXIT
say "the shop, through the API"
node scripts/demo-shop.mjs "http://127.0.0.1:$port" demo-data samples/photos
"$JICHO" evaluate ml-models/T_1 --photos samples/unseen | sed -n 1,6p
say "ready; show the camera a photo of samples/unseen, or choose one on the page. Ctrl-C stops"
wait "$service"
