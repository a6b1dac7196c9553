// Written by the test in src/boundary/typescript.rs from the Rust types. Do not edit:
// `./build.sh generated` writes it anew.

/** Every code that an error of a wasm module can have; `error-codes.ts` of the npm package says what each means. */
export type CoreErrorCode =
  | 'INVALID_ARGUMENT'
  | 'INVALID_CHANNEL'
  | 'INVALID_MANIFEST'
  | 'SCHEMA_TOO_NEW'
  | 'RUNTIME_TOO_OLD'
  | 'INVALID_MODEL'
  | 'NEEDS_TRACT'
  | 'HASH_MISMATCH'
  | 'SIZE_MISMATCH'
  | 'BAD_SIGNATURE'
  | 'GOLDEN_MISMATCH'
  | 'NO_MODEL'
  | 'INVALID_FRAME'
  | 'UNSUPPORTED'
  | 'STORAGE'
  | 'WRONG_KEY'
  | 'KEY_MISSING'
  | 'WEAK_PASSPHRASE'
  | 'VAULT_DAMAGED'
  | 'VAULT_CLOSED'
  | 'RECORD_DAMAGED'
  | 'QUEUE_FULL'
  | 'INVALID_EXPORT'
  | 'NOT_TEACHABLE'
  | 'LESSON_LIMIT'
  | 'INVALID_LESSON'
  | 'RECOGNITION_GONE'
  | 'CLOCK'
  | 'NETWORK'
  | 'HTTP_STATUS'
  | 'UNAUTHORIZED'
  | 'ABORTED'
  | 'INTERNAL';

/**
 * An error as data.
 */
export type Problem = {
  /**
   * The stable code.
   */
  code: CoreErrorCode,
  /**
   * What went wrong, for people.
   */
  message: string,
};

/**
 * What an app should do with an answer.
 * `match`: take the first prediction. `unsure`: offer the first few to choose from. `unknown`: probably none of the
 * products.
 */
export type Decision = "match" | "unsure" | "unknown";
