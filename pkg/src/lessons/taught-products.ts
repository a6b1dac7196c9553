import type { Lesson } from '../../wasm/jicho.js';
import type { TaughtProduct } from '../api/lessons.js';

/** Lessons by product, in the order in which these were first taught. `labels` are the release's products. */
export function taughtProducts(lessons: Lesson[], labels: Set<string>): TaughtProduct[] {
  const products = new Map<string | null, TaughtProduct>();
  for (const { label, facts, frames, correction, time, standing } of [...lessons].sort((a, b) => a.time - b.time)) {
    const before = products.get(label);
    products.set(label, {
      label,
      facts: facts ? (JSON.parse(facts) as Record<string, unknown>) : (before?.facts ?? {}),
      frames: (before?.frames ?? 0) + frames,
      corrections: (before?.corrections ?? 0) + Number(correction),
      taughtAt: new Date(time).toISOString(),
      inRelease: label !== null && labels.has(label),
      active: before?.active || standing === 'active',
    });
  }
  return [...products.values()];
}
