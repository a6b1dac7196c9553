import type { Frame } from '../capture/frame-reader.js';

/** How many recognitions can be corrected, and how many bytes of their pictures are kept for that. */
const MOST = 32;
const MOST_BYTES = 32 << 20;

/** The pictures of the last recognitions, by id. Those of the very last are kept whatever their size. */
export class RecentPictures {
  readonly #pictures = new Map<string, Frame[]>();
  #bytes = 0;

  add(id: string, frames: Frame[]): void {
    this.#pictures.set(id, frames);
    this.#bytes += bytes(frames);
    for (const [oldest, old] of this.#pictures) {
      if ((this.#bytes <= MOST_BYTES && this.#pictures.size <= MOST) || oldest === id) break;
      this.#pictures.delete(oldest);
      this.#bytes -= bytes(old);
    }
  }

  get(id: string): Frame[] | undefined {
    return this.#pictures.get(id);
  }

  clear(): void {
    this.#pictures.clear();
    this.#bytes = 0;
  }
}

function bytes(frames: Frame[]): number {
  return frames.reduce((sum, { rgba }) => sum + rgba.length, 0);
}
