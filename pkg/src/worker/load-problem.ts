import { NetworkError } from '../api/errors.js';
import { placingAdvice } from '../browser/own-address.js';
import { scriptUrl } from './start.js';

/** Milliseconds that the host has to answer the question what is wrong. */
const LIMIT = 10_000;

/** Why a worker's script cannot be loaded: the browser does not say, so the script is fetched to see. */
export async function loadProblem(worker: Worker): Promise<NetworkError> {
  const url = scriptUrl(worker);
  if (url === undefined) {
    const reasons = 'it is not there, it is no script, or a Content-Security-Policy forbids it (worker-src)';
    return new NetworkError(`the script of the worker that the option "worker" starts cannot be loaded: ${reasons}`);
  }
  return new NetworkError(`the worker's script ${url} cannot be loaded: ${await reason(url)}`);
}

async function reason(url: string): Promise<string> {
  let response: Response;
  try {
    response = await fetch(url, { signal: AbortSignal.timeout(LIMIT) });
  } catch (error) {
    return `the network does not answer, or a Content-Security-Policy forbids it (${String(error)})`;
  }
  const advice = placingAdvice(url, 'worker');
  if (!response.ok) return `HTTP status ${response.status}; ${advice}`;
  const type = response.headers.get('Content-Type') ?? 'no type';
  if (/html/i.test(type))
    return `the host answers with an HTML page, as single-page hosting does for missing files; ${advice}`;
  if (!/(?:java|ecma)script/i.test(type)) return `the host sends it as ${type}: it must be text/javascript`;
  const { origin } = new URL(url);
  if (origin !== globalThis.location.origin) {
    const allow = `let the Content-Security-Policy allow worker-src blob: ${origin} and script-src ${origin}`;
    return `it is of another origin, so a worker of this one imports it; ${allow}, or serve the package yourself`;
  }
  return "the host sends it, so a Content-Security-Policy forbids it as a worker: allow worker-src 'self'";
}
