/** All trials of the cases: each on a device that had a model, and on one that never had one. */
export const trialsOf = (cases) => cases.flatMap((fault) => [true, false].map((had) => ({ fault, had })));

/** A random sample of `count` trials, determined by the seed. */
export function slice(trials, count, seed) {
  const random = mulberry32(seed);
  const left = [...trials];
  const chosen = [];
  while (chosen.length < count && left.length > 0) chosen.push(...left.splice(Math.floor(random() * left.length), 1));
  return chosen;
}

/** Random numbers from 0 to below 1, determined by the seed. */
export function mulberry32(state) {
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
