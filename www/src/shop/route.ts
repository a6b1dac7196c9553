/** What the page shows. It stands in the address behind `#`, so that going back and reloading work. */
export interface Route {
  /** Null where the channel is to be chosen. */
  channel: string | null;
  view: View;
  /** What of the view, such as a product; empty for the whole of it. */
  item: string;
}

export const VIEWS = ['overview', 'setup', 'products', 'confirm', 'model', 'sales', 'devices', 'settings'] as const;
export type View = (typeof VIEWS)[number];

export function readRoute(hash: string): Route {
  const [channel = '', view = '', item = ''] = hash
    .replace(/^#\/?/, '')
    .split('/')
    .map((part) => decoded(part));
  const known = VIEWS.find((one) => one === view);
  return { channel: channel || null, view: known ?? 'overview', item: known ? item : '' };
}

export function hashOf(channel: string, view: View = 'overview', item = ''): string {
  const parts = [channel, view, item].map(encodeURIComponent);
  return `#/${parts.join('/').replace(/\/+$/, '')}`;
}

/** What a one-time link carries: its secret, and for a phone that uploads photos what they show. */
export interface LinkParts {
  link: string;
  product: string;
  name: string;
}

/** The parts of a one-time link; null for an address that is none. */
export function readLink(hash: string): LinkParts | null {
  const parts = new URLSearchParams(hash.replace(/^#/, ''));
  const link = parts.get('link');
  return link ? { link, product: parts.get('product') ?? '', name: parts.get('name') ?? '' } : null;
}

/** A link for a phone that uploads photos of one product. */
export function uploadLink(url: string, product: string, name: string): string {
  return `${url}&${new URLSearchParams({ product, name }).toString()}`;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return '';
  }
}
