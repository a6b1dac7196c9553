import type { ChannelStatus, Product } from '../api/client';

/** The steps by which a channel begins to recognise, in their order. */
export const STEPS = ['products', 'photos', 'train', 'try', 'install'] as const;
export type Step = (typeof STEPS)[number];

/** Products without which there is nothing to tell apart, and photos of each without which little is learnt. */
export const FEWEST_PRODUCTS = 2;
export const FEWEST_PHOTOS = 3;

/** What exists tells how far the set-up is, so that it can be left and resumed anywhere. */
export interface Exists {
  products: readonly Pick<Product, 'photos'>[];
  status: Pick<ChannelStatus, 'version'> | null;
  /** Whether the model was tried on this device. */
  tried: boolean;
}

/** The steps that are done. */
export function doneOf({ products, status, tried }: Exists): Set<Step> {
  const done = new Set<Step>();
  if (products.length >= FEWEST_PRODUCTS) done.add('products');
  const ready = products.filter(({ photos }) => photos >= FEWEST_PHOTOS).length;
  if (ready >= FEWEST_PRODUCTS && ready === products.length) done.add('photos');
  if (status?.version) done.add('train');
  if (tried) done.add('try');
  return done;
}

/** The first step that is not done. */
export function nextOf(exists: Exists): Step {
  const done = doneOf(exists);
  return STEPS.find((step) => !done.has(step)) ?? 'install';
}
