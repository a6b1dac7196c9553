import { bestBuild } from 'jicho/build';

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
