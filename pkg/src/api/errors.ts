/**
 * Every code an error of this package can have. All but the last are the library core's; a test holds the two lists
 * together. A code never changes its meaning once released.
 */
export const ERROR_CODES = [
  /** An argument has a wrong type, shape or range. */
  'INVALID_ARGUMENT',
  /** A channel id that cannot name a folder of the model store. */
  'INVALID_CHANNEL',
  /** metadata.json is not what its schema says; many hosts answer with an HTML page instead of a 404. */
  'INVALID_MANIFEST',
  /** metadata.json, or a vault, has a newer schema: update the app. */
  'SCHEMA_TOO_NEW',
  /** The release asks for a newer library: update the app. */
  'RUNTIME_TOO_OLD',
  /** A network or head file that cannot be read. */
  'INVALID_MODEL',
  /** A file's bytes are not those that metadata.json names. */
  'HASH_MISMATCH',
  /** A file has another length than metadata.json says. */
  'SIZE_MISMATCH',
  /** metadata.json lacks the signature that the app asks for, or has a wrong one. */
  'BAD_SIGNATURE',
  /** The model does not reproduce its golden vector on this device. */
  'GOLDEN_MISMATCH',
  /** Recognition was asked for before any model arrived: sync first. */
  'NO_MODEL',
  /** The picture cannot be used: no pixels, too many, not decodable. */
  'INVALID_FRAME',
  /** This browser lacks something that is needed. */
  'UNSUPPORTED',
  /** The device's storage failed. */
  'STORAGE',
  /** This does not unlock the vault or the exported file. */
  'WRONG_KEY',
  /** A key that is needed is gone: the device's own, or the one that a record was sealed with. */
  'KEY_MISSING',
  /** The passphrase would be guessed too soon. */
  'WEAK_PASSPHRASE',
  /** What the vault is unlocked by is damaged, so nothing in it can be opened. */
  'VAULT_DAMAGED',
  /** The vault was closed, destroyed or locked anew, perhaps by another tab. */
  'VAULT_CLOSED',
  /** A record is damaged, or was put where it does not belong. The others are not affected. */
  'RECORD_DAMAGED',
  /** As many sales as may wait do so: nothing was dropped. */
  'QUEUE_FULL',
  /** No exported vault, or one that is cut short or damaged. */
  'INVALID_EXPORT',
  /** The model has no features that a product could be taught by. */
  'NOT_TEACHABLE',
  /** More cannot be taught: nothing was kept. */
  'LESSON_LIMIT',
  /** No lesson, or one that is damaged. */
  'INVALID_LESSON',
  /** A recognition that is too long ago to be corrected: its picture is gone. */
  'RECOGNITION_GONE',
  /** No connection, or it broke. */
  'NETWORK',
  /** The host answered with an HTTP status that is neither success nor 404. */
  'HTTP_STATUS',
  /** The host asks for another access token (401), or refuses this one (403). */
  'UNAUTHORIZED',
  /** The caller aborted. */
  'ABORTED',
  /** A defect in Jicho. */
  'INTERNAL',
  /** `dispose()` was called. */
  'DISPOSED',
] as const;

/** One of {@link ERROR_CODES}. */
export type JichoErrorCode = (typeof ERROR_CODES)[number];

/** What this package throws and rejects with. `code` is for programs, `message` for people. */
export class JichoError extends Error {
  /** What went wrong, by what the caller can do about it. */
  readonly code: JichoErrorCode;

  constructor(code: JichoErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    // From the code, because a minifier renames classes.
    this.name = `${code.toLowerCase().replace(/(?:^|_)([a-z])/g, (_, first: string) => first.toUpperCase())}Error`;
  }
}

function kind<C extends JichoErrorCode>(code: C) {
  return class extends JichoError {
    declare readonly code: C;

    constructor(message: string, options?: ErrorOptions) {
      super(code, message, options);
    }
  };
}

