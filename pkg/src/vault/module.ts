// Apart from the other modules, so that an app without a vault has nothing of it.

import * as vault from '../../wasm/vault/jicho.js';
import { loadGlue } from '../wasm/loader.js';
import { vaultUrl } from './wasm-url.js';

/** The wasm module of the sealed store. */
export function loadVault(folder: string | undefined): Promise<typeof vault> {
  return loadGlue(vault, () => vaultUrl(folder));
}
