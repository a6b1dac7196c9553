import { channel, root } from '../app/root';
import { change } from '../app/settings';

/** What came of a link that pairs this device; `none` where the address holds no such link. */
export type Pairing = 'none' | 'paired' | 'refused' | 'unreachable';

/**
 * Takes this device's key in exchange for the secret of the address (`/?channel=T_1#pair=…`). The secret works once; it is
 * removed from the address before anything else happens, so that it stays in no history.
 */
export async function pairByAddress(): Promise<Pairing> {
  const link = new URLSearchParams(location.hash.replace(/^#/, '')).get('pair');
  if (!link) return 'none';
  history.replaceState(null, '', location.pathname + location.search);
  try {
    const response = await fetch(new URL('api/v1/pair', root), {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ link, name: deviceName() }),
    });
    if (!response.ok) return response.status >= 500 ? 'unreachable' : 'refused';
    const { secret } = (await response.json()) as { secret: string };
    change({ deviceKey: secret });
    return 'paired';
  } catch {
    return 'unreachable';
  }
}

/** By this the shop's owner tells this device from others: its channel and what kind of machine it is. */
function deviceName(): string {
  const machine = /\(([^;)]+)/.exec(navigator.userAgent)?.[1] ?? 'browser';
  return `Till ${channel}, ${machine}`.slice(0, 100);
}
