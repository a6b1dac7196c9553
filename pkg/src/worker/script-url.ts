import { absolute } from '../browser/address.js';

/** Bundlers place a worker only where one is started, so it is started, by a constructor that starts none. */
export function workerUrl(start: () => Worker): string {
  const scope = globalThis as { Worker: unknown };
  const { Worker } = scope;
  let found = '';
  scope.Worker = function (url: string | URL): void {
    found = String(url);
  };
  try {
    start();
  } finally {
    scope.Worker = Worker;
  }
  return absolute('worker', found).href;
}
