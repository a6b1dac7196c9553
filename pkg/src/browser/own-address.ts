import { UnsupportedError } from '../api/errors.js';

/**
 * Where the script is that this module became part of. Undefined in bundles of IIFE or CommonJS format. Apart from
 * `new URL(…)`, which bundlers look for together with `import.meta.url` to place a file.
 */
export const ownUrl = import.meta.url as string | undefined;

/** The absolute URL of a file that a bundler placed; some bundlers give relative ones. */
export function placedUrl(place: () => URL): string {
  try {
    return new URL(place().href, globalThis.location?.href ?? ownUrl).href;
  } catch (error) {
    if (ownUrl !== undefined) throw error;
    const reason = 'this bundle does not know its own address, as bundles of IIFE or CommonJS format do not';
    const advice = 'build it as an ES module, or serve the package yourself and pass the options "worker" and "wasm"';
    throw new UnsupportedError(`${reason}: ${advice}`, { cause: error });
  }
}

/** What else to do about a file of the package that is not at its URL. */
export function placingAdvice(url: string, option: 'worker' | 'wasm'): string {
  if (url.includes('/.vite/')) {
    return "Vite's development server moved the package: set optimizeDeps: { exclude: ['jicho'] } in vite.config";
  }
  const what = option === 'worker' ? 'the script jicho/worker' : "the package's folder wasm";
  return `if a bundler did not place it there, serve ${what} yourself and pass the option "${option}"`;
}

/**
 * The URLs of the package's scripts beside the worker's, where no bundler made them part of an app's. `names` are theirs. A
 * bundle may lie beside scripts of the same names, but none has the name of the chunk that this module is in.
 */
export function besides(names: readonly string[], worker: string): string[] {
  const own = ownUrl?.replace(/^.*\/|[?#].*$/g, '') ?? '';
  if (!own.startsWith('chunk-') || !names.includes(own)) return [];
  const urls = names.map((name) => new URL(name, ownUrl).href);
  return urls.includes(worker) ? urls.filter((url) => url !== worker) : [];
}
