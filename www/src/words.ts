import { type CheckResult, type Diagnostics, JichoError, type Recognition, type SyncResult } from 'jicho';

import type { CameraState } from './camera';

/** The notice for a shop without a model. */
export const NOT_SET_UP = 'Camera recognition not yet set up. Add products with images first.';

export const DECISIONS: Record<Recognition['decision'], string> = {
  match: 'Match',
  unsure: 'Not sure',
  unknown: 'Unknown',
};

export const OUTCOMES: Record<SyncResult['outcome'], string> = {
  updated: 'A new model has arrived.',
  current: 'This is the newest model.',
  offline: 'No connection. The model on this device goes on working.',
  absent: 'The host has no model for this channel.',
  'host-older': 'The host offers an older model than this device has. The newer one stays.',
  expired: 'The host has not been updated for too long. The model on this device goes on working.',
};

/** The result of a check, in a word or two. */
export const CHECKS: Record<CheckResult['outcome'], string> = {
  updated: 'new model',
  current: 'up to date',
  offline: 'no connection',
  absent: 'not set up',
  'host-older': 'host is older',
  expired: 'host is out of date',
  failed: 'failed',
};

export const ENGINES: Record<NonNullable<Diagnostics['engine']>['build'], string> = {
  relaxed: 'Relaxed SIMD',
  simd: 'SIMD',
  scalar: 'No SIMD',
  tract: 'Any ONNX',
};

export const CAMERA: Record<CameraState, string> = {
  off: '',
  starting: 'Starting the camera…',
  live: '',
  denied: 'The camera is blocked for this page. Allow it in the browser’s site settings, or choose a photo.',
  missing: 'No camera found. Connect one, or choose a photo.',
  busy: 'The camera cannot be used now: another app may hold it. Close that app, or choose a photo.',
  insecure: 'The camera works only on a secure (https) page. You can still choose a photo.',
};

/** Advice on the picture of an answer that is not a match; empty if the picture is good. */
export function hint({ decision, quality }: Recognition): string {
  return decision === 'match' ? '' : (quality?.findings[0]?.reason ?? '');
}

/** An error in the shopkeeper's words: what happened and what to do. */
export function explain(error: unknown): string {
  if (!(error instanceof JichoError)) return `Something went wrong: ${String(error)}`;
  switch (error.code) {
    case 'SCHEMA_TOO_NEW':
    case 'RUNTIME_TOO_OLD':
      return 'The new model needs a newer version of this app: reload the page while online.';
    case 'INVALID_MANIFEST':
    case 'INVALID_MODEL':
    case 'HASH_MISMATCH':
    case 'SIZE_MISMATCH':
    case 'GOLDEN_MISMATCH':
      return `The new model is damaged or incomplete and was not taken (${error.code}).`;
    case 'BAD_SIGNATURE':
      return 'The new model is not signed with a key of this app and was not taken.';
    case 'UNAUTHORIZED':
      return 'The host asks for a login: log in again.';
    case 'HTTP_STATUS':
    case 'NETWORK':
      return `The host does not answer as it should (${error.code}). Try again later.`;
    case 'INVALID_FRAME':
      return `This picture cannot be used: ${error.message}`;
    default:
      return `${error.message} (${error.code})`;
  }
}

export function bytes(count: number): string {
  const [value, unit] =
    count < 1e6 ? [count / 1e3, 'kilobyte'] : count < 1e9 ? [count / 1e6, 'megabyte'] : [count / 1e9, 'gigabyte'];
  return value.toLocaleString(undefined, { style: 'unit', unit, maximumFractionDigits: value < 10 ? 1 : 0 });
}

export function percent(share: number): string {
  return share.toLocaleString(undefined, { style: 'percent', maximumFractionDigits: 0 });
}

export function dateTime(iso: string): string {
  const date = new Date(iso);
  return Number.isNaN(date.getTime())
    ? iso
    : date.toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' });
}

export function price(facts: Record<string, unknown> | undefined): string {
  const { price, currency } = facts ?? {};
  if (typeof price === 'string') return price;
  if (typeof price !== 'number') return '';
  if (typeof currency !== 'string') return price.toLocaleString();
  try {
    return price.toLocaleString(undefined, { style: 'currency', currency });
  } catch {
    return `${price.toLocaleString()} ${currency}`;
  }
}
