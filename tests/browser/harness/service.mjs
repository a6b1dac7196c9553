import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const BINARY = process.env.JICHO_BIN ?? fileURLToPath(new URL('../../../target/debug/jicho', import.meta.url));

/**
 * Starts `jicho serve` with its API and the app, with data and models in `folder`, and waits for its address and for the link
 * by which the first administrator signs in. `settings` are variables of its environment, such as `JICHO_PHOTOS_CONFIRM_PERCENT`.
 */
export async function startService(folder, { app, settings = {} }) {
  const at = (name) => join(folder, name);
  mkdirSync(at('models'), { recursive: true });
  const args = ['serve', '--data', at('data'), '--models', at('models'), '--app', app];
  const server = spawn(BINARY, [...args, '--port', '0'], {
    env: { ...process.env, ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exit = once(server, 'exit');
  const said = [];
  const found = (stream, pattern) =>
    new Promise((resolve) => {
      createInterface({ input: stream }).on('line', (line) => {
        said.push(line);
        const match = pattern.exec(line);
        if (match) resolve(match[0]);
      });
    });
  const started = Promise.all([found(server.stdout, /^http\S+/), found(server.stderr, /http\S+#link=\S+/)]);
  const [url, link] = await Promise.race([started, exit.then(() => [])]);
  if (!url) throw new Error(`jicho serve ended before it told its address:\n${said.join('\n')}`);
  return {
    url,
    link,
    async stop() {
      server.kill('SIGTERM');
      await exit;
    },
  };
}
