import type { Minor } from './money';

/** What is put into a basket. */
export interface Item {
  /** The product's id; null for something that was typed in by hand. */
  label: string | null;
  name: string;
  /** Price of one. */
  price: Minor;
  /** The recognition that it came from, which a correction names. */
  recognition?: string | undefined;
}

/** A line of a basket. */
export interface Line extends Item {
  id: number;
  quantity: number;
}

/** A basket. It is never changed: each function returns another one. */
export interface Basket {
  lines: readonly Line[];
  /** The line that was added to last, which may be corrected. */
  last: number | null;
  /** The id of the next line. */
  next: number;
}

export const EMPTY: Basket = { lines: [], last: null, next: 1 };

/** Highest quantity of a line. */
const MOST = 999;

/** Adds one of a product. A product that is there already gets a higher quantity; things typed in by hand stay apart. */
export function add(basket: Basket, item: Item): Basket {
  const same = basket.lines.find(({ label, price }) => label !== null && label === item.label && price === item.price);
  if (same) {
    const raised = { ...same, quantity: Math.min(MOST, same.quantity + 1), recognition: item.recognition };
    return { ...basket, lines: basket.lines.map((line) => (line === same ? raised : line)), last: same.id };
  }
  const line = { ...item, id: basket.next, quantity: 1 };
  return { lines: [...basket.lines, line], last: line.id, next: basket.next + 1 };
}

/** Sets the quantity of a line; 0 removes it. */
export function setQuantity(basket: Basket, id: number, quantity: number): Basket {
  const kept = Math.max(0, Math.min(MOST, Math.round(quantity)));
  const lines = basket.lines
    .map((line) => (line.id === id ? { ...line, quantity: kept } : line))
    .filter((line) => line.quantity > 0);
  return { ...basket, lines, last: lines.some((line) => line.id === basket.last) ? basket.last : null };
}

/** Takes one of the line that was added to last, and adds another product in its place. */
export function correctLast(basket: Basket, item: Item): Basket {
  const wrong = basket.lines.find((line) => line.id === basket.last);
  return wrong ? add(setQuantity(basket, wrong.id, wrong.quantity - 1), item) : basket;
}

export function total({ lines }: Basket): Minor {
  return lines.reduce((sum, { price, quantity }) => sum + price * quantity, 0);
}

export function count({ lines }: Basket): number {
  return lines.reduce((sum, { quantity }) => sum + quantity, 0);
}
