// Static imports, because some bundlers make workers classic scripts, which cannot `import()`.
import * as compiled from '../../wasm/jicho.js';
import * as tract from '../../wasm/tract/jicho.js';
import { bestBuild } from './build.js';
import { loadGlue } from './loader.js';
import { wasmUrl } from './urls.js';

/**
 * The wasm module that runs compiled plans: of the package's folder `wasm` at `folder`, else from where a bundler placed
 * it; or `module`, where it was compiled ahead.
 */
export function loadCompiled(folder: string | undefined, module?: WebAssembly.Module): Promise<typeof compiled> {
  return loadGlue(compiled, () => wasmUrl(bestBuild(), folder), module);
}

/** The same with tract, which runs any ONNX network too: twenty times the size. */
export function loadTract(folder: string | undefined): Promise<typeof tract> {
  return loadGlue(tract, () => wasmUrl('tract', folder));
}
