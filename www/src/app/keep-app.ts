import { bestBuild } from 'jicho/build';
import { precache } from 'jicho/precache';

import { root } from './root';

/** Has the service worker keep the app, and calls back when another version of it waits to take over. */
export async function keepApp(onUpdate: (takeOver: () => void) => void): Promise<void> {
  if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return;
  const workers = navigator.serviceWorker;
  // A first visit has nothing to replace.
  const replaces = workers.controller !== null;
  const address = new URL(`sw.js?wasm=${bestBuild()}`, root).href;
  const registration = await workers.register(address, { scope: root.href, updateViaCache: 'none' });
  const offer = () => {
    const { waiting } = registration;
    if (!waiting || !replaces) return;
    onUpdate(() => {
      workers.addEventListener('controllerchange', () => location.reload(), { once: true });
      waiting.postMessage('take-over');
    });
  };
  offer();
  registration.addEventListener('updatefound', () => {
    registration.installing?.addEventListener('statechange', offer);
  });
}

/**
 * Has it keep the wasm module for releases without a plan, too: the page may have fetched that before the service worker
 * was there.
 */
export async function keepTract(): Promise<void> {
  if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return;
  const { notKept } = await precache({ tract: true });
  for (const { url, reason } of notKept) console.warn(`not kept for use without a network: ${url}: ${reason}`);
}
