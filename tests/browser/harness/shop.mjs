import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { jicho } from './companion.mjs';

/** A temporary folder, deleted after the tests. */
export function temporary(after) {
  const folder = mkdtempSync(join(tmpdir(), 'jicho-browser-'));
  after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}

/**
 * A made-up shop in `folder`: photos to train on (`all`), the same without one product (`fewer`), and other photos of the same
 * products (`unseen`). `newcomer` is the product that `fewer` lacks.
 */
export async function shop(folder, { products = 7, photos = 12, unseen = 4, size = 320 } = {}) {
  const at = (name) => join(folder, name);
  await jicho(
    'samples',
    at('all'),
    '--seed',
    '1',
    '--photos',
    `${photos}`,
    '--products',
    `${products}`,
    '--size',
    `${size}`,
  );
  await jicho(
    'samples',
    at('unseen'),
    '--seed',
    '2',
    '--photos',
    `${unseen}`,
    '--products',
    `${products}`,
    '--size',
    `${size}`,
  );
  const newcomer = readdirSync(at('all')).sort().at(-1);
  cpSync(at('all'), at('fewer'), { recursive: true, filter: (path) => !path.endsWith(newcomer) });
  return { all: at('all'), fewer: at('fewer'), unseen: at('unseen'), newcomer };
}

export function photosOf(folder, product) {
  return readdirSync(join(folder, product))
    .sort()
    .map((name) => join(folder, product, name));
}

/** The companion's answers to the photos of a folder, by path. */
export async function answers(folder, channel, photos) {
  const file = join(folder, 'answers.jsonl');
  await jicho('evaluate', channel, '--photos', photos, '--predictions', file);
  const lines = readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  return new Map(lines.map((line) => [line.image, line]));
}

/**
 * The product that the companion recognises best on photos it was not trained on, and its two clearest photos. Accuracy is
 * measured elsewhere. `only` limits the search to one product.
 */
export async function clearest(folder, channel, photos, only) {
  const clear = [...(await answers(folder, channel, photos)).values()]
    .map(({ image, label, decision, predictions }) => ({ image, label, decision, first: predictions[0] }))
    .filter(({ label, decision, first }) => decision === 'match' && first.label === label && label === (only ?? label))
    .sort((a, b) => b.first.confidence - a.first.confidence);
  for (const { label } of clear) {
    const two = clear.filter((other) => other.label === label).slice(0, 2);
    if (two.length === 2) return { product: label, photos: two.map(({ image }) => join(photos, image)) };
  }
  throw new Error(`the model does not recognise two unseen photos of ${only ?? 'any product'}`);
}
