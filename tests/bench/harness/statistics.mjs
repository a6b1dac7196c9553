/** The quantile: the value that a fraction `share` (0–1) of the values does not exceed. */
export function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

export function summary(values) {
  return { median: median(values), p95: quantile(values, 0.95) };
}

export function largestDifference(a, b) {
  if (a.length !== b.length) return Infinity;
  // Any NaN makes the result NaN.
  return a.reduce((largest, value, i) => Math.max(largest, Math.abs(value - b[i])), 0);
}
