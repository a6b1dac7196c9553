import { bestBuild } from 'jicho/build';
import { precacheUrls } from 'jicho/precache';
import type { PrecacheMessage } from 'jicho/service-worker';

/** Has the service worker keep the app, and tells when another version of it waits to take over. */
export async function keepApp(onUpdate: (takeOver: () => void) => void): Promise<void> {
  if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return;
  const workers = navigator.serviceWorker;
  // Of the first visit there is nothing to replace.
  const replaces = workers.controller !== null;
  const registration = await workers.register(`./sw.js?wasm=${bestBuild()}`, { updateViaCache: 'none' });
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

/** Has it keep the wasm module for releases without a plan too: the page may have fetched that before it was kept. */
export async function keepTract(): Promise<void> {
  if (!('serviceWorker' in navigator)) return;
  const { active } = await navigator.serviceWorker.ready;
  active?.postMessage({ type: 'jicho-precache', urls: await precacheUrls({ tract: true }) } satisfies PrecacheMessage);
}
