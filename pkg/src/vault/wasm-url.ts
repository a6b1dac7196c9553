import { placedUrl } from '../browser/own-address.js';

/** Where the vault's wasm module is: in the package's folder `wasm` at `folder`, else where the bundler placed it. */
export function vaultUrl(folder: string | undefined): string {
  if (folder !== undefined) return `${folder}vault/jicho-vault.wasm`;
  // Bundlers know this very form, and place the file.
  return placedUrl(() => new URL('../wasm/vault/jicho-vault.wasm', import.meta.url));
}
