import { InvalidArgumentError, NetworkError, UnauthorizedError } from '../api/errors.js';
import type { OpenOptions } from '../api/types.js';
import { folder } from '../browser/address.js';
import type { BackendEvents, Settings } from './backend.js';

const MINUTE = 60_000;

/**
 * What the thread of the channel needs to know of the options.
 *
 * @throws InvalidArgumentError
 */
export function settingsOf(options: OpenOptions): Settings {
  if (typeof options?.channel !== 'string') throw new InvalidArgumentError('the option "channel" must be a string');
  const { channel, keys, stallSeconds, quality = true, token } = options;
  if (keys !== undefined && !isStrings(keys))
    throw new InvalidArgumentError('the option "keys" must be an array of strings');
  if (stallSeconds !== undefined && !(Number.isFinite(stallSeconds) && stallSeconds > 0)) {
    throw new InvalidArgumentError('the option "stallSeconds" must be a number above 0');
  }
  if (typeof quality !== 'boolean') throw new InvalidArgumentError('the option "quality" must be true or false');
  if (token !== undefined && typeof token !== 'string' && typeof token !== 'function') {
    throw new InvalidArgumentError('the option "token" must be a string or a function');
  }
  return {
    channel,
    models: folder('models', options.models),
    wasm: options.wasm === undefined ? undefined : folder('wasm', options.wasm),
    keys: keys && [...keys],
    products: productsOf(options.products ?? null),
    stallSeconds,
    quality,
    hasToken: token !== undefined,
    sealed: options.vault !== undefined,
  };
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
  if (ids !== null && !isStrings(ids))
    throw new InvalidArgumentError('product ids must be an array of strings, or null');
  return ids && [...ids];
}

/**
 * Asks the app for the token.
 *
 * @throws NetworkError where the app's own `fetch` failed, which throws a TypeError; UnauthorizedError of any other error.
 */
export function tokenOf(token: OpenOptions['token']): BackendEvents['token'] {
  return async (refresh) => {
    let given: unknown;
    try {
      given = typeof token === 'function' ? await token({ refresh }) : token;
    } catch (error) {
      // Not the app's words: they may hold a secret.
      const message = 'the option "token" gave no token, but an error';
      throw new (error instanceof TypeError ? NetworkError : UnauthorizedError)(message, { cause: error });
    }
    if (typeof given === 'string') return given;
    if (given === null || given === undefined) return null;
    throw new InvalidArgumentError('the option "token" must give a string or null');
  };
}

function isStrings(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}
