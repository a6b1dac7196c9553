import { download } from '../browser/download.js';
import { bestBuild } from './build.js';
import { wasmUrl } from './urls.js';

/**
 * The wasm module that runs compiled plans, compiled while the thread that needs it is still starting. Undefined where
 * that fails: the thread then tries by itself, and says why.
 */
export async function compileAhead(folder: string | undefined): Promise<WebAssembly.Module | undefined> {
  try {
    return await WebAssembly.compileStreaming(download(wasmUrl(bestBuild(), folder)));
  } catch {
    return undefined;
  }
}
