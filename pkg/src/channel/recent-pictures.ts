import type { Pixels } from '../capture/frame-reader.js';

/** So many recognitions can be corrected at most, and so many bytes of pictures wait for that. */
const MOST = 32;
const MOST_BYTES = 32 << 20;

/** The pictures of the last recognitions, by id; the last one's whatever its size. */
export class Recent {
  readonly #pictures = new Map<string, Pixels[]>();
  #bytes = 0;

  add(id: string, pictures: Pixels[]): void {
    this.#pictures.set(id, pictures);
    this.#bytes += bytes(pictures);
    for (const [oldest, old] of this.#pictures) {
      if ((this.#bytes <= MOST_BYTES && this.#pictures.size <= MOST) || oldest === id) break;
      this.#pictures.delete(oldest);
      this.#bytes -= bytes(old);
    }
  }

  get(id: string): Pixels[] | undefined {
    return this.#pictures.get(id);
  }

  clear(): void {
    this.#pictures.clear();
    this.#bytes = 0;
  }
}

function bytes(pictures: Pixels[]): number {
  return pictures.reduce((sum, { rgba }) => sum + rgba.length, 0);
}
