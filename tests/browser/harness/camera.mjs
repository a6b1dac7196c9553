import { readFileSync, writeFileSync } from 'node:fs';

/** Frames that each photo is shown for; the browser plays 30 a second, over and over. */
const FRAMES = 30;

/** Writes a film for the browser's fake camera: JPEG files of one size, one after another. */
export function film(path, photos) {
  const frames = photos.flatMap((photo) => Array(FRAMES).fill(readFileSync(photo)));
  writeFileSync(path, Buffer.concat(frames));
  return path;
}
