import type { JichoErrorCode } from '../api/errors.js';
import type { Attribute } from '../api/recognition.js';

/**
 * What unlocks a vault:
 * - a passphrase, of which Argon2id makes the key, in about a second on a fast device; one that is plainly too weak is
 *   refused for a new lock, unless `allowWeak` (a PIN: whoever has the device finds it in minutes);
 * - `'device'`: a key that the browser keeps and hands to no script. Whoever can use the app on this device opens the vault,
 *   and so does who copies a profile of Chromium, on whose disk the key lies in clear;
 * - 32 random bytes that the app keeps elsewhere: a backend, WebAuthn's PRF.
 */
export type VaultUnlock = 'device' | { passphrase: string; allowWeak?: boolean } | { key: Uint8Array };

/** How to open a vault. */
export interface VaultOptions {
  /** Its name on this device: 1 to 64 of `A–Z a–z 0–9 . _ -`. */
  name: string;
  /** What unlocks it, or will, where there is no vault of that name yet. */
  unlock: VaultUnlock;
  /**
   * Days that records stay, by kind; null: until they are deleted. Sales stay until they are delivered. The vault keeps
   * this: a new one gets 30 days for scans and corrections and null for lessons where nothing is given, and of one that is
   * there only the kinds change that are given here. So whoever opens it without this option deletes nothing that the vault
   * keeps.
   */
  retentionDays?: {
    scans?: number | null;
    corrections?: number | null;
    lessons?: number | null;
    /** @deprecated The former name of `lessons`. */
    prototypes?: number | null;
  };
  /** Sales that may wait. Default 100; a further one is refused with `QUEUE_FULL`. */
  queueLimit?: number;
  /** Characters of the geohashes that places become, 1–12. Default 5: cells of about 5 km. */
  precision?: number;
  /** The opt-in that more than 6 characters take: they tell a street or a house. Default false. */
  allowPrecise?: boolean;
  /**
   * Whether memory will do where the browser allows no IndexedDB, as in some private modes: the vault then lives as long as
   * the page, and its sales too. Default false: `UNSUPPORTED`.
   */
  memory?: boolean;
  /** Whether to ask the browser, once, to keep the storage when space runs short. Default true; Firefox asks the user. */
  persist?: boolean;
  /**
   * Where the vault lives: in a worker of its own (default), in the page (`false`), or in the worker that this function
   * starts from `jicho/vault-worker`, where a bundler does not do that by itself.
   */
  worker?: boolean | (() => Worker);
  /** Where the package's folder `wasm` is, where a bundler does not place its files by itself. */
  wasm?: string | URL;
}

/** A place. A `GeolocationCoordinates` is one. */
export interface Place {
  /** WGS 84, degrees, −90–90. */
  latitude: number;
  /** WGS 84, degrees, −180–180. */
  longitude: number;
}

/** What a camera saw. */
export interface Scan {
  kind: 'scan';
  /** What came of it, where it was a recognition. */
  decision?: 'match' | 'unsure' | 'unknown' | null;
  /** The likeliest first; confidence 0–1. */
  predictions?: { label: string; confidence: number }[];
  attributes?: Record<string, Attribute>;
  /** 0–100. */
  score?: number | null;
  /** The frame's measures by name. */
  quality?: Record<string, number>;
  /** Where it was: 1 to 12 characters. From {@link AddOptions.place}, if that is given. */
  geohash?: string | null;
  /** Of the model. */
  version?: string | null;
  /** JPEG, at most 1 MiB. */
  thumbnail?: Blob | ArrayBuffer | Uint8Array;
}

/** What a scan really was. */
export interface Correction {
  kind: 'correction';
  /** The scan's id. */
  scan: string;
  /** A product's id; null for no product. */
  label: string | null;
}

/** A lesson that a channel keeps here (`Jicho.open({ vault })`). */
export interface Lesson {
  kind: 'lesson';
  /** The lesson's own id, and what tells the channel that was taught from others. */
  lesson: { id: string; channel: string };
  /** The lesson's file. Where it was read, only if it was asked for. */
  file?: Uint8Array;
}

/**
 * A product's embedding, which an app made itself. It is kept, listed and counted among the lessons.
 *
 * @deprecated Teach the channel instead: `Jicho.enroll`.
 */
export interface Prototype {
  kind: 'prototype';
  /** The product's id. */
  label: string;
  /** SHA-256 of the network that made the embedding. */
  backbone: string;
  /** Finite numbers. Where it was read, only if it was asked for. */
  embedding?: Float32Array;
}

/** A sale made offline, to be delivered. */
export interface Sale {
  kind: 'sale';
  /**
   * Any JSON, at most 64 KB of it. What reads back as something else is refused: Map, Set, Date, NaN, bigint, undefined in
   * arrays, functions, instances of classes. −0 becomes 0.
   */
  order: unknown;
}

/** What a vault keeps. */
export type VaultRecord = Scan | Correction | Lesson | Prototype | Sale;

/** What records are listed and counted by. Prototypes are among the lessons. */
export type VaultKind = Exclude<VaultRecord['kind'], 'prototype'>;

