import type { Vault } from 'jicho/vault';

import type { Sale } from './sale';

/** A sale that the host will never take, with its reason. */
export interface RefusedSale {
  /** The id under which it was sent. */
  id: string;
  status: number;
  /** What the host says, for people. */
  detail: string;
  sale: Sale;
}

/**
 * Sales that the host has refused for good. They are sealed apart from those that wait, so that they hold up none of them,
 * until somebody has saved them.
 */
export class RefusedSales {
  readonly #open: () => Promise<Vault>;
  /** Tells, without opening the vault, that there may be some: almost no till ever has one. */
  readonly #mark: string;
  #vault: Promise<Vault> | undefined;

  constructor(channel: string, open: () => Promise<Vault>) {
    this.#mark = `jicho refused ${channel}`;
    this.#open = open;
  }

  /** A page that dies before the sale is out of the queue sends it again, so that it may be here already. */
  async add(refused: RefusedSale): Promise<void> {
    localStorage.setItem(this.#mark, '1');
    if ((await this.list()).some(({ id }) => id === refused.id)) return;
    await (await this.#opened()).add({ kind: 'sale', order: refused });
  }

  async list(): Promise<RefusedSale[]> {
    if (localStorage.getItem(this.#mark) === null) return [];
    const { records } = await (await this.#opened()).list({ kind: 'sale', order: 'oldest', limit: 100 });
    return records.map(({ order }) => order as RefusedSale);
  }

  async discard(): Promise<void> {
    if (localStorage.getItem(this.#mark) === null) return;
    await (await this.#opened()).destroy();
    this.#vault = undefined;
    localStorage.removeItem(this.#mark);
  }

  #opened(): Promise<Vault> {
    this.#vault ??= this.#open();
    return this.#vault;
  }
}