// One class for each code, so that `instanceof` works too.
export class InvalidArgumentError extends kind('INVALID_ARGUMENT') {}
export class InvalidChannelError extends kind('INVALID_CHANNEL') {}
export class InvalidManifestError extends kind('INVALID_MANIFEST') {}
export class SchemaTooNewError extends kind('SCHEMA_TOO_NEW') {}
export class RuntimeTooOldError extends kind('RUNTIME_TOO_OLD') {}
export class InvalidModelError extends kind('INVALID_MODEL') {}
export class HashMismatchError extends kind('HASH_MISMATCH') {}
export class SizeMismatchError extends kind('SIZE_MISMATCH') {}
export class BadSignatureError extends kind('BAD_SIGNATURE') {}
export class GoldenMismatchError extends kind('GOLDEN_MISMATCH') {}
export class NoModelError extends kind('NO_MODEL') {}
export class InvalidFrameError extends kind('INVALID_FRAME') {}
export class UnsupportedError extends kind('UNSUPPORTED') {}
export class StorageError extends kind('STORAGE') {}
export class WrongKeyError extends kind('WRONG_KEY') {}
export class KeyMissingError extends kind('KEY_MISSING') {}
export class WeakPassphraseError extends kind('WEAK_PASSPHRASE') {}
export class VaultDamagedError extends kind('VAULT_DAMAGED') {}
export class VaultClosedError extends kind('VAULT_CLOSED') {}
export class RecordDamagedError extends kind('RECORD_DAMAGED') {}
export class QueueFullError extends kind('QUEUE_FULL') {}
export class InvalidExportError extends kind('INVALID_EXPORT') {}
export class NotTeachableError extends kind('NOT_TEACHABLE') {}
export class LessonLimitError extends kind('LESSON_LIMIT') {}
export class InvalidLessonError extends kind('INVALID_LESSON') {}
export class RecognitionGoneError extends kind('RECOGNITION_GONE') {}
export class NetworkError extends kind('NETWORK') {}
export class HttpStatusError extends kind('HTTP_STATUS') {}
export class UnauthorizedError extends kind('UNAUTHORIZED') {}
export class AbortedError extends kind('ABORTED') {}
export class InternalError extends kind('INTERNAL') {}
export class DisposedError extends kind('DISPOSED') {}

type ErrorClasses = {
  readonly [C in JichoErrorCode]: new (
    message: string,
    options?: ErrorOptions,
  ) => JichoError & { code: C };
};

const CLASSES: ErrorClasses = {
  INVALID_ARGUMENT: InvalidArgumentError,
  INVALID_CHANNEL: InvalidChannelError,
  INVALID_MANIFEST: InvalidManifestError,
  SCHEMA_TOO_NEW: SchemaTooNewError,
  RUNTIME_TOO_OLD: RuntimeTooOldError,
  INVALID_MODEL: InvalidModelError,
  HASH_MISMATCH: HashMismatchError,
  SIZE_MISMATCH: SizeMismatchError,
  BAD_SIGNATURE: BadSignatureError,
  GOLDEN_MISMATCH: GoldenMismatchError,
  NO_MODEL: NoModelError,
  INVALID_FRAME: InvalidFrameError,
  UNSUPPORTED: UnsupportedError,
  STORAGE: StorageError,
  WRONG_KEY: WrongKeyError,
  KEY_MISSING: KeyMissingError,
  WEAK_PASSPHRASE: WeakPassphraseError,
  VAULT_DAMAGED: VaultDamagedError,
  VAULT_CLOSED: VaultClosedError,
  RECORD_DAMAGED: RecordDamagedError,
  QUEUE_FULL: QueueFullError,
  INVALID_EXPORT: InvalidExportError,
  NOT_TEACHABLE: NotTeachableError,
  LESSON_LIMIT: LessonLimitError,
  INVALID_LESSON: InvalidLessonError,
  RECOGNITION_GONE: RecognitionGoneError,
  NETWORK: NetworkError,
  HTTP_STATUS: HttpStatusError,
  UNAUTHORIZED: UnauthorizedError,
  ABORTED: AbortedError,
  INTERNAL: InternalError,
  DISPOSED: DisposedError,
};

/** Whether a thrown value is the plain `{ code, message }` of the wasm module or of a worker. */
export function isFailure(thrown: unknown): thrown is { code: JichoErrorCode; message: string } {
  const { code, message } = (thrown ?? {}) as { code?: unknown; message?: unknown };
  return typeof code === 'string' && Object.hasOwn(CLASSES, code) && typeof message === 'string';
}

/** The error of a code's own class. */
export function errorOf(code: JichoErrorCode, message: string, options?: ErrorOptions): JichoError {
  return new CLASSES[code](message, options);
}
