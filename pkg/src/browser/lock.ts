import { AbortedError } from '../api/errors.js';

/** How to wait for a lock. */
export interface LockOptions {
  /** Ends the wait with `ABORTED`. */
  signal?: AbortSignal;
  /**
   * A holder that gives no sign of life for so many milliseconds is taken to be frozen, and its lock is taken over.
   * What it was doing goes on once it thaws, as where a browser has no locks. Without, the wait has no limit.
   */
  patience?: number;
}

/** Signs of life within the time that a holder has for one. */
const BEATS = 4;

/**
 * Runs `run` while no other tab, worker or page of this origin holds the lock of that name. The browser releases it when
 * the thread dies. Where it has no Web Locks (pages without https), `run` just runs.
 */
export async function withLock<T>(name: string, { signal, patience }: LockOptions, run: () => Promise<T>): Promise<T> {
  const hold = patience === undefined ? run : () => beating(name, patience, run);
  const wait = new AbortController();
  const stop = (): void => wait.abort();
  if (signal?.aborted) stop();
  signal?.addEventListener('abort', stop);
  const frozen = patience === undefined ? undefined : onSilence(name, patience, stop);
  try {
    return await request(name, { signal: wait.signal }, () => {
      frozen?.end();
      return hold();
    });
  } catch (error) {
    if (signal?.aborted && isAbort(error)) throw new AbortedError('aborted by the caller', { cause: error });
    if (!frozen?.silent || !isAbort(error)) throw error;
    return await request(name, { steal: true }, hold);
  } finally {
    frozen?.end();
    signal?.removeEventListener('abort', stop);
  }
}

/** Runs `run` unless another tab, worker or page of this origin holds the lock of that name. */
export async function ifUnlocked(name: string, run: () => Promise<void>): Promise<void> {
  await request(name, { ifAvailable: true }, async (lock) => {
    if (lock) await run();
  });
}

/** Asks the browser for a lock. `run` gets null where it is held by another, which only `ifAvailable` asks for. */
async function request<T>(name: string, options: BrowserOptions, run: (lock: object | null) => Promise<T>): Promise<T> {
  const locks = globalThis.navigator?.locks as LockManager | undefined;
  if (!locks) return run({});
  let running: Promise<T> | undefined;
  try {
    await locks.request(name, options, (lock) => (running = run(lock)));
  } catch (error) {
    if (!running && isAbort(error)) throw error;
    // A browser that was told to block storage refuses locks, too. Of a lock that was taken over, what ran goes on.
    running ??= run({});
  }
  return running!;
}

type BrowserOptions = Parameters<LockManager['request']>[1];

function isAbort(error: unknown): boolean {
  return (error as Error | undefined)?.name === 'AbortError';
}

/** Runs `run`, and gives signs of life meanwhile. */
async function beating<T>(name: string, patience: number, run: () => Promise<T>): Promise<T> {
  const line = lineOf(name);
  const beat = (): void => line?.postMessage('alive');
  beat();
  const beats = setInterval(beat, patience / BEATS);
  try {
    return await run();
  } finally {
    clearInterval(beats);
    line?.close();
  }
}

/** Calls back once the holder of a lock gave no sign of life for too long. */
function onSilence(name: string, patience: number, call: () => void): { readonly silent: boolean; end(): void } {
  // No two that wait take it over at the same moment.
  const limit = patience * (1 + Math.random() / BEATS);
  const line = lineOf(name);
  const state = { silent: false, end };
  const late = (): void => {
    state.silent = true;
    end();
    call();
  };
  let timer = setTimeout(late, limit);
  function end(): void {
    clearTimeout(timer);
    line?.close();
  }
  if (line) {
    line.onmessage = () => {
      clearTimeout(timer);
      timer = setTimeout(late, limit);
    };
  }
  return state;
}

function lineOf(name: string): BroadcastChannel | undefined {
  try {
    return new BroadcastChannel(`${name} alive`);
  } catch {
    // It is missing, or storage is blocked for this page.
    return undefined;
  }
}
