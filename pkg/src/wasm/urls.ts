import type { Build } from './build.js';

// Bundlers know this very form, and place the files.
const PLACES: Record<Build | 'tract', () => URL> = {
  scalar: () => new URL('../wasm/scalar/jicho_bg.wasm', import.meta.url),
  simd: () => new URL('../wasm/simd/jicho_bg.wasm', import.meta.url),
  relaxed: () => new URL('../wasm/relaxed/jicho_bg.wasm', import.meta.url),
  tract: () => new URL('../wasm/tract/jicho_bg.wasm', import.meta.url),
};

/** Where a module is: in the package's folder `wasm` at `folder`, else where the bundler placed it. */
export function wasmUrl(build: Build | 'tract', folder: string | undefined): string {
  return folder === undefined ? PLACES[build]().href : `${folder}${build}/jicho_bg.wasm`;
}
