/** Side of the small picture by which scenes are compared, pixels. */
export const SIDE = 16;

/** Difference of one pixel's brightness, 0–255, that is no noise of the camera. */
const NOISE = 12;

/** So many pixels must differ by more than noise for the scene to be another one, and so many for it to be another altogether. */
const CHANGED = 3;
const REPLACED = (SIDE * SIDE) / 4;

/** How a scene relates to the one before. */
export type SceneChange = 'same' | 'changed' | 'replaced';

/**
 * Compares two small pictures, each `4 * SIDE * SIDE` bytes of RGBA. Brightness alone counts. Comparing with the last picture
 * that was recognised, rather than with the last that was seen, makes slow changes add up until they are noticed.
 */
export function compareScenes(before: Uint8ClampedArray | null, now: Uint8ClampedArray): SceneChange {
  if (!before) return 'replaced';
  let differing = 0;
  for (let i = 0; i < now.length; i += 4) {
    if (Math.abs(brightness(now, i) - brightness(before, i)) > NOISE) differing += 1;
  }
  if (differing >= REPLACED) return 'replaced';
  return differing >= CHANGED ? 'changed' : 'same';
}

/** Rec. 601 luma of the pixel at byte `i`. */
function brightness(rgba: Uint8ClampedArray, i: number): number {
  return 0.299 * rgba[i]! + 0.587 * rgba[i + 1]! + 0.114 * rgba[i + 2]!;
}
