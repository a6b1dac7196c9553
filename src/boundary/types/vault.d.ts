// Written by the test in src/boundary/typescript.rs from the Rust types. Do not edit:
// `./build.sh generated` writes it anew.

/** What unlocks a vault. */
export type VaultKey =
  | 'device'
  | { passphrase: string; allowWeak?: boolean }
  | { key: Uint8Array };

/**
 * A kind of records.
 */
export type VaultKind = "scan" | "correction" | "lesson" | "sale";

/**
 * What every record has; the fields of its kind come beside these.
 */
export type VaultEntryHead = {
  /**
   * Its id.
   */
  id: string,
  /**
   * When it was added, milliseconds since 1970.
   */
  time: number,
  /**
   * Bytes of its blob.
   */
  blobBytes: number,
  /**
   * What it is. A record that a former version wrote may be a `prototype`, which counts as a lesson.
   */
  kind: VaultKind | 'prototype',
  /**
   * Its blob, where it was asked for and there is one.
   */
  blob: Uint8Array | undefined,
};

/** A record as it is stored, with the fields of its kind. */
export type VaultEntry = VaultEntryHead & Record<string, unknown>;

/**
 * A record that cannot be decrypted. The others are not affected.
 */
export type VaultDamaged = {
  /**
   * What it is.
   */
  kind: VaultKind,
  /**
   * Its id.
   */
  id: string,
  /**
   * When it was added, milliseconds since 1970.
   */
  time: number,
  /**
   * Why it cannot be decrypted.
   */
  error: Problem,
};

/**
 * Some records.
 */
export type VaultPage = {
  /**
   * Those that could be decrypted.
   */
  records: VaultEntry[],
  /**
   * Those that could not.
   */
  damaged: Array<VaultDamaged>,
  /**
   * Where the next page begins; null after the last one.
   */
  next: string | null,
};

/**
 * What came of adding a record.
 */
export type VaultAdded = {
  /**
   * Its id.
   */
  id: string,
  /**
   * Whether it is new: a record of that id that was there already stays as it is.
   */
  added: boolean,
};

/**
 * What came of a rotation.
 */
export type VaultRotation = {
  /**
   * How many records were encrypted anew.
   */
  moved: number,
  /**
   * Records that cannot be decrypted. They stay as they are.
   */
  damaged: Array<VaultDamaged>,
};

/**
 * What clearing up did.
 */
export type VaultCompaction = {
  /**
   * Records that were too old.
   */
  expired: number,
  /**
   * Records that the browser has lost, or that were deleted without the vault.
   */
  lost: number,
  /**
   * What came of a rotation that had not finished.
   */
  rotation: VaultRotation,
};

/**
 * An encrypted file of every record.
 */
export type VaultExport = {
  /**
   * The file.
   */
  file: Blob,
  /**
   * How many records it has.
   */
  records: number,
  /**
   * Records that cannot be decrypted, which the file lacks.
   */
  damaged: Array<VaultDamaged>,
};

/**
 * Records in the clear.
 */
export type VaultPlainExport = {
  /**
   * JSON or CSV.
   */
  text: string,
  /**
   * Records that cannot be decrypted, which the text lacks.
   */
  damaged: Array<VaultDamaged>,
};

/**
 * What came of an import.
 */
export type VaultImported = {
  /**
   * Records that are new here.
   */
  added: number,
  /**
   * Records that were here already.
   */
  present: number,
  /**
   * Lessons that are left out since their files cannot be read.
   */
  leftOut: number,
};

/**
 * A vault's state; docs/diagnostics.md explains it.
 */
export type VaultDiagnosis = {
  /**
   * Whether records outlive the page.
   */
  durable: boolean,
  /**
   * The format's version.
   */
  format: number,
  /**
   * `passphrase`, `key` or `device`.
   */
  lock: 'passphrase' | 'key' | 'device',
  /**
   * What a guess at the passphrase costs: KiB of memory, passes.
   */
  argon2id: [number, number] | null,
  /**
   * Records of each kind.
   */
  records: [VaultKind, number][],
  /**
   * Records that the header counts and the store has not.
   */
  lost: number,
  /**
   * Bytes of header, records and blobs.
   */
  bytes: number,
  /**
   * Days that records stay, by kind; `None` until they are deleted.
   */
  retentionDays: [VaultKind, number | null][],
  /**
   * How often the current data key sealed something.
   */
  keyUses: number,
  /**
   * When the current data key was made, in milliseconds since 1970.
   */
  keySince: number,
  /**
   * Whether records of older keys are still to be sealed anew.
   */
  rotating: boolean,
};
