/** What is known of a training that runs. */
export interface Course {
  /** How much is done, 0 to 100. */
  percent: number;
  /** Milliseconds since it began. */
  elapsed: number;
  /** Seconds that the channel's last training took; null where there was none. */
  last: number | null;
}

/** The share of the work, in percent, from which its own pace tells when it ends. Before that it is mostly set-up. */
const TELLING = 20;

/**
 * Seconds that a training still takes, about; null while nothing honest can be said. Early on the last training is the only
 * measure; later the pace of this one is, which knows this machine and these photos.
 */
export function secondsLeft({ percent, elapsed, last }: Course): number | null {
  if (percent >= 100) return 0;
  if (percent >= TELLING) return Math.round(((elapsed / 1000) * (100 - percent)) / percent);
  if (last === null) return null;
  return Math.max(0, Math.round(last - elapsed / 1000)) || null;
}
