import type { Recognition } from 'jicho';

import { channel } from '../app/root';
import { settings } from '../app/settings';
import { Store } from '../app/store';
import { Session } from '../recognition/session';
import { add, type Basket, correctLast, EMPTY, type Item, setQuantity } from './basket';
import { type Product, productsOf, withCatalogue } from './catalogue';
import { type Pairing, pairByAddress } from './pairing';
import { type Payment, type Sale, saleNumber, saleOf } from './sale';
import { Sales } from './sales';
import { ServerCatalogue } from './server-catalogue';
import { type Slot, takeSlot } from './slots';

/** A sale that waits for its customer. */
export interface Parked {
  at: number;
  basket: Basket;
}

interface Kept {
  basket: Basket;
  parked: Parked[];
}

/** How many changes of the basket can be undone. */
const UNDO = 20;

/** The till's state: the basket, what is parked, the products, and the sale that was finished last. */
export class Till extends Store {
  readonly session = new Session();
  readonly sales = new Sales();
  readonly catalogue = new ServerCatalogue();
  /** What came of the link by which this page was opened. */
  pairing: Pairing = 'none';
  basket = EMPTY;
  parked: Parked[] = [];
  finished: Sale | null = null;
  products = new Map<string, Product>();
  #undo: Basket[] = [];
  #slot: Slot | undefined;
  #productsOf: unknown = undefined;

  /** Restores the basket of the last visit, and opens the channel. */
  async start(): Promise<void> {
    this.session.subscribe(() => this.#sessionChanged());
    this.sales.subscribe(() => this.changed());
    this.catalogue.subscribe(() => this.#showProducts());
    void this.session.refresh();
    this.#slot = await takeSlot(`jicho basket ${channel}`);
    const kept = this.#slot.load<Kept>({ basket: EMPTY, parked: [] });
    this.basket = kept.basket;
    this.parked = kept.parked;
    this.changed();
    this.pairing = await pairByAddress();
    this.changed();
    // Neither waits for the other: a catalogue that cannot be read must not hold back sales.
    await Promise.all([this.sales.start(), this.catalogue.start()]);
  }

  get currency(): string {
    const shop = this.catalogue.document?.currency;
    if (shop) return shop;
    for (const { currency } of this.products.values()) return currency;
    return settings.currency;
  }

  get canUndo(): boolean {
    return this.#undo.length > 0;
  }

  /** Whether a customer is being served, so that nothing may interrupt. */
  get selling(): boolean {
    return this.basket.lines.length > 0;
  }

  add(item: Item): void {
    this.finished = null;
    this.#become(add(this.basket, item));
  }

  setQuantity(id: number, quantity: number): void {
    this.#become(setQuantity(this.basket, id, quantity));
  }

  undo(): void {
    const before = this.#undo.pop();
    if (!before) return;
    this.basket = before;
    this.#keep();
  }

  /** Replaces one of what was added last by another product. The channel learns from it where it was a recognition. */
  async correct(item: Item): Promise<void> {
    const wrong = this.basket.lines.find(({ id }) => id === this.basket.last);
    this.#become(correctLast(this.basket, item));
    if (wrong?.recognition && item.label !== null) await this.session.eye?.correct(wrong.recognition, item.label);
  }

  /** Teaches that an answer showed that product, or none. */
  async learn(answer: Recognition, label: string | null): Promise<void> {
    await this.session.eye?.correct(answer, label);
  }

  park(): void {
    if (!this.selling) return;
    this.parked = [...this.parked, { at: Date.now(), basket: this.basket }];
    this.#undo = [];
    this.basket = EMPTY;
    this.#keep();
  }

  /** Takes a parked sale up again; the one that is open is parked in its place. */
  resume(parked: Parked): void {
    const others = this.parked.filter((other) => other !== parked);
    this.parked = this.selling ? [...others, { at: Date.now(), basket: this.basket }] : others;
    this.#undo = [];
    this.basket = parked.basket;
    this.#keep();
  }

  /**
   * Seals the sale on this device and empties the basket.
   *
   * @throws JichoError `QUEUE_FULL`; the basket then stays.
   */
  async finish(payment: Payment): Promise<Sale> {
    const at = new Date();
    const sale = saleOf(this.basket, payment, {
      number: saleNumber(at, crypto.getRandomValues(new Uint8Array(4))),
      channel,
      version: this.session.model?.version ?? null,
      at,
      currency: this.currency,
    });
    await this.sales.add(sale);
    // Now that there is something to lose, the browser is asked to keep it.
    void navigator.storage?.persist?.();
    this.finished = sale;
    this.basket = EMPTY;
    this.#undo = [];
    this.#keep();
    return sale;
  }

  #become(basket: Basket): void {
    this.#undo = [...this.#undo, this.basket].slice(-UNDO);
    this.basket = basket;
    this.#keep();
  }

  #keep(): void {
    this.#slot?.save({ basket: this.basket, parked: this.parked } satisfies Kept);
    this.changed();
  }

  #sessionChanged(): void {
    const { model } = this.session;
    if (model !== this.#productsOf) {
      this.#productsOf = model;
      this.#showProducts();
    } else this.changed();
  }

  #showProducts(): void {
    const { document, pictures } = this.catalogue;
    this.products = withCatalogue(
      productsOf(this.session.model, settings.currency),
      document,
      pictures,
      settings.currency,
    );
    this.changed();
  }

  pairingRead(): void {
    this.pairing = 'none';
    this.changed();
  }
}
