import type { ModelInfo } from 'jicho';

import { type Minor, toMinor } from './money';

/** A product as the till shows it. */
export interface Product {
  /** The product's id, as recognition gives it. */
  label: string;
  name: string;
  /** Null where no price is known: the cashier is asked for it. */
  price: Minor | null;
  currency: string;
  /** Digits of its barcode. */
  barcode: string | null;
  /** Address of a small picture. */
  picture: string | null;
}

/** What the service says of the products that are sold. */
export interface Catalogue {
  currency?: string | null;
  products: {
    id: string;
    name: string;
    price?: string | null;
    currency?: string | null;
    barcode?: string | null;
    /** Path of a small picture, which needs the device's key. */
    picture?: string | null;
  }[];
}

/**
 * The products of a catalogue, and those of a model that it lacks, such as what was taught on this device. The catalogue knows
 * names and prices of today, the release those of the day it was trained. `pictures` are the catalogue's that are here.
 */
export function withCatalogue(
  products: ReadonlyMap<string, Product>,
  catalogue: Catalogue | null,
  pictures: ReadonlyMap<string, string>,
  fallback: string,
): Map<string, Product> {
  if (!catalogue) return new Map(products);
  const all = new Map(products);
  for (const { id, name, price, currency, barcode } of catalogue.products) {
    const unit = currency ?? catalogue.currency ?? fallback;
    const amount = Number(price ?? Number.NaN);
    all.set(id, {
      label: id,
      name,
      price: amount >= 0 ? toMinor(amount, unit) : null,
      currency: unit,
      barcode: barcode ?? null,
      picture: pictures.get(id) ?? products.get(id)?.picture ?? null,
    });
  }
  return new Map([...all].sort(([, a], [, b]) => a.name.localeCompare(b.name)));
}

/**
 * The products of a model, with what the release says of them and what was taught on this device. `currency` is for prices
 * whose product names none.
 */
export function productsOf(model: Pick<ModelInfo, 'labels' | 'facts'> | null, currency: string): Map<string, Product> {
  const labels = model ? [...new Set([...model.labels, ...Object.keys(model.facts)])] : [];
  const products = labels.map((label) => productOf(label, model?.facts[label] ?? {}, currency));
  products.sort((a, b) => a.name.localeCompare(b.name));
  return new Map(products.map((product) => [product.label, product]));
}

function productOf(label: string, facts: Record<string, unknown>, fallback: string): Product {
  const { name, price, barcode, picture } = facts;
  const currency = typeof facts['currency'] === 'string' ? facts['currency'] : fallback;
  return {
    label,
    name: typeof name === 'string' && name !== '' ? name : readable(label),
    price: typeof price === 'number' && price >= 0 ? toMinor(price, currency) : null,
    currency,
    barcode: typeof barcode === 'string' || typeof barcode === 'number' ? String(barcode) : null,
    picture: typeof picture === 'string' && picture.startsWith('data:image/') ? picture : null,
  };
}

/** An id as a name: `red-apple` becomes `Red apple`. */
function readable(label: string): string {
  const words = label.replace(/[-_]+/g, ' ').trim();
  return words === '' ? label : words.charAt(0).toLocaleUpperCase() + words.slice(1);
}
