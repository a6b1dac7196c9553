import { InvalidManifestError, UnsupportedError } from '../api/errors.js';
import { absolute, folder, modelsFolder } from '../browser/address.js';
import { download } from '../browser/download.js';
import { besides } from '../browser/own-address.js';
import { bestBuild } from '../wasm/build.js';
import { wasmUrl } from '../wasm/urls.js';
import { startWorker, workerUrl } from '../worker/channel-worker.js';
import { loadedScripts } from '../worker/loaded-scripts.js';
import { urlOf } from '../worker/start.js';
import type { PrecacheMessage, PrecacheReply } from './service-worker.js';

/** What to list. */
export interface PrecacheOptions {
  /** `best` (default): the wasm module that this browser runs. `all`: those for other browsers too. */
  builds?: 'best' | 'all';
  /** Whether also the module for releases without a plan, 15 MB. Default false. */
  tract?: boolean;
  /** As for `Jicho.open`. */
  wasm?: string | URL;
  /**
   * Where the worker's script is, if a bundler does not place it by itself; or what starts it, as for `Jicho.open`: then the
   * scripts that it loads are listed, too.
   */
  worker?: string | URL | (() => Worker);
  /**
   * Also the files of the current release of this channel, for a service worker of the app's own: the library keeps them
   * by itself, and `keepFiles` leaves them alone. This asks the host, without a token.
   */
  release?: { channel: string; models: string | URL };
}

/** What the service worker keeps of what it was asked to. */
export interface PrecacheResult {
  /** The URLs that it keeps. */
  kept: string[];
  /** Those that it does not, or of which it has but an older file, and why. */
  notKept: { url: string; reason: string }[];
}

/** Milliseconds until a service worker that calls `keepFiles` has surely begun. */
const BEGIN = 10_000;

/** Milliseconds after which browsers end a service worker's task. */
const FINISH = 300_000;

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
  const urls = [
    ...(await workerScripts(options.worker)),
    ...modules.map((build) => wasmUrl(build, wasm)),
    ...(tract ? [wasmUrl('tract', wasm)] : []),
    ...(release ? await filesOf(modelsFolder(release.models), release.channel) : []),
  ];
  return [...new Set(urls)];
}

/** The worker's script, and those that it loads. */
async function workerScripts(own: PrecacheOptions['worker']): Promise<string[]> {
  if (own !== undefined && typeof own !== 'function') return [absolute('worker', own).href];
  const worker = own ? urlOf(own) : workerUrl();
  const scripts = besides(SCRIPTS, worker);
  if (scripts.length > 0) return [worker, ...scripts];
  // Some bundlers divide a worker's script into chunks that only the worker knows.
  return [worker.replace(/#.*$/, ''), ...(await loadedScripts(() => startWorker(own)))];
}

/**
 * Has the app's service worker, which calls `keepFiles`, keep what {@link precacheUrls} lists, and tells what it keeps, and
 * of the rest why it does not. To be called again with each start of the page.
 *
 * @throws JichoError As {@link precacheUrls}; `UNSUPPORTED` where there is no service worker, or none that answers.
 */
export async function precache(options: PrecacheOptions = {}): Promise<PrecacheResult> {
  const { serviceWorker } = globalThis.navigator as { serviceWorker?: ServiceWorkerContainer };
  if (!serviceWorker)
    throw new UnsupportedError('there is no service worker here: the page must be on https or localhost');
  if (!(await serviceWorker.getRegistration()))
    throw new UnsupportedError('this page has registered no service worker');
  const urls = await precacheUrls(options);
  const { active } = await serviceWorker.ready;
  return keptBy(active!, urls);
}

function keptBy(worker: ServiceWorker, urls: string[]): Promise<PrecacheResult> {
  return new Promise((resolve, reject) => {
    const { port1: port, port2 } = new MessageChannel();
    const end = (settle: () => void): void => {
      clearTimeout(timer);
      port.close();
      settle();
    };
    const limit = (ms: number, problem: string) =>
      setTimeout(() => end(() => reject(new UnsupportedError(`the service worker ${problem}`))), ms);
    let timer = limit(BEGIN, 'does not answer: its script must call keepFiles() of jicho/service-worker');
    port.onmessage = ({ data }: MessageEvent<PrecacheReply>) => {
      if (data.type === 'jicho-precached') end(() => resolve({ kept: data.kept, notKept: data.notKept }));
      else {
        clearTimeout(timer);
        timer = limit(FINISH, 'was ended by the browser before it had kept all files: try again');
      }
    };
    worker.postMessage({ type: 'jicho-precache', urls } satisfies PrecacheMessage, [port2]);
  });
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
