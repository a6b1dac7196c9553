import { type Basket, total } from './basket';
import { type Minor, toMajor } from './money';

export type PaymentMethod = 'cash' | 'card' | 'mobile' | 'other';

/** How a sale was paid. */
export interface Payment {
  method: PaymentMethod;
  /** Cash that the customer gave; the total where it was not cash. */
  given: Minor;
}

/** A finished sale, as it is sealed on the device and sent to the host. Amounts are in the currency's main unit. */
export interface Sale {
  number: string;
  channel: string;
  /** Release of the model that recognised the products. */
  version: string | null;
  /** When it was finished, ISO 8601, UTC. */
  at: string;
  currency: string;
  lines: { label: string | null; name: string; quantity: number; price: number; total: number }[];
  total: number;
  payment: { method: PaymentMethod; given: number; change: number };
}

/** What a sale is made of beside its basket. */
export interface Circumstances {
  number: string;
  channel: string;
  version: string | null;
  at: Date;
  currency: string;
}

export function saleOf(basket: Basket, { method, given }: Payment, about: Circumstances): Sale {
  const { at, currency, ...rest } = about;
  const major = (amount: Minor): number => toMajor(amount, currency);
  const due = total(basket);
  return {
    ...rest,
    at: at.toISOString(),
    currency,
    lines: basket.lines.map(({ label, name, quantity, price }) => ({
      label,
      name,
      quantity,
      price: major(price),
      total: major(price * quantity),
    })),
    total: major(due),
    payment: { method, given: major(given), change: major(given - due) },
  };
}

/** A number for people to name a sale by: the day, and four letters or digits that differ. */
export function saleNumber(at: Date, random: Uint8Array): string {
  const day = at.toISOString().slice(2, 10).replaceAll('-', '');
  const alphabet = '23456789ABCDEFGHJKLMNPQRSTUVWXYZ';
  const tail = Array.from(random.slice(0, 4), (byte) => alphabet[byte % alphabet.length]).join('');
  return `${day}-${tail}`;
}
