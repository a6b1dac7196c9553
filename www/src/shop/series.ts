import type { Series } from '../api/client';

/** Counts of a day, of all releases together. */
export interface DayCounts {
  /** Seconds since 1970, at the day's beginning in UTC. */
  time: number;
  answers: number;
  corrected: number;
}

/** What devices told, day by day, oldest first. */
export function daysOf({ days }: Pick<Series, 'days'>): DayCounts[] {
  const byDay = new Map<string, DayCounts>();
  for (const { day, matched, unsure, unknown, corrected } of days) {
    const counts = byDay.get(day) ?? { time: Date.parse(`${day}T00:00:00Z`) / 1000, answers: 0, corrected: 0 };
    counts.answers += matched + unsure + unknown;
    counts.corrected += corrected;
    byDay.set(day, counts);
  }
  return [...byDay.values()].sort((a, b) => a.time - b.time);
}
