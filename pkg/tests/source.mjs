import { fileURLToPath } from 'node:url';

import { build } from 'esbuild';

let calls = 0;
const folder = fileURLToPath(new URL('../src/', import.meta.url));

/** Bundles the named source modules and imports them, each time with module state of their own. */
export async function source(...names) {
  const { outputFiles } = await build({
    stdin: { contents: names.map((name) => `export * from './${name}.ts';`).join('\n'), resolveDir: folder },
    bundle: true,
    format: 'esm',
    write: false,
    logLevel: 'warning',
  });
  const code = `${outputFiles[0].text}\n// ${(calls += 1)}`;
  return import(`data:text/javascript;base64,${Buffer.from(code).toString('base64')}`);
}
