import type { Compared } from '../api/client';

/** A product that one model recognises better than another. */
export interface Difference {
  product: string;
  before: number;
  after: number;
}

/** Shares that differ by less than this are one photo more or less, and no news. */
const NEWS = 0.02;

/** Which products the second of two models recognises better and which worse, the largest differences first. */
export function differences(compared: Pick<Compared, 'products'>): { better: Difference[]; worse: Difference[] } {
  const all = compared.products.flatMap(({ product, a, b }) =>
    a && b ? [{ product, before: a.share, after: b.share }] : [],
  );
  const gain = ({ before, after }: Difference): number => after - before;
  return {
    better: all.filter((one) => gain(one) > NEWS).sort((one, other) => gain(other) - gain(one)),
    worse: all.filter((one) => gain(one) < -NEWS).sort((one, other) => gain(one) - gain(other)),
  };
}

/** The 95 % interval of a model's accuracy, where it was measured. */
export function intervalOf(metrics: Record<string, unknown>): [low: number, high: number] | null {
  const { interval } = metrics;
  if (!Array.isArray(interval) || interval.length !== 2) return null;
  const [low, high] = interval as unknown[];
  return typeof low === 'number' && typeof high === 'number' ? [low, high] : null;
}
