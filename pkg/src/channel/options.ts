import { InvalidArgumentError, NetworkError, UnauthorizedError } from '../api/errors.js';
import type { OpenOptions, RecognizeOptions } from '../api/options.js';
import { folder, modelsFolder } from '../browser/address.js';
import type { BackendEvents, Settings } from './backend.js';

const MINUTE = 60_000;

const CALLBACKS = ['onModel', 'onCheck', 'onProgress', 'onTaught'] as const;

/**
 * What the thread of the channel needs to know of the options.
 *
 * @throws InvalidArgumentError
 */
export function settingsOf(options: OpenOptions): Settings {
  signalOf(options);
  if (typeof options?.channel !== 'string') throw new InvalidArgumentError('the option "channel" must be a string');
  const { channel, keys, threshold, stallSeconds = 30, quality = true, token, worker, vault } = options;
  if (threshold !== undefined && !(Number.isInteger(threshold) && threshold >= 1 && threshold <= 32)) {
    throw new InvalidArgumentError('the option "threshold" must be an integer of 1 to 32');
  }
  if (keys !== undefined && !isStrings(keys)) {
    throw new InvalidArgumentError('the option "keys" must be an array of strings');
  }
  if (!(Number.isFinite(stallSeconds) && stallSeconds > 0)) {
    throw new InvalidArgumentError('the option "stallSeconds" must be a number above 0');
  }
  if (typeof quality !== 'boolean') throw new InvalidArgumentError('the option "quality" must be true or false');
  if (token !== undefined && typeof token !== 'string' && typeof token !== 'function') {
    throw new InvalidArgumentError('the option "token" must be a string or a function');
  }
  if (worker !== undefined && typeof worker !== 'boolean' && typeof worker !== 'function') {
    throw new InvalidArgumentError('the option "worker" must be true, false, or a function that starts one');
  }
  for (const name of CALLBACKS) callbackOf(name, options[name]);
  if (vault !== undefined && !(typeof vault?.add === 'function' && typeof vault.list === 'function')) {
    throw new InvalidArgumentError('the option "vault" must be an open Vault: await Vault.open(…)');
  }
  return {
    channel,
    models: modelsFolder(options.models),
    wasm: options.wasm === undefined ? undefined : folder('wasm', options.wasm),
    keys: keys && [...keys],
    threshold,
    products: productsOf(options.products ?? null),
    stallSeconds,
    quality,
    hasToken: token !== undefined,
    inVault: vault !== undefined,
  };
}

/**
 * The precision that a recognition asks for, if it asks for one.
 *
 * @throws InvalidArgumentError where it is none
 */
export function precisionOf(options: RecognizeOptions | undefined): number | undefined {
  const precision = options?.precision;
  if (precision === undefined || (typeof precision === 'number' && precision > 0 && precision < 1)) return precision;
  throw new InvalidArgumentError('the option "precision" must be a number between 0 and 1');
}

/**
 * The signal of a call's options, if there is one.
 *
 * @throws InvalidArgumentError where these are no options, or it is no signal
 */
export function signalOf(options: unknown): AbortSignal | undefined {
  if (options === undefined) return undefined;
  if (typeof options !== 'object' || options === null) throw new InvalidArgumentError('options must be an object');
  const { signal } = options as { signal?: unknown };
  if (signal === undefined) return undefined;
  if (typeof (signal as AbortSignal | null)?.addEventListener === 'function' && 'aborted' in (signal as AbortSignal)) {
    return signal as AbortSignal;
  }
  throw new InvalidArgumentError('the option "signal" must be an AbortSignal');
}

/**
 * @throws InvalidArgumentError where a callback is given that cannot be called
 */
export function callbackOf<F>(name: string, callback: F): F {
  if (callback !== undefined && typeof callback !== 'function') {
    throw new InvalidArgumentError(`the option "${name}" must be a function`);
  }
  return callback;
}

/**
 * Milliseconds from one automatic check to the next; 0 for none.
 *
 * @throws InvalidArgumentError
 */
export function checkInterval({ checkEveryMinutes = 30 }: OpenOptions): number {
  if (!Number.isFinite(checkEveryMinutes) || checkEveryMinutes < 0) {
    throw new InvalidArgumentError('the option "checkEveryMinutes" must be a number, 0 or more');
  }
  return checkEveryMinutes * MINUTE;
}

/**
 * A copy of the product ids.
 *
 * @throws InvalidArgumentError
 */
export function productsOf(ids: readonly string[] | null): string[] | null {
  if (ids !== null && !isStrings(ids)) {
    throw new InvalidArgumentError('product ids must be an array of strings, or null');
  }
  return ids && [...ids];
}

/**
 * Asks the app for the token, for so many milliseconds at most: the channel's lock is held meanwhile.
 *
 * @throws NetworkError where the app's own `fetch` failed, which throws a TypeError, or took too long; UnauthorizedError
 * where the app failed otherwise.
 */
export function tokenOf(token: OpenOptions['token'], patience: number): BackendEvents['token'] {
  return async (refresh) => {
    let given: unknown;
    try {
      given = typeof token === 'function' ? await within(patience, token({ refresh })) : token;
    } catch (error) {
      if (error instanceof NetworkError) throw error;
      // Not the app's words: they may hold a secret.
      const message = 'the option "token" gave no token, but an error';
      throw new (error instanceof TypeError ? NetworkError : UnauthorizedError)(message, { cause: error });
    }
    if (typeof given === 'string') return given;
    if (given === null || given === undefined) return null;
    throw new InvalidArgumentError('the option "token" must give a string or null');
  };
}

async function within<T>(patience: number, promise: T): Promise<Awaited<T>> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    const seconds = patience / 1000;
    timer = setTimeout(
      () => reject(new NetworkError(`the option "token" gave no token within ${seconds} seconds`)),
      patience,
    );
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

function isStrings(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}
