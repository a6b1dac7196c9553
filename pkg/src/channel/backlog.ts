import { BusyError } from '../api/errors.js';

/** Bytes of captured pixels that may wait at once for one model: some hundred pictures. */
const MOST_BYTES = 512 << 20;

/** Counts the memory of pictures that wait, so that calls that pile up end in an error and not in the page's end. */
export class Backlog {
  #bytes = 0;

  /**
   * Runs `use`, which reserves memory before it takes it. All of it counts as free once `use` has settled.
   *
   * @throws BusyError from `reserve` where too much is taken already. A single picture always has room.
   */
  async run<T>(use: (reserve: (bytes: number) => void) => Promise<T>): Promise<T> {
    let reserved = 0;
    const reserve = (bytes: number): void => {
      if (this.#bytes > 0 && this.#bytes + bytes > MOST_BYTES) {
        const waiting = `${Math.round(this.#bytes / 2 ** 20)} MiB of pictures`;
        throw new BusyError(`${waiting} are waiting to be recognised: await earlier calls before the next one`);
      }
      this.#bytes += bytes;
      reserved += bytes;
    };
    try {
      return await use(reserve);
    } finally {
      this.#bytes -= reserved;
    }
  }
}
