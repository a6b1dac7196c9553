import { DisposedError } from '../api/errors.js';
import { Connection } from './connection.js';

/**
 * The URLs of the scripts that a worker loads besides its own. Those that it imports statically are in the timeline of the page
 * that starts it, others in its own. Ends the worker.
 */
export async function loadedScripts(start: () => Worker): Promise<string[]> {
  const entries: PerformanceEntry[] = [];
  const observer = new PerformanceObserver((list) => entries.push(...list.getEntries()));
  observer.observe({ type: 'resource' });
  const connection = new Connection(start(), {}, () => undefined);
  try {
    const own = await connection.call<string[]>({ type: 'scripts' }, {});
    entries.push(...observer.takeRecords());
    return [...scriptsOf(entries), ...own];
  } finally {
    observer.disconnect();
    connection.end(new DisposedError('disposed'));
  }
}

/** The URLs of the scripts among what was loaded. */
export function scriptsOf(entries: PerformanceEntry[]): string[] {
  return entries.map(({ name }) => name).filter((url) => /\.m?js$/.test(new URL(url).pathname));
}
