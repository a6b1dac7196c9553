import type { VaultPage as Listed, VaultEntry } from '../../wasm/vault/jicho.js';
import { InvalidArgumentError } from '../api/errors.js';
import type { Recognition } from '../api/recognition.js';
import { plainJson } from './plain-json.js';
import type { DamagedRecord, Scan, Stored, VaultPage, VaultRecord } from './types.js';

/** Predictions that a scan keeps. */
const FIRST = 5;

/** A record's JSON, and what is sealed beside it. */
export async function pack(record: VaultRecord): Promise<{ json: string; blob: Uint8Array | undefined }> {
  if (typeof record !== 'object' || record === null)
    throw new InvalidArgumentError('a record is an object with a "kind"');
  const { thumbnail, embedding, file, ...fields } = record as Partial<Scan> & { embedding?: unknown; file?: unknown };
  const json = plainJson('the record', fields);
  return { json, blob: await bytesOf(thumbnail ?? embedding ?? file) };
}

/** A copy of the bytes that an app gives, if it gives any. */
export async function bytesOf(blob: unknown): Promise<Uint8Array | undefined> {
  if (blob === undefined || blob === null) return undefined;
  if (blob instanceof Blob) return new Uint8Array(await blob.arrayBuffer());
  if (blob instanceof ArrayBuffer) return new Uint8Array(blob.slice());
  if (ArrayBuffer.isView(blob)) return new Uint8Array(blob.buffer, blob.byteOffset, blob.byteLength).slice();
  throw new InvalidArgumentError(
    'a thumbnail or a file is a Blob, an ArrayBuffer or a Uint8Array; an embedding is a Float32Array',
  );
}

/** What a vault keeps of a recognition. */
export function scanOf(recognition: Recognition): Scan {
  const { decision, predictions, attributes, score, quality, version } = recognition;
  const first = predictions.slice(0, FIRST).map(({ label, confidence }) => ({ label, confidence }));
  const measures = quality && { quality: { ...quality.scores } };
  return { kind: 'scan', decision, predictions: first, attributes, score, version, ...measures };
}

/** A record as apps read it. */
export function unpack<R extends VaultRecord>({ blob, ...entry }: VaultEntry): Stored<R> {
  const bytes = blob as Uint8Array<ArrayBuffer> | undefined;
  const other = (bytes: Uint8Array<ArrayBuffer>) =>
    'lesson' in entry ? { file: bytes } : { embedding: floats(bytes) };
  const extras = bytes && (entry.kind === 'scan' ? { thumbnail: jpeg(bytes) } : other(bytes));
  return { ...entry, ...withoutPrototypes(entry), ...extras } as unknown as Stored<R>;
}

/** A scan's maps by names that a model or a person chose: one of them may be `__proto__`. */
function withoutPrototypes({ kind, attributes, quality }: Record<string, unknown>): object {
  const map = (fields: unknown): object => Object.assign(Object.create(null) as object, fields);
  return kind === 'scan' ? { attributes: map(attributes), quality: map(quality) } : {};
}

export function unpackPage<R extends VaultRecord>({ records, damaged, next }: Listed): VaultPage<R> {
  return { records: records.map((record) => unpack<R>(record)), damaged: damaged as DamagedRecord[], next };
}

function jpeg(bytes: Uint8Array<ArrayBuffer>): Blob {
  return new Blob([bytes], { type: 'image/jpeg' });
}

/** A copy, since the bytes may lie askew. */
function floats(bytes: Uint8Array): Float32Array {
  return new Float32Array(bytes.slice().buffer);
}
