// Written by the test in src/boundary/typescript.rs from the Rust types. Do not edit:
// `./build.sh generated` writes it anew.

/** Every code of the library core that an app can see. */
export const CORE_ERROR_CODES = [
  /** An argument has a wrong type, shape or range. */
  'INVALID_ARGUMENT',
  /** The channel id cannot name a folder of the model store. */
  'INVALID_CHANNEL',
  /** metadata.json is not what its schema says; many hosts answer with an HTML page instead of a 404. */
  'INVALID_MANIFEST',
  /** metadata.json, a lesson or a vault has a newer format than this library reads: update the app. */
  'SCHEMA_TOO_NEW',
  /** The release asks for a newer version of this library: update the app. */
  'RUNTIME_TOO_OLD',
  /** A network or head file cannot be read, or the network is not one from an image to a vector. */
  'INVALID_MODEL',
  /** A file's bytes are not those that metadata.json names. */
  'HASH_MISMATCH',
  /** A file has another length than metadata.json says, as after an incomplete upload. */
  'SIZE_MISMATCH',
  /** metadata.json lacks a signature by one of the keys that the app trusts, or has a wrong one. */
  'BAD_SIGNATURE',
  /** The model does not reproduce its published answer to the golden frame on this device. */
  'GOLDEN_MISMATCH',
  /** Recognition was asked for before any model arrived: sync first. */
  'NO_MODEL',
  /** The picture cannot be used: no pixels, too many, a wrong length, or not decodable. */
  'INVALID_FRAME',
  /** This browser, or this kind of page, lacks something that is needed. */
  'UNSUPPORTED',
  /** The device's storage failed or is full. */
  'STORAGE',
  /** The passphrase or key given does not unlock the vault or the exported file. */
  'WRONG_KEY',
  /** A key that is needed is gone: the device's own, or the one that a record was encrypted with. */
  'KEY_MISSING',
  /** The passphrase could be guessed too easily. */
  'WEAK_PASSPHRASE',
  /** The vault's header or keys are damaged, so nothing in it can be opened. */
  'VAULT_DAMAGED',
  /** The vault was closed, destroyed or locked with another key, perhaps by another tab. */
  'VAULT_CLOSED',
  /** A record is damaged, or was moved to where it does not belong. Other records are not affected. */
  'RECORD_DAMAGED',
  /** The queue of sales is full: the new sale was not added, and none was dropped. */
  'QUEUE_FULL',
  /** The file is not an exported vault, or is cut short or damaged. */
  'INVALID_EXPORT',
  /** The model has no features by which a product could be taught. */
  'NOT_TEACHABLE',
  /** A limit of what may be taught is reached: nothing was kept. */
  'LESSON_LIMIT',
  /** The data is not a lesson, or is damaged. */
  'INVALID_LESSON',
  /** The recognition is too long ago to be corrected: its picture is gone. */
  'RECOGNITION_GONE',
  /** The release is from the future by this device's clock, which is probably wrong: set date and time. */
  'CLOCK',
  /** There is no connection, or it broke. */
  'NETWORK',
  /** The host answered with an HTTP status that is no success. A 404 for a file of a release counts; a 404 for the channel's metadata.json does not: that is the outcome `absent`. */
  'HTTP_STATUS',
  /** The host asks for another access token (401), or refuses this one (403). */
  'UNAUTHORIZED',
  /** The caller aborted the call. */
  'ABORTED',
  /** A defect in Jicho itself. */
  'INTERNAL',
] as const;
