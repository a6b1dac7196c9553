/** `MAX_PIXELS` of the Rust library; checked here too, before memory of that size is asked for. */
export const MAX_PIXELS = 64_000_000;

/** The least side of the square that a large picture is reduced to, where the model needs no more. */
const LEAST_SIDE = 512;

/** The part of a picture that is used, and how often it is halved. Units are pixels of the picture. */
export interface Part {
  left: number;
  top: number;
  width: number;
  height: number;
  /** How many times 2×2 pixels become their mean. `width` and `height` are multiples of 2 to this power. */
  halvings: number;
}

/** The side of the square that a picture may be reduced to, for a model whose input has `imageSize` pixels a side. */
export function sideNeeded(imageSize = 0): number {
  return Math.max(LEAST_SIDE, 2 * imageSize);
}

/**
 * What to keep of a picture. Of a video it is the central square, which a guide shows to whoever holds the camera. Of anything else
 * it is nearly all, since a release may look at a long picture whole. What has more than `2 * side` squared pixels is halved while
 * the shorter side keeps `side` pixels; the model's input and lessons need no more. The central square is always made of the same
 * pixels: at most one pixel less than a halved one is left out at each edge.
 *
 * Halving by the mean of 2×2 pixels is the same in every browser, which their own ways to scale are not.
 */
export function partOf(width: number, height: number, side: number, isVideo = false): Part {
  const shorter = Math.min(width, height);
  let halvings = 0;
  if (width * height > (2 * side) ** 2) while (shorter >> (halvings + 1) >= side) halvings += 1;
  const square = (shorter >> halvings) << halvings;
  const [left, top] = [(width - square) >> 1, (height - square) >> 1];
  if (isVideo) return { left, top, width: square, height: square, halvings };
  if (halvings === 0) return { left: 0, top: 0, width, height, halvings };
  const [across, down] = [(left >> halvings) << halvings, (top >> halvings) << halvings];
  return { left: left - across, top: top - down, width: square + 2 * across, height: square + 2 * down, halvings };
}
