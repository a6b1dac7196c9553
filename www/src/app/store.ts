/** Something that tells its listeners whenever it has changed. */
export class Store {
  readonly #listeners = new Set<() => void>();

  /** Calls back after each change. Returns a function that ends this. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  protected changed(): void {
    for (const listener of this.#listeners) listener();
  }
}
