// Not `import()`: a worker that bundlers make as one classic script cannot load further parts.
import * as wasm from '../wasm/jicho.js';
import { HttpStatusError, InternalError, NetworkError, UnsupportedError } from './errors.js';

type WasmModule = typeof wasm;

let loading: Promise<WasmModule> | undefined;
let defect: string | undefined;

/** The wasm module, one instance for each page or worker. A load that failed is tried again the next time. */
export function loadWasm(url: string | undefined): Promise<WasmModule> {
  if (defect !== undefined) {
    throw new InternalError(`a defect ended Jicho in this page (${defect}): reload the page, or open with a worker`);
  }
  loading ??= instantiate(url).catch((error: unknown) => {
    loading = undefined;
    throw error;
  });
  return loading;
}

/** Bars the instance: a panic leaves its memory in no defined state. */
export function condemnWasm(message: string): void {
  defect ??= message;
}

async function instantiate(url: string | undefined): Promise<WasmModule> {
  if (typeof WebAssembly !== 'object') throw new UnsupportedError('this browser has no WebAssembly');
  const response = await download(url ?? new URL('../wasm/jicho_bg.wasm', import.meta.url).href);
  try {
    await wasm.default({ module_or_path: response });
  } catch (error) {
    const hint = 'it must be the jicho.wasm of this version, and a Content-Security-Policy must allow "wasm-unsafe-eval"';
    throw new UnsupportedError(`${response.url} cannot be started: ${String(error)}; ${hint}`, { cause: error });
  }
  return wasm;
}

async function download(url: string): Promise<Response> {
  let response;
  try {
    response = await fetch(url, { credentials: 'same-origin' });
  } catch (error) {
    throw new NetworkError(`${url} cannot be fetched: ${String(error)}`, { cause: error });
  }
  if (!response.ok) throw new HttpStatusError(`${url}: HTTP status ${response.status}`);
  return response;
}
