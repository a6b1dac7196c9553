import type { Recognition } from 'jicho';
import type { Scan, Stored, Vault, VaultUnlock } from 'jicho/vault';

import { channel } from '../app/root';
import { Store } from '../app/store';

/** Milliseconds without a touch after which the book is locked. */
const IDLE = 5 * 60_000;

const PAGE = 50;

/** The private book of scans: a vault of its own, which only this page opens. */
export class Book extends Store {
  vault: Vault | null = null;
  scans: Stored<Scan>[] = [];
  damaged = 0;
  /** Shows the scans of this geohash cell only. */
  area = '';
  more: string | null = null;
  #idle: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    super();
    for (const event of ['pointerdown', 'keydown']) addEventListener(event, () => this.#touched());
  }

  /**
   * Opens the book, or makes one. `days` changes after how many days scans are deleted; undefined leaves it as it was.
   *
   * @throws JichoError `WRONG_KEY`, `WEAK_PASSPHRASE` and those of `Vault.open`.
   */
  async open(unlock: VaultUnlock, days: number | null | undefined): Promise<void> {
    const { Vault } = await import('jicho/vault');
    const name = `scans-${channel.replace(/[^A-Za-z0-9._-]/g, '_')}`.slice(0, 64);
    this.vault = await Vault.open({ name, unlock, ...(days !== undefined && { retentionDays: { scans: days } }) });
    this.#touched();
    await this.look();
  }

  /** Overwrites the keys and forgets what was shown. */
  async lock(): Promise<void> {
    clearTimeout(this.#idle);
    const { vault } = this;
    Object.assign(this, { vault: null, scans: [], damaged: 0, area: '', more: null });
    this.changed();
    await vault?.close();
  }

  /** The newest scans, of the chosen area where there is one. */
  async look(): Promise<void> {
    this.scans = [];
    this.damaged = 0;
    this.more = null;
    await this.next();
  }

  async next(): Promise<void> {
    const { area, more } = this;
    const page = await this.vault?.list({
      kind: 'scan',
      limit: PAGE,
      blobs: true,
      ...(area && { geohash: area }),
      ...(more && { after: more }),
    });
    if (!page) return;
    this.scans = [...this.scans, ...page.records];
    this.damaged += page.damaged.length;
    this.more = page.next;
    this.changed();
  }

  async add(answer: Recognition, thumbnail: Blob, place: GeolocationCoordinates | null): Promise<void> {
    await this.vault?.addScan(answer, { thumbnail, ...(place && { place }) });
    await this.look();
  }

  async delete(id: string): Promise<void> {
    await this.vault?.delete(id);
    await this.look();
  }

  #touched(): void {
    clearTimeout(this.#idle);
    if (this.vault) this.#idle = setTimeout(() => void this.lock(), IDLE);
  }
}
