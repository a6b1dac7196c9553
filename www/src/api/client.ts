import createClient, { type Middleware } from 'openapi-fetch';

import { root } from '../app/root';
import type { components, paths } from './schema';

type Schemas = components['schemas'];
export type Added = Schemas['Added'];
export type Agreement = Schemas['Agreement'];
export type AuditRecord = Schemas['AuditRecord'];
export type Backbone = Schemas['Backbone'];
export type Channel = Schemas['Channel'];
export type ChannelSettings = Schemas['ChannelSettings'];
export type ChannelStatus = Schemas['ChannelStatus'];
export type Compared = Schemas['Compared'];
export type Health = Schemas['Health'];
export type Job = Schemas['Job'];
export type JobEvent = Schemas['JobEvent'];
export type Key = Schemas['Key'];
export type Model = Schemas['Model'];
export type NewLink = Schemas['NewLink'];
export type Photo = Schemas['Photo'];
export type Product = Schemas['Product'];
export type Role = Schemas['Role'];
export type Series = Schemas['Series'];
export type Session = Schemas['Session'];
export type StoredSale = Schemas['StoredSale'];

/** A refusal of the service, in its own words: they say what is wrong and what to do. */
export class Refused extends Error {
  /** HTTP status; 0 where the service did not answer at all. */
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, detail: string) {
    super(detail);
    this.status = status;
    this.code = code;
  }
}

/** Sent with every change. The session's cookie alone is not enough, because a browser sends it for other pages, too. */
let csrf = '';

export function useSession(session: Session | null): void {
  csrf = session?.csrfToken ?? '';
}

/** The headers that a request without the client below needs. */
export function changeHeaders(): Record<string, string> {
  return { 'X-CSRF-Token': csrf };
}

const sendToken: Middleware = {
  onRequest({ request }) {
    if (!['GET', 'HEAD'].includes(request.method) && csrf) request.headers.set('X-CSRF-Token', csrf);
    return request;
  },
};

/** The service's API, with the types of its own description. The paths begin with `/api/v1`, wherever the app is. */
export const api = createClient<paths>({ baseUrl: root.href.replace(/\/$/, '') });
api.use(sendToken);

/** The answer of a call, or its refusal as an exception. */
export async function got<T>(call: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const { data, error, response } = await call.catch(() => {
    throw new Refused(0, 'unreachable', '');
  });
  if (response.ok) return data as T;
  throw refusalOf(response.status, error);
}

/** The refusal that a body tells, if it is a problem document. */
export function refusalOf(status: number, body: unknown): Refused {
  const { code, detail } = (body ?? {}) as { code?: string; detail?: string };
  return new Refused(status, code ?? 'unknown', detail ?? `HTTP ${status}`);
}

/** The address of something that the page shows or lets the user save. */
export function addressOf(path: string): string {
  return new URL(`api/v1/${path}`, root).href;
}

export function thumbnailOf(channel: string, photo: string): string {
  return addressOf(`channels/${encodeURIComponent(channel)}/photos/${encodeURIComponent(photo)}/thumbnail`);
}
