import type { Decision, Defect, WatchAnswer } from 'jicho';

import type { Product } from './catalogue';

/** How many products an answer that is unsure offers. */
const CHOICES = 3;

/** What the till shows of an answer. */
export interface View {
  decision: Decision;
  /** The product of a match, those to choose from where it is unsure, none where it is unknown; never a product without a name. */
  products: Product[];
  /** Of a match, 0–1. */
  confidence: number;
  /** What to do about the picture where it is no match; null if the picture is good. */
  hint: Defect | null;
}

export function viewOf(
  answer: Pick<WatchAnswer, 'decision' | 'predictions' | 'quality'>,
  products: ReadonlyMap<string, Product>,
): View {
  const { decision, predictions, quality } = answer;
  const named = predictions.flatMap(({ label, confidence }) => {
    const product = products.get(label);
    return product ? [{ product, confidence }] : [];
  });
  const shown = decision === 'unknown' ? 0 : decision === 'match' ? 1 : CHOICES;
  return {
    decision,
    products: named.slice(0, shown).map(({ product }) => product),
    confidence: named[0]?.confidence ?? 0,
    hint: decision === 'match' ? null : (quality?.findings[0]?.defect ?? null),
  };
}
