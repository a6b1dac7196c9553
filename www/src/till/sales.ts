import type { QueuedSale, Vault } from 'jicho/vault';

import { channel, root } from '../app/root';
import { settings } from '../app/settings';
import { Store } from '../app/store';
import type { Sale } from './sale';

/** Sales that this device holds at most, and from how many on the till says that it is nearly full. */
export const MOST_SALES = 100;
export const NEARLY_FULL = 80;

/** How the last delivery ended. */
export type DeliveryState = 'idle' | 'delivering' | 'delivered' | 'offline' | 'no-host' | 'refused' | 'login';

/** Milliseconds that one sale may take to be delivered. */
const PATIENCE = 20_000;

/**
 * Finished sales, sealed in this device's vault until the host has confirmed them. They are sent oldest first, each under its
 * id, by which the host takes it once however often it is sent.
 */
export class Sales extends Store {
  waiting = 0;
  delivered = 0;
  state: DeliveryState = 'idle';
  /** HTTP status of a refusal. */
  status = 0;
  durable = true;
  #vault: Promise<Vault> | undefined;

  /** Opens the vault and sends what waits. */
  async start(): Promise<void> {
    addEventListener('online', () => void this.deliver());
    document.addEventListener('visibilitychange', () => !document.hidden && void this.deliver());
    await this.#count();
    await this.deliver();
  }

  /**
   * Seals a sale. It is kept once this resolves.
   *
   * @throws JichoError `QUEUE_FULL` when 100 wait already.
   */
  async add(sale: Sale): Promise<void> {
    const vault = await this.vault();
    await vault.add({ kind: 'sale', order: sale });
    await this.#count();
    void this.deliver();
  }

  async deliver(): Promise<void> {
    if (this.state === 'delivering' || this.waiting === 0) return;
    const before = this.waiting;
    this.#tell('delivering');
    let end: DeliveryState = 'delivered';
    try {
      await (await this.vault()).deliver((sale, signal) => this.#send(sale, signal));
    } catch (error) {
      end = error instanceof Undelivered ? error.state : 'offline';
      this.status = error instanceof Undelivered ? error.status : 0;
    }
    await this.#count();
    this.delivered = before - this.waiting;
    this.#tell(end);
  }

  /** Deletes every sale that waits. They are lost. */
  async discard(): Promise<void> {
    await (await this.vault()).destroy();
    this.#vault = undefined;
    this.waiting = 0;
    this.#tell('idle');
  }

  vault(): Promise<Vault> {
    this.#vault ??= open();
    return this.#vault;
  }

  async #send({ id, order }: QueuedSale, signal: AbortSignal): Promise<void> {
    const response = await fetch(address(), {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        'Idempotency-Key': id,
        ...(settings.deviceKey && { Authorization: `Bearer ${settings.deviceKey}` }),
      },
      body: JSON.stringify(order),
      signal: AbortSignal.any([signal, AbortSignal.timeout(PATIENCE)]),
    });
    if (response.ok) return;
    const { status } = response;
    if (status === 401 || status === 403) throw new Undelivered('login', status);
    if (status === 404 || status === 405) throw new Undelivered('no-host', status);
    throw new Undelivered(status >= 500 || status === 429 ? 'offline' : 'refused', status);
  }

  async #count(): Promise<void> {
    const vault = await this.vault();
    this.waiting = (await vault.diagnose()).records.sale;
    this.durable = vault.durable;
    this.changed();
  }

  #tell(state: DeliveryState): void {
    this.state = state;
    this.changed();
  }
}

/** A host that answered, but took no sale. */
class Undelivered extends Error {
  readonly state: DeliveryState;
  readonly status: number;

  constructor(state: DeliveryState, status: number) {
    super(`the sales host answered ${status}`);
    this.state = state;
    this.status = status;
  }
}

function address(): URL {
  return new URL(settings.salesUrl || `api/v1/channels/${encodeURIComponent(channel)}/sales`, root);
}

async function open(): Promise<Vault> {
  // Loaded late: the first sale is finished long after the first answer.
  const { Vault } = await import('jicho/vault');
  const name = `till-${channel.replace(/[^A-Za-z0-9._-]/g, '_')}`.slice(0, 64);
  return Vault.open({ name, unlock: 'device', queueLimit: MOST_SALES, memory: true, persist: false });
}
