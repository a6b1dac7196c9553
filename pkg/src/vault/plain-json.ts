import { InvalidArgumentError } from '../api/errors.js';

/**
 * The JSON of a value that reads back as the same value. `JSON.stringify` alone makes `{}` of a Map, null of NaN, and text of
 * a Date, without a word. Fields of objects may be undefined: they are left out, and read back as undefined.
 *
 * @param what The name of the value in error messages.
 * @throws InvalidArgumentError which names the place within the value.
 */
export function plainJson(what: string, value: unknown): string {
  check(what, value, new Set());
  return JSON.stringify(value);
}

function check(at: string, value: unknown, within: Set<object>): void {
  switch (typeof value) {
    case 'boolean':
      return;
    case 'string':
      if (LONE_SURROGATE.test(value)) throw refused(at, 'text that is cut within a character');
      return;
    case 'number':
      if (!Number.isFinite(value)) throw refused(at, `the number ${value}`);
      return;
    case 'object':
      if (value !== null) checkObject(at, value, within);
      return;
    case 'bigint':
      throw refused(at, 'a bigint', 'give a number or text');
    default:
      throw refused(at, value === undefined ? 'undefined' : `a ${typeof value}`);
  }
}

function checkObject(at: string, value: object, within: Set<object>): void {
  if (within.has(value)) throw refused(at, 'an object that contains itself');
  if (within.size >= DEPTH) throw refused(at, `more than ${DEPTH} objects within each other`);
  within.add(value);
  if (Array.isArray(value)) {
    // Of a hole in an array JSON makes null.
    for (let i = 0; i < value.length; i += 1) check(`${at}[${i}]`, value[i], within);
  } else {
    if (!isPlain(value)) throw refused(at, nameOf(value), adviceOn(value));
    if (Object.getOwnPropertySymbols(value).length > 0) throw refused(at, 'a field whose name is a symbol');
    for (const [name, field] of Object.entries(value)) {
      if (field !== undefined) check(`${at}.${name}`, field, within);
    }
  }
  within.delete(value);
}

/** serde_json reads no deeper. */
const DEPTH = 100;

const LONE_SURROGATE = /\p{Surrogate}/u;

/** Whether it is `{…}`, of this window or of another, and no instance of a class. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === null) return true;
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype as object, 'isPrototypeOf');
}

function nameOf(value: object): string {
  const name = (value.constructor as { name?: unknown } | undefined)?.name;
  return typeof name === 'string' && name !== '' ? `an object of the class ${name}` : 'an object of a class';
}

function adviceOn(value: object): string {
  if (value instanceof Date) return 'give its toISOString() or getTime()';
  if (value instanceof Map) return 'give Object.fromEntries() or an array of it';
  if (value instanceof Set || ArrayBuffer.isView(value)) return 'give an array of it';
  return 'give its fields in a plain object';
}

function refused(at: string, what: string, advice = 'only JSON is kept as it is'): InvalidArgumentError {
  return new InvalidArgumentError(`${at} is ${what}, which cannot be kept: ${advice}`);
}
