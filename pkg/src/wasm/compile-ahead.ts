import { UnsupportedError } from '../api/errors.js';
import { bestBuild } from './build.js';
import { compile } from './compile.js';
import { wasmUrl } from './urls.js';

/**
 * The wasm module that runs compiled plans, compiled while the thread that needs it is still starting. Undefined where
 * this page cannot compile it, for its policy may be stricter than the thread's.
 */
export async function compileAhead(folder: string | undefined): Promise<WebAssembly.Module | undefined> {
  try {
    return await compile(wasmUrl(bestBuild(), folder));
  } catch (error) {
    if (error instanceof UnsupportedError) return undefined;
    throw error;
  }
}
