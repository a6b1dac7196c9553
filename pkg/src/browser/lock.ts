import { AbortedError } from '../api/errors.js';

/**
 * Runs `run` while no other tab, worker or page of this origin runs anything by the same name. The browser frees the
 * name when the thread dies. Where it has no Web Locks (pages without https), `run` just runs.
 */
export async function exclusive<T>(name: string, signal: AbortSignal, run: () => Promise<T>): Promise<T> {
  const locks = globalThis.navigator?.locks as LockManager | undefined;
  if (!locks) return run();
  let ran = false;
  try {
    return await locks.request(name, { signal }, () => {
      ran = true;
      return run();
    });
  } catch (error) {
    if (ran) throw error;
    if (signal.aborted) throw new AbortedError('aborted by the caller', { cause: error });
    // A browser that was told to block storage refuses locks, too.
    return run();
  }
}

/** Runs `run` unless another tab, worker or page of this origin runs something by the same name. */
export async function alone(name: string, run: () => Promise<void>): Promise<void> {
  const locks = globalThis.navigator?.locks as LockManager | undefined;
  if (!locks) return run();
  let asked = false;
  try {
    await locks.request(name, { ifAvailable: true }, async (lock) => {
      asked = true;
      if (lock) await run();
    });
  } catch (error) {
    if (asked) throw error;
    // A browser that was told to block storage refuses locks, too.
    await run();
  }
}
