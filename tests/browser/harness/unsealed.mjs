import { execFileSync } from 'node:child_process';
import { cpSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const at = (path) => fileURLToPath(new URL(`../../../${path}`, import.meta.url));

/**
 * Puts the package's vault into `folder`, without its encryption (`./build.sh wasm unsealed`). The module comes with its own glue,
 * because names in the glue depend on how the module was built.
 */
export function makeUnsealed(folder) {
  const module = at('target/wasm-unsealed');
  if (!existsSync(module)) throw new Error('the unsealed module is not built: ./build.sh wasm unsealed');
  cpSync(at('pkg/src'), join(folder, 'src'), { recursive: true });
  cpSync(module, join(folder, 'wasm'), { recursive: true });
  const entries = ['vault', 'vault-worker'].map((name) => join(folder, `src/${name}.ts`));
  const options = ['--bundle', '--format=esm', `--outdir=${join(folder, 'dist')}`, '--log-level=warning'];
  execFileSync(at('node_modules/.bin/esbuild'), [...entries, ...options]);
}
