import type { ChannelDiagnosis } from '../../wasm/jicho.js';
import type { Diagnostics } from '../api/diagnostics.js';
import type { JichoState, ModelInfo } from '../api/model.js';
import { VERSION } from '../api/version.js';
import { askedToPersist } from '../browser/persist.js';
import type { Settings } from '../channel/backend.js';
import type { Journal } from './journal.js';

/** What the page knows of an open channel. */
export interface PageView {
  settings: Settings;
  state: JichoState;
  model: ModelInfo | null;
  journal: Journal;
  thread: 'worker' | 'page';
  /** Milliseconds from one automatic check to the next; 0 for none. */
  every: number;
  /** Milliseconds since 1970; null for none. */
  nextCheckAt: number | null;
}

/** Joins what the page knows, what the channel's thread answers (null where it does not), and what the browser tells. */
export async function collectDiagnostics(page: PageView, channel: ChannelDiagnosis | null): Promise<Diagnostics> {
  const { settings, model, journal } = page;
  const storage = await storageOf();
  const { performance } = globalThis as { performance?: { memory?: { usedJSHeapSize: number } } };
  // The page may know of an update before the thread answers, or after.
  const same = channel?.model?.releaseSeq === model?.releaseSeq ? channel?.model : null;
  return {
    at: new Date().toISOString(),
    version: VERSION,
    browser: navigator.userAgent,
    channel: settings.channel,
    models: settings.models,
    state: page.state,
    engine: channel && {
      thread: page.thread,
      version: channel.version,
      build: channel.build,
      runs: channel.model?.engine ?? null,
    },
    model: model && {
      version: model.version,
      releaseSeq: model.releaseSeq,
      latestSeq: same?.latestSeq ?? null,
      candidate: model.candidate,
      trainedAt: model.trainedAt,
      productCount: model.productCount,
      accuracy: model.accuracy,
      bytes: model.bytes,
      files: same?.files ?? null,
      signedBy: same?.signedBy ?? null,
      stored: model.stored,
      storedProblem: model.storedProblem,
    },
    trust: { keys: settings.keys?.length ?? 0, token: settings.hasToken, products: channel?.products ?? null },
    check: {
      last: journal.lastCheck,
      hostSeq: channel?.lastCheck?.hostSeq ?? null,
      expires: channel?.lastCheck?.expires ?? null,
      expired: channel?.lastCheck?.expired ?? null,
      candidateError: (channel?.lastCheck?.candidateError ?? null) as Diagnostics['check']['candidateError'],
      everyMinutes: page.every / 60_000,
      nextAt: page.nextCheckAt === null ? null : new Date(page.nextCheckAt).toISOString(),
    },
    storage: {
      durable: channel?.durable ?? null,
      schema: channel?.schema ?? null,
      askedToPersist: askedToPersist(),
      ...storage,
    },
    memory: {
      wasmBytes: channel?.memoryBytes ?? null,
      keptBytes: channel?.keptBytes ?? null,
      scriptBytes: performance?.memory?.usedJSHeapSize ?? null,
    },
    measures: journal.report,
  };
}

type BrowserStorage = Pick<Diagnostics['storage'], 'persisted' | 'usedBytes' | 'quotaBytes'>;

/** What the browser reports of this origin's storage. On pages without https some report nothing. */
async function storageOf(): Promise<BrowserStorage> {
  const storage = navigator.storage as StorageManager | undefined;
  const [persisted, estimate] = await Promise.all([
    storage?.persisted?.().catch(() => null),
    storage?.estimate?.().catch(() => null),
  ]);
  return { persisted: persisted ?? null, usedBytes: estimate?.usage ?? null, quotaBytes: estimate?.quota ?? null };
}
