import { channel, root } from '../app/root';
import { settings } from '../app/settings';
import { Store } from '../app/store';
import type { Catalogue } from './catalogue';

/** Pictures that are fetched at once. */
const AT_ONCE = 4;

/**
 * The catalogue of the service, kept in this browser for when it is offline: names, prices, barcodes and small pictures. Only
 * a paired device has one. The service is asked whether it has changed at every start, and whenever the network is back.
 */
export class ServerCatalogue extends Store {
  document: Catalogue | null = null;
  /** Addresses of the pictures that are here, by the product's id. */
  readonly pictures = new Map<string, string>();
  #busy = false;

  async start(): Promise<void> {
    if (!settings.deviceKey || typeof caches === 'undefined') return;
    const kept = await (await this.#cache()).match(this.#address);
    if (kept) await this.#take((await kept.json()) as Catalogue);
    addEventListener('online', () => void this.refresh());
    document.addEventListener('visibilitychange', () => !document.hidden && void this.refresh());
    await this.refresh();
  }

  /** Takes a catalogue that has changed. Without a network, or a key that holds, the kept one stays. */
  async refresh(): Promise<void> {
    if (this.#busy || !settings.deviceKey) return;
    this.#busy = true;
    try {
      const cache = await this.#cache();
      const tag = (await cache.match(this.#address))?.headers.get('ETag');
      const response = await fetch(this.#address, { headers: this.#headers(tag ? { 'If-None-Match': tag } : {}) });
      if (response.status === 200) {
        await cache.put(this.#address, response.clone());
        await this.#take((await response.json()) as Catalogue);
      }
      await this.#fetchPictures();
    } catch {
      // Offline: what is kept goes on serving, and the next `online` event asks again.
    } finally {
      this.#busy = false;
    }
  }

  /** Deletes what is kept of it. */
  async clear(): Promise<void> {
    await caches.delete(this.#name);
    this.document = null;
    this.#forget(new Set());
    this.changed();
  }

  get #name(): string {
    return `jicho-catalogue ${channel}`;
  }

  get #address(): string {
    return new URL(`api/v1/channels/${encodeURIComponent(channel)}/catalogue`, root).href;
  }

  #cache(): Promise<Cache> {
    return caches.open(this.#name);
  }

  #headers(more: Record<string, string> = {}): Record<string, string> {
    return { Authorization: `Bearer ${settings.deviceKey}`, ...more };
  }

  async #take(catalogue: Catalogue): Promise<void> {
    const cache = await this.#cache();
    const wanted = new Set(catalogue.products.flatMap(({ picture }) => (picture ? [new URL(picture, root).href] : [])));
    for (const { url } of await cache.keys()) if (url !== this.#address && !wanted.has(url)) await cache.delete(url);
    this.#forget(new Set(catalogue.products.map(({ id }) => id)));
    for (const { id, picture } of catalogue.products) {
      const kept = picture ? await cache.match(new URL(picture, root).href) : undefined;
      if (kept) this.#show(id, await kept.blob());
    }
    this.document = catalogue;
    this.changed();
  }

  /** Fetches the pictures that are not here yet. */
  async #fetchPictures(): Promise<void> {
    const cache = await this.#cache();
    const missing = (this.document?.products ?? []).filter(({ id, picture }) => picture && !this.pictures.has(id));
    const fetchNext = async (): Promise<void> => {
      for (let item = missing.pop(); item; item = missing.pop()) {
        const address = new URL(item.picture!, root).href;
        const response = await fetch(address, { headers: this.#headers() });
        if (!response.ok) continue;
        await cache.put(address, response.clone());
        this.#show(item.id, await response.blob());
      }
    };
    if (!missing.length) return;
    await Promise.all(Array.from({ length: AT_ONCE }, fetchNext));
    this.changed();
  }

  #show(id: string, picture: Blob): void {
    URL.revokeObjectURL(this.pictures.get(id) ?? '');
    this.pictures.set(id, URL.createObjectURL(picture));
  }

  #forget(but: ReadonlySet<string>): void {
    for (const [id, address] of this.pictures) {
      if (but.has(id)) continue;
      URL.revokeObjectURL(address);
      this.pictures.delete(id);
    }
  }
}
