/** That the browser was asked, in `localStorage`: of all channels and vaults, whose storage is one. */
export const ASKED_TO_PERSIST = 'jicho asked to persist';

/** Asks the browser to keep the storage when space runs short, unless it was asked before. Workers cannot ask. */
export function askToPersist(): void {
  const storage = globalThis.navigator?.storage as StorageManager | undefined;
  if (!storage?.persist || !globalThis.document) return;
  try {
    if (globalThis.localStorage.getItem(ASKED_TO_PERSIST) === 'true') return;
    globalThis.localStorage.setItem(ASKED_TO_PERSIST, 'true');
  } catch {
    // It will be asked again.
  }
  void storage.persist().catch(() => undefined);
}
