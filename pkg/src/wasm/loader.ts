import { InternalError } from '../api/errors.js';
import { cannotStart, compile } from './compile.js';

/** The JavaScript that wasm-bindgen generates for a module. */
export interface Glue {
  default(from: { module_or_path: WebAssembly.Module }): Promise<unknown>;
}

const loading = new Map<Glue, Promise<void>>();
let defect: string | undefined;

/** Refuses all later loads in this thread: after a panic the module's memory is in no defined state. */
export function condemnWasm(message: string): void {
  defect ??= message;
}

/**
 * The glue of a module with the module behind it, one instance for each page or worker: from its URL, or `module`, where
 * it was compiled ahead. A load that failed is tried again the next time.
 */
export async function loadGlue<G extends Glue>(glue: G, url: () => string, module?: WebAssembly.Module): Promise<G> {
  if (defect !== undefined) {
    throw new InternalError(`a defect ended Jicho in this page (${defect}): reload the page, or open with a worker`);
  }
  let loaded = loading.get(glue);
  if (!loaded) {
    loaded = instantiate(glue, url(), module);
    loading.set(glue, loaded);
    loaded.catch(() => loading.delete(glue));
  }
  await loaded;
  return glue;
}

async function instantiate(glue: Glue, url: string, module?: WebAssembly.Module): Promise<void> {
  const compiled = module ?? (await compile(url));
  try {
    await glue.default({ module_or_path: compiled });
  } catch (error) {
    throw cannotStart(url, error);
  }
}
