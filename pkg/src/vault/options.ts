import { InvalidArgumentError } from '../api/errors.js';
import { folder } from '../browser/address.js';
import type { VaultSettings } from './thread.js';
import type { VaultOptions, VaultQuery, VaultUnlock } from './types.js';

/**
 * What the thread of the vault needs to know of the options.
 *
 * @throws InvalidArgumentError
 */
export function vaultSettings(options: VaultOptions): VaultSettings {
  const name = string('the option "name"', options?.name);
  const { queueLimit = 100, precision = 5, allowPrecise = false, retentionDays = {} } = options;
  const { prototypes, ...days } = retentionDays;
  // What is left out stays as the vault has it.
  const given = Object.entries({ lessons: prototypes, ...days }).filter(([, kept]) => kept !== undefined);
  for (const [kind, kept] of given) {
    if (!['scans', 'corrections', 'lessons'].includes(kind)) {
      throw new InvalidArgumentError(`"retentionDays.${kind}" is none of scans, corrections and lessons`);
    }
    if (kept !== null && !isCount(kept)) {
      throw new InvalidArgumentError(`"retentionDays.${kind}" must be whole days, 1 or more, or null`);
    }
  }
  if (!isCount(queueLimit)) throw new InvalidArgumentError('the option "queueLimit" must be a whole number, 1 or more');
  if (!isCount(precision) || precision > 12) throw new InvalidArgumentError('the option "precision" must be 1 to 12');
  return {
    name,
    unlock: vaultKey(options.unlock),
    retentionDays: Object.fromEntries(given) as VaultSettings['retentionDays'],
    queueLimit,
    precision,
    precise: allowPrecise === true,
    memory: options.memory === true,
    wasm: options.wasm === undefined ? undefined : folder('wasm', options.wasm),
  };
}

/**
 * What unlocks a vault, as its thread takes it: the same passphrase from every keyboard is the same text (NFKC).
 *
 * @throws InvalidArgumentError
 */
export function vaultKey(unlock: VaultUnlock): VaultUnlock {
  if (unlock === 'device') return unlock;
  if (typeof unlock === 'object' && unlock !== null) {
    if ('passphrase' in unlock && typeof unlock.passphrase === 'string') {
      return { passphrase: unlock.passphrase.normalize('NFKC'), allowWeak: unlock.allowWeak === true };
    }
    // A copy of these bytes alone, which is overwritten once it is read.
    if ('key' in unlock && unlock.key instanceof Uint8Array) return { key: unlock.key.slice() };
  }
  throw new InvalidArgumentError('the option "unlock" must be "device", { passphrase } or { key } of 32 bytes');
}

/**
 * What must be a string: anything else would end the wasm module.
 *
 * @throws InvalidArgumentError
 */
export function string(what: string, value: unknown): string {
  if (typeof value !== 'string') throw new InvalidArgumentError(`${what} must be a string`);
  return value;
}

/**
 * A query as the vault takes it.
 *
 * @throws InvalidArgumentError
 */
export function vaultSelect(query: VaultQuery): string {
  if (typeof query !== 'object' || query === null) throw new InvalidArgumentError('a query is an object');
  const { kind = 'scan', from, until, geohash, order = 'newest', limit = 100, after, blobs = false } = query;
  if (order !== 'newest' && order !== 'oldest') throw new InvalidArgumentError('"order" must be "newest" or "oldest"');
  if (!isCount(limit)) throw new InvalidArgumentError('"limit" must be a whole number, 1 or more');
  const descending = order === 'newest';
  return JSON.stringify({
    kind,
    from: time('from', from),
    until: time('until', until),
    geohash,
    descending,
    limit,
    after,
    blobs,
  });
}

function time(name: string, at: Date | number | undefined): number | undefined {
  if (at === undefined) return undefined;
  const millis = Number(at);
  if (!Number.isFinite(millis)) throw new InvalidArgumentError(`"${name}" must be a date, or milliseconds since 1970`);
  // Before 1970 there is nothing.
  return Math.min(Math.max(0, Math.ceil(millis)), Number.MAX_SAFE_INTEGER);
}

function isCount(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) < 2 ** 31;
}
