/** Every trial of the cases: each on a device that had a model, and on one that never had. */
export const trialsOf = (cases) => cases.flatMap((fault) => [true, false].map((had) => ({ fault, had })));

/** So many of the trials, by a seed: the same for the same seed. */
export function slice(trials, count, seed) {
  const random = mulberry32(seed);
  const left = [...trials];
  const chosen = [];
  while (chosen.length < count && left.length > 0) chosen.push(...left.splice(Math.floor(random() * left.length), 1));
  return chosen;
}

/** Numbers from 0 up to 1, the same for the same seed. */
export function mulberry32(state) {
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
