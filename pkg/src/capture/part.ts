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
 * What to keep of a picture. Recognition looks at the central square alone, at the size of the model's input or of a
 * lesson, so of a large picture only that square is kept, halved while `side` pixels are left. A picture of at most
 * `2 * side` squared pixels is kept whole, bit by bit.
 *
 * Halving by the mean of 2×2 pixels is the same in every browser, which their own ways to scale are not.
 */
export function partOf(width: number, height: number, side: number): Part {
  if (width * height <= (2 * side) ** 2) return { left: 0, top: 0, width, height, halvings: 0 };
  const shorter = Math.min(width, height);
  let halvings = 0;
  while (shorter >> (halvings + 1) >= side) halvings += 1;
  const kept = (shorter >> halvings) << halvings;
  return { left: (width - kept) >> 1, top: (height - kept) >> 1, width: kept, height: kept, halvings };
}
