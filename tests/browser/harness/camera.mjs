import { readFileSync, writeFileSync } from 'node:fs';

/** How many frames each photo is shown for. The browser plays 30 frames a second in a loop. */
const FRAMES = 30;

/** Writes a film for the browser's fake camera: JPEG photos of one size, one after another. */
export function film(path, photos) {
  const frames = photos.flatMap((photo) => Array(FRAMES).fill(readFileSync(photo)));
  writeFileSync(path, Buffer.concat(frames));
  return path;
}
