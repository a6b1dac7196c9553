// Not `import()`: a worker that bundlers make as one classic script cannot load further parts.
import * as compiled from '../wasm/jicho.js';
import * as tract from '../wasm/tract/jicho.js';
import { bestBuild, type Build } from './build.js';
import { download } from './download.js';
import { InternalError, NetworkError, UnsupportedError } from './errors.js';
import { wasmUrl } from './wasm-places.js';

type Glue = typeof compiled | typeof tract;

const loading = new Map<Glue, Promise<void>>();
let defect: string | undefined;

/**
 * The wasm module that runs compiled plans, one instance for each page or worker: of the package's folder `wasm` at
 * `folder`, else from where a bundler placed it; or `module`, where it was compiled ahead. A load that failed is tried
 * again the next time.
 */
export function loadCompiled(folder: string | undefined, module?: WebAssembly.Module): Promise<typeof compiled> {
  return load(compiled, bestBuild, folder, module);
}

/** The same with tract, which runs any ONNX network too: twenty times the size. */
export function loadTract(folder: string | undefined): Promise<typeof tract> {
  return load(tract, () => 'tract', folder);
}

/** Bars the instances: a panic leaves a memory in no defined state. */
export function condemnWasm(message: string): void {
  defect ??= message;
}

async function load<G extends Glue>(
  glue: G,
  build: () => Build | 'tract',
  folder: string | undefined,
  module?: WebAssembly.Module,
): Promise<G> {
  if (defect !== undefined) {
    throw new InternalError(`a defect ended Jicho in this page (${defect}): reload the page, or open with a worker`);
  }
  if (typeof WebAssembly !== 'object') throw new UnsupportedError('this browser has no WebAssembly');
  let loaded = loading.get(glue);
  if (!loaded) {
    const name = build();
    loaded = instantiate(glue, wasmUrl(name, folder), module);
    loading.set(glue, loaded);
    loaded.catch(() => loading.delete(glue));
  }
  await loaded;
  return glue;
}

async function instantiate(glue: Glue, url: string, module?: WebAssembly.Module): Promise<void> {
  const source = module ?? (await download(url));
  try {
    await glue.default({ module_or_path: source });
  } catch (error) {
    if (error instanceof TypeError) throw new NetworkError(`${url} broke off: ${error.message}`, { cause: error });
    const hint = 'it must be of this version, and a Content-Security-Policy must allow "wasm-unsafe-eval"';
    throw new UnsupportedError(`${url} cannot be started: ${String(error)}; ${hint}`, { cause: error });
  }
}
