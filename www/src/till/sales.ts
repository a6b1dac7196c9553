import type { QueuedSale, Vault } from 'jicho/vault';

import { channel, root } from '../app/root';
import { settings } from '../app/settings';
import { Store } from '../app/store';
import { type RefusedSale, RefusedSales } from './refused-sales';
import type { Sale } from './sale';

/** Sales that this device holds at most, and from how many on the till says that it is nearly full. */
export const MOST_SALES = 100;
export const NEARLY_FULL = 80;

/** How the last delivery ended. */
export type DeliveryState = 'idle' | 'delivering' | 'delivered' | 'offline' | 'no-host' | 'login';

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
  /** Sales that the host will never take. */
  refused = 0;
  durable = true;
  readonly #refused = new RefusedSales(channel, () => open('refused'));
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
    }
    const refused = this.refused;
    await this.#count();
    this.delivered = Math.max(0, before - this.waiting - (this.refused - refused));
    this.#tell(end);
  }

  /** The sales that the host will never take, for somebody to look into. */
  listRefused(): Promise<RefusedSale[]> {
    return this.#refused.list();
  }

  /** Deletes the sales that the host will never take. */
  async discardRefused(): Promise<void> {
    await this.#refused.discard();
    await this.#count();
  }

  /** Deletes every sale that waits or was refused. They are lost. */
  async discard(): Promise<void> {
    await (await this.vault()).destroy();
    this.#vault = undefined;
    await this.#refused.discard();
    this.waiting = 0;
    this.refused = 0;
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
    if (!isFinal(status)) throw new Undelivered('offline', status);
    const problem = (await response.json().catch(() => null)) as { detail?: unknown } | null;
    const detail = typeof problem?.detail === 'string' ? problem.detail.slice(0, 500) : '';
    // It leaves the queue only once it is sealed among the refused ones, and those behind it go on.
    await this.#refused.add({ id, status, detail, sale: order as Sale });
  }

  async #count(): Promise<void> {
    const vault = await this.vault();
    this.waiting = (await vault.diagnose()).records.sale;
    this.refused = (await this.#refused.list()).length;
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

  constructor(state: DeliveryState, status: number) {
    super(`the sales host answered ${status}`);
    this.state = state;
  }
}

function address(): URL {
  return new URL(settings.salesUrl || `api/v1/channels/${encodeURIComponent(channel)}/sales`, root);
}

/** Whether sending the same again would bring the same answer. */
function isFinal(status: number): boolean {
  return status >= 400 && status < 500 && ![408, 425, 429].includes(status);
}

async function open(part?: string): Promise<Vault> {
  // Loaded late: the first sale is finished long after the first answer.
  const { Vault } = await import('jicho/vault');
  const suffix = part ? `-${part}` : '';
  const name = `till-${channel.replace(/[^A-Za-z0-9._-]/g, '_')}`.slice(0, 64 - suffix.length) + suffix;
  return Vault.open({ name, unlock: 'device', queueLimit: MOST_SALES, memory: true, persist: false });
}
