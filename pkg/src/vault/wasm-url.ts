/** Where the wasm module of the sealed store is: in the package's folder `wasm` at `folder`, else where the bundler placed it. */
export function vaultUrl(folder: string | undefined): string {
  // Bundlers know this very form, and place the file.
  if (folder === undefined) return new URL('../wasm/vault/jicho_bg.wasm', import.meta.url).href;
  return `${folder}vault/jicho_bg.wasm`;
}
