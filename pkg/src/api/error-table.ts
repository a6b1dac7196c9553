/**
 * Every code that an error of this package can have, with what it means. Error classes, their exports and
 * {@link ERROR_CODES} derive from this table; a test holds it together with the codes of the Rust library. `DISPOSED` and
 * `BUSY` are this package's own. A code never changes its meaning once released.
 */
const MEANINGS = {
  INVALID_ARGUMENT: 'An argument has a wrong type, shape or range.',
  INVALID_CHANNEL: 'The channel id cannot name a folder of the model store.',
  INVALID_MANIFEST: 'metadata.json does not match its schema. Many hosts answer with an HTML page instead of a 404.',
  SCHEMA_TOO_NEW: 'metadata.json, or a vault, has a newer schema than this version reads: update the app.',
  RUNTIME_TOO_OLD: 'The release asks for a newer version of the library: update the app.',
  INVALID_MODEL: 'A network or head file cannot be read.',
  HASH_MISMATCH: "A file's bytes are not those that metadata.json names.",
  SIZE_MISMATCH: 'A file has another length than metadata.json says.',
  BAD_SIGNATURE: 'metadata.json lacks the signature that the app asks for, or has a wrong one.',
  GOLDEN_MISMATCH: 'The model does not reproduce its golden vector on this device.',
  NO_MODEL: 'Recognition was asked for before any model arrived: sync first.',
  INVALID_FRAME: 'The picture cannot be used: it has no pixels, too many, or cannot be decoded or read.',
  UNSUPPORTED: 'This browser lacks something that is needed.',
  STORAGE: "The device's storage failed.",
  WRONG_KEY: 'This passphrase or key does not unlock the vault or the exported file.',
  KEY_MISSING: "A key that is needed is gone: the device's own, or the one that a record was encrypted with.",
  WEAK_PASSPHRASE: 'The passphrase could be guessed too quickly.',
  VAULT_DAMAGED: "The vault's header is damaged, so nothing in the vault can be opened.",
  VAULT_CLOSED: 'The vault was closed, destroyed or relocked, perhaps by another tab.',
  RECORD_DAMAGED: 'A record is damaged, or was moved to where it does not belong. Other records are not affected.',
  QUEUE_FULL: 'The queue of sales is full. The new sale was not added, and none was dropped.',
  INVALID_EXPORT: 'The file is no exported vault, or it is cut short or damaged.',
  NOT_TEACHABLE: 'The model has no features that a product could be taught by.',
  LESSON_LIMIT: 'No more lessons fit. The new one was not stored.',
  INVALID_LESSON: 'The lesson is damaged, or is no lesson.',
  RECOGNITION_GONE: 'The recognition is too old to be corrected: its picture is no longer in memory.',
  CLOCK: "The release is from the future by this device's clock, which is probably wrong: set date and time.",
  NETWORK: 'There is no connection, or it broke.',
  HTTP_STATUS:
    'The host answered with an error status. (A missing metadata.json, 404, means that there is no such channel.)',
  UNAUTHORIZED: 'The host asks for another access token (401), or refuses this one (403).',
  ABORTED: 'The caller aborted the call.',
  INTERNAL: 'A defect in Jicho.',
  DISPOSED: '`dispose()` was called.',
  BUSY: 'Too many pictures are waiting to be recognised: await earlier calls first. This one was not queued.',
} as const;

/** One of {@link ERROR_CODES}. */
export type JichoErrorCode = keyof typeof MEANINGS;

/** Every code that an error of this package can have. */
export const ERROR_CODES = Object.keys(MEANINGS) as readonly JichoErrorCode[];

/** What this package throws and rejects with. `code` is for programs, `message` for people. */
export class JichoError extends Error {
  /** Tells what went wrong by what the caller can do about it. */
  readonly code: JichoErrorCode;

  constructor(code: JichoErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    // Derived from the code, because a minifier renames classes.
    this.name = className(code);
  }
}

type Words<C extends string> = C extends `${infer First}_${infer Rest}`
  ? `${Capitalize<Lowercase<First>>}${Words<Rest>}`
  : Capitalize<Lowercase<C>>;
type ClassName<C extends JichoErrorCode> = `${Words<C>}Error`;
type ErrorClass<C extends JichoErrorCode> = new (
  message: string,
  options?: ErrorOptions,
) => JichoError & { readonly code: C };
type ErrorClasses = { readonly [C in JichoErrorCode as ClassName<C>]: ErrorClass<C> };

function className<C extends JichoErrorCode>(code: C): ClassName<C> {
  const words = code.toLowerCase().replace(/(?:^|_)([a-z])/g, (_, first: string) => first.toUpperCase());
  return `${words}Error` as ClassName<C>;
}

/** One class for each code, so that `instanceof` works too: `InvalidFrameError` for `INVALID_FRAME`, and so on. */
export const ERROR_CLASSES = Object.fromEntries(
  ERROR_CODES.map((code) => {
    const OfCode = class extends JichoError {
      constructor(message: string, options?: ErrorOptions) {
        super(code, message, options);
      }
    };
    return [className(code), OfCode];
  }),
) as unknown as ErrorClasses;

/** Whether a thrown value is the plain `{ code, message }` of the wasm module or of a worker, with a code that is known here. */
export function isFailure(thrown: unknown): thrown is { code: JichoErrorCode; message: string } {
  const { code, message } = (thrown ?? {}) as { code?: unknown; message?: unknown };
  return typeof code === 'string' && Object.hasOwn(MEANINGS, code) && typeof message === 'string';
}

/** The error of a code's own class. A code that this version does not know, as of a newer worker, is a defect here. */
export function errorOf(code: string, message: string, options?: ErrorOptions): JichoError {
  if (!isFailure({ code, message })) return new ERROR_CLASSES.InternalError(`${code}: ${message}`, options);
  return new ERROR_CLASSES[className(code as JichoErrorCode)](message, options);
}
