import { placedUrl } from '../browser/own-address.js';
import type { Build } from './build.js';

// Bundlers know this very form, and place the files.
const PLACES: Record<Build | 'tract', () => URL> = {
  scalar: () => new URL('../wasm/scalar/jicho-scalar.wasm', import.meta.url),
  simd: () => new URL('../wasm/simd/jicho-simd.wasm', import.meta.url),
  relaxed: () => new URL('../wasm/relaxed/jicho-relaxed.wasm', import.meta.url),
  tract: () => new URL('../wasm/tract/jicho-tract.wasm', import.meta.url),
};

/** Where a module is: in the package's folder `wasm` at `folder`, else where the bundler placed it. */
export function wasmUrl(build: Build | 'tract', folder: string | undefined): string {
  return folder === undefined ? placedUrl(PLACES[build]) : `${folder}${build}/jicho-${build}.wasm`;
}
