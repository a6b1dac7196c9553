/**
 * Storage of one tab's basket. Each tab holds a lock on a numbered slot while it lives; the browser frees the lock of a tab that
 * was closed or has crashed, so the next tab to start takes that slot with the basket in it, and two tabs never share one.
 */
export interface Slot {
  load<T>(fallback: T): T;
  save(value: unknown): void;
}

const SLOTS = 16;

export async function takeSlot(name: string): Promise<Slot> {
  let number = 0;
  if ('locks' in navigator) {
    while (number < SLOTS && !(await take(`${name} ${number}`))) number += 1;
  }
  const key = `${name} ${number}`;
  return {
    load<T>(fallback: T): T {
      try {
        return { ...fallback, ...(JSON.parse(localStorage.getItem(key) ?? '{}') as Partial<T>) };
      } catch {
        return fallback;
      }
    },
    save: (value) => localStorage.setItem(key, JSON.stringify(value)),
  };
}

/** Takes a lock and keeps it as long as the page lives. Answers whether it was free. */
function take(lock: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    navigator.locks
      .request(lock, { ifAvailable: true }, (held) => {
        resolve(held !== null);
        return held ? new Promise(() => undefined) : undefined;
      })
      .catch(reject);
  });
}
