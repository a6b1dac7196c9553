#!/usr/bin/env bash
# Shows the whole path: builds, draws the photos of a made-up shop, trains a channel and serves the app. PORT chooses the
# port, 8080 by default.
set -euo pipefail
source "$(dirname "$0")/common.sh"
scripts/build.sh
say "sample photos"
rm -rf samples
"$JICHO" samples samples/photos >/dev/null
# Photos to hold before the camera, or to choose on the page: the same shop, never trained on.
"$JICHO" samples samples/unseen --photos 3 --seed 2 >/dev/null
say "training"
"$JICHO" train samples/photos --channel T_1 --out ml-models
"$JICHO" evaluate ml-models/T_1 --photos samples/unseen | sed -n 1,6p
say "serving; show the camera a photo of samples/unseen, or choose one on the page"
exec "$JICHO" serve --models ml-models --app www/dist --port "${PORT:-8080}"
