/** The builds that run compiled plans, by the SIMD they need. */
export type Build = 'scalar' | 'simd' | 'relaxed';

// Minimal modules of one function, which are valid only in browsers that know its instructions.
const SIMD = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11,
];
const RELAXED = [
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 15, 1, 13, 0],
  ...[65, 1, 253, 15, 65, 2, 253, 15, 253, 128, 2, 11],
];

/** The fastest build that this browser runs. A service worker needs to keep only this one of the three. */
export function bestBuild(): Build {
  if (!WebAssembly.validate(new Uint8Array(SIMD))) return 'scalar';
  return WebAssembly.validate(new Uint8Array(RELAXED)) ? 'relaxed' : 'simd';
}
