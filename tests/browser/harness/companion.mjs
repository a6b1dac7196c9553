import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const BINARY = process.env.JICHO_BIN ?? fileURLToPath(new URL('../../../target/debug/jicho', import.meta.url));

/**
 * Options of a training whose answers are a match where they are more likely right than wrong, so that few small photos make
 * matches enough to follow what comes of them. Whether promises are kept is measured elsewhere.
 */
export const EASY = ['--match-precision', '0.5'];

/** Runs the companion and returns what it prints on stdout. */
export async function jicho(...args) {
  const { stdout } = await promisify(execFile)(BINARY, args, { maxBuffer: 64 << 20 });
  return stdout;
}

/** Starts `jicho serve` and waits until it accepts connections. */
export async function serve({ models, app, port = 0 }) {
  const args = ['serve', '--files-only', '--models', models, '--port', String(port), ...(app ? ['--app', app] : [])];
  const server = spawn(BINARY, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const exit = once(server, 'exit');
  const line = createInterface({ input: server.stdout })[Symbol.asyncIterator]().next();
  const first = await Promise.race([line.then(({ value }) => value), exit.then(() => undefined)]);
  if (!first) throw new Error('jicho serve ended before it told its address');
  const url = new URL(first);
  return {
    url: url.href,
    port: Number(url.port),
    async stop() {
      server.kill('SIGTERM');
      await exit;
    },
  };
}
