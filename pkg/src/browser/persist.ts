/** In `localStorage`: that the browser was asked. All channels and vaults share one storage. */
const ASKED = 'jicho asked to persist';

/** Where `localStorage` is missing, this page remembers. */
let asked = false;

/** Whether the browser was asked to keep the storage when space runs short. */
export function askedToPersist(): boolean {
  try {
    return asked || globalThis.localStorage.getItem(ASKED) === 'true';
  } catch {
    return asked;
  }
}

/** Asks the browser to keep the storage when space runs short, unless it was asked before. Workers cannot ask. */
export function askToPersist(): void {
  const storage = globalThis.navigator?.storage as StorageManager | undefined;
  if (!storage?.persist || !globalThis.document || askedToPersist()) return;
  asked = true;
  try {
    globalThis.localStorage.setItem(ASKED, 'true');
  } catch {
    // The next page asks again.
  }
  void storage.persist().catch(() => undefined);
}