/** The records of a kind. */
export type RecordOf<K extends VaultRecord['kind']> = K extends 'lesson' | 'prototype'
  ? Lesson | Prototype
  : Extract<VaultRecord, { kind: K }>;

/** A record that was read. Thumbnail and embedding are there where they were asked for. */
export type Stored<R extends VaultRecord = VaultRecord> = R extends VaultRecord
  ? Omit<R, 'thumbnail'> & {
      /** A UUID, in small letters; of a sale its idempotency key. */
      id: string;
      /** When it was added, milliseconds since 1970. */
      time: number;
      /** Bytes of its thumbnail or embedding; 0 where it has none. */
      blobBytes: number;
    } & (R extends Scan ? { thumbnail?: Blob } : unknown)
  : never;

/** How to add a record. */
export interface AddOptions {
  /**
   * Its id, such as a UUID; random unless given. A record of that id that is there already stays as it is, so adding twice
   * adds once.
   */
  id?: string;
  /** Of a scan: where it was made. It becomes a geohash of {@link VaultOptions.precision}; nothing finer is kept. */
  place?: Place;
}

/** Which records to list. */
export interface VaultQuery<K extends VaultRecord['kind'] = VaultRecord['kind']> {
  /** Default `scan`. */
  kind?: K;
  /** Added then or later. */
  from?: Date | number;
  /** Added before. */
  until?: Date | number;
  /** Scans in this geohash cell. It takes opening every scan of the time range: no index tells the disk who was where. */
  geohash?: string;
  /** `newest` first (default), or `oldest`. */
  order?: 'newest' | 'oldest';
  /** So many at most, default 100. */
  limit?: number;
  /** {@link VaultPage.next} of the page before. */
  after?: string;
  /** Whether to read thumbnails or embeddings too. Default false. */
  blobs?: boolean;
}

/** A record that does not open. `delete` removes it; the others are not affected. */
export interface DamagedRecord {
  kind: VaultKind;
  id: string;
  /** Milliseconds since 1970. */
  time: number;
  /** `RECORD_DAMAGED`, `KEY_MISSING` or `SCHEMA_TOO_NEW`. */
  error: { code: JichoErrorCode; message: string };
}

/** Some records. */
export interface VaultPage<R extends VaultRecord = VaultRecord> {
  /** Those that opened. */
  records: Stored<R>[];
  /** Those that did not. */
  damaged: DamagedRecord[];
  /** Where the next page begins; null behind the last one. */
  next: string | null;
}

/** A sale to deliver. */
export interface QueuedSale {
  /** The idempotency key: whoever receives the same twice takes it once. */
  id: string;
  /** When it was added, milliseconds since 1970. */
  time: number;
  order: unknown;
}

/** What came of a delivery. */
export interface Delivery {
  /** Sales that were confirmed and removed. */
  delivered: number;
  /** Sales that do not open. They stay. */
  damaged: DamagedRecord[];
}

/** What came of a rotation. */
export interface Rotation {
  /** Records sealed anew. */
  moved: number;
  /** Records that do not open. They stay as they are; their key is gone. */
  damaged: DamagedRecord[];
}

/** What clearing up did. */
export interface Compaction {
  /** Records that were too old. */
  expired: number;
  /** Records that the browser has lost, or that were deleted past the vault. */
  lost: number;
  /** Of a rotation that was not finished. */
  rotation: Rotation;
}

/** How a vault stands; nothing of what is in it but how much. */
export interface VaultDiagnostics {
  /** Whether records outlive the page. */
  durable: boolean;
  /** Version of the format. */
  format: number;
  lock: 'passphrase' | 'key' | 'device';
  /** What a guess at the passphrase costs. */
  argon2id: { memoryKiB: number; passes: number } | null;
  /** Records of each kind. */
  records: Record<VaultKind, number>;
  /** Days that records stay, by kind; null until they are deleted. */
  retentionDays: Record<VaultKind, number | null>;
  /** Records that the vault counts and the browser has not. */
  lost: number;
  /** Of all that is kept, without what the browser's database adds. */
  bytes: number;
  /** How often the current data key has sealed something; from 2^30 on another follows. */
  keyUses: number;
  /** When it was made, ISO 8601. */
  keySince: string;
  /** Whether records of older keys are still to be sealed anew. */
  rotating: boolean;
}

/** The part of a `Vault` in which a channel keeps its lessons. */
export interface LessonVault {
  /** As {@link Vault.add}. */
  add(record: VaultRecord, options?: AddOptions): Promise<string>;
  /** As {@link Vault.list}. */
  list<K extends VaultRecord['kind']>(query: VaultQuery<K>): Promise<VaultPage<RecordOf<K>>>;
  /** As {@link Vault.delete}. */
  delete(id: string): Promise<boolean>;
}

/** What came of an import. */
export interface Imported {
  /** Records added. */
  added: number;
  /** Records that were there already. */
  present: number;
  /** Lessons that are left out since their files cannot be read. */
  leftOut: number;
}
