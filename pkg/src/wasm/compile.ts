import { HttpStatusError, NetworkError, UnsupportedError } from '../api/errors.js';
import { download } from '../browser/download.js';
import { placingAdvice } from '../browser/own-address.js';

/** The module at a URL, compiled while it comes if the host sends it as `application/wasm`. */
export async function compile(url: string): Promise<WebAssembly.Module> {
  if (typeof WebAssembly !== 'object') throw new UnsupportedError('this browser has no WebAssembly');
  const response = await download(url).catch((error: unknown) => {
    if (!(error instanceof HttpStatusError)) throw error;
    throw new HttpStatusError(`${error.message}; ${placingAdvice(url, 'wasm')}`, { cause: error });
  });
  const type = (response.headers.get('Content-Type') ?? '').split(';')[0]?.trim().toLowerCase();
  try {
    // Browsers compile nothing else while it comes, and would want it a second time.
    if (type === 'application/wasm') return await WebAssembly.compileStreaming(response);
    const bytes = await response.arrayBuffer();
    if (isMarkup(bytes)) {
      const reason = 'the host answers missing files with a page, as single-page hosting does';
      throw new NetworkError(`${url} is an HTML page and no wasm module: ${reason}; ${placingAdvice(url, 'wasm')}`);
    }
    return await WebAssembly.compile(bytes);
  } catch (error) {
    if (error instanceof NetworkError) throw error;
    if (error instanceof TypeError) throw new NetworkError(`${url} broke off: ${error.message}`, { cause: error });
    throw cannotStart(url, error);
  }
}

/** What a module that cannot be compiled or started is told by. */
export function cannotStart(url: string, error: unknown): UnsupportedError {
  // Each browser words it differently, but all name the policy.
  const advice = /content.?security.?policy|unsafe-eval|csp/i.test(String(error))
    ? "the Content-Security-Policy must allow script-src 'wasm-unsafe-eval'"
    : 'it must be whole, and of the same version as the scripts of the package';
  return new UnsupportedError(`${url} cannot be started: ${String(error)}; ${advice}`, { cause: error });
}

function isMarkup(bytes: ArrayBuffer): boolean {
  return new TextDecoder().decode(bytes.slice(0, 64)).trimStart().startsWith('<');
}
