import { InvalidManifestError } from '../api/errors.js';
import { absolute, folder } from '../browser/address.js';
import { download } from '../browser/download.js';
import { bestBuild } from '../wasm/build.js';
import { wasmUrl } from '../wasm/urls.js';
import { workerUrl } from '../worker/script-url.js';
import { startWorker } from '../worker/start.js';

/** What to list. */
export interface PrecacheOptions {
  /** `best` (default): the wasm module that this browser runs. `all`: those for other browsers too. */
  builds?: 'best' | 'all';
  /** Whether also the module for releases without a plan, 15 MB. Default false. */
  tract?: boolean;
  /** As for `Jicho.open`. */
  wasm?: string | URL;
  /** Where the worker script is, where a bundler does not place it by itself. */
  worker?: string | URL;
  /**
   * Also the files of the current release of this channel, for a service worker of the app's own: the library keeps them
   * by itself, and `keepFiles` leaves them alone. This asks the host, without a token.
   */
  release?: { channel: string; models: string | URL };
}

/** The part of metadata.json that matters here. */
interface Release {
  files: { url: string; role: string }[];
}

/** The package's own scripts, beside this one; the build fills it in. */
const SCRIPTS: readonly string[] = ['__SCRIPTS__'];

/**
 * The absolute URLs of all that recognising without a network needs, besides the app's own files: worker, wasm module
 * and, where no bundler made them part of the app's, the package's scripts. What a vault needs, `Vault.urls` lists.
 *
 * @throws JichoError `INVALID_ARGUMENT`; for a release `NETWORK`, `HTTP_STATUS`, `INVALID_MANIFEST`.
 */
export async function precacheUrls(options: PrecacheOptions = {}): Promise<string[]> {
  const { builds = 'best', tract = false, release } = options;
  const wasm = options.wasm === undefined ? undefined : folder('wasm', options.wasm);
  const modules = builds === 'all' ? (['scalar', 'simd', 'relaxed'] as const) : [bestBuild()];
  const worker =
    options.worker === undefined ? workerUrl(() => startWorker(undefined)) : absolute('worker', options.worker).href;
  const scripts = SCRIPTS.map((name) => new URL(name, import.meta.url).href);
  const urls = [
    // A bundler has placed the worker elsewhere, and has left nothing beside this script.
    ...(scripts.includes(worker) ? scripts : [worker]),
    ...modules.map((build) => wasmUrl(build, wasm)),
    ...(tract ? [wasmUrl('tract', wasm)] : []),
    ...(release ? await filesOf(folder('models', release.models), release.channel) : []),
  ];
  return [...new Set(urls)];
}

/** metadata.json, and the files that a device fetches of it. */
async function filesOf(models: string, channel: string): Promise<string[]> {
  const metadata = `${models}${encodeURIComponent(channel)}/latest/metadata.json`;
  const release = (await (await download(metadata)).json().catch(() => undefined)) as Partial<Release> | undefined;
  const files = release?.files;
  if (!Array.isArray(files)) throw new InvalidManifestError(`${metadata} lists no files`);
  // The plan stands in for the network.
  const network = files.some(({ role }) => role === 'plan') ? 'plan' : 'backbone';
  const urls = files
    .filter(({ role }) => [network, 'space', 'head'].includes(role))
    .map(({ url }) => new URL(url, models).href);
  const foreign = urls.find((url) => !url.startsWith(models));
  if (foreign) throw new InvalidManifestError(`${metadata} lists ${foreign}, which is not in the models folder`);
  return [metadata, ...urls];
}
