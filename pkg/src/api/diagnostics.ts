import type { Build } from '../wasm/build.js';
import type { JichoErrorCode } from './errors.js';
import type { JichoState, SyncResult } from './model.js';

/** How a channel stands on this device. Plain data; nothing of what was seen, no secrets. */
export interface Diagnostics {
  /** When this was written, ISO 8601, UTC. */
  at: string;
  /** Of this package. */
  version: string;
  /** The browser, as it calls itself. */
  browser: string;
  /** Channel id. */
  channel: string;
  /** Where the models are published. */
  models: string;
  /** As of `Jicho.state`. */
  state: JichoState;
  /** What computes; null where it does not answer. */
  engine: {
    /** Where it runs. */
    thread: 'worker' | 'page';
    /** Of the wasm module; else than `version`, the app serves a mix. */
    version: string;
    /** Which of the package's modules: by its SIMD, or `tract`, the one for releases without a plan. */
    build: Build | 'tract';
    /** What runs the network; null without a model. */
    runs: string | null;
  } | null;
  /** What answers; null where nothing does. */
  model: {
    /** Name of the release. */
    version: string;
    releaseSeq: number;
    /** `releaseSeq` of the latest/metadata.json that named it: another than its own while it is a candidate. */
    latestSeq: number | null;
    /** Whether it is on trial. */
    candidate: boolean;
    /** When training ended, ISO 8601, UTC. */
    trainedAt: string;
    productCount: number;
    /** Top-1 on photos held out of training, 0–1; null where none could be held out. */
    accuracy: number | null;
    /** Of the files that a device fetches. */
    bytes: number;
    /** The files that it was loaded from, sha256 in lower-case hex; null where the engine does not answer. */
    files: { role: string; sha256: string; bytes: number }[] | null;
    /** Names of the keys that it says it is signed with, joined by commas; verified only where `trust.keys` is above 0. */
    signedBy: string | null;
    /** Whether it survives the page, and why not. */
    stored: boolean;
    storedProblem: string | null;
  } | null;
  /** What the app asks for. */
  trust: {
    /** How many public keys are pinned; with 0 signatures are not looked at. */
    keys: number;
    /** Whether there is an access token; never the token. */
    token: boolean;
    /** How many products the app says it knows; null where it did not say. */
    products: number | null;
  };
  /** The checks for newer models. */
  check: {
    /** The last one on this device that was not aborted; null before the first. */
    last: LastCheck | null;
    /** The number of the release that the host named at the last check of this page; null where it was not read. */
    hostSeq: number | null;
    /** When the host's release should have been replaced, Unix seconds; null where it does not say. */
    expires: number | null;
    /** Why the candidate that this device should have taken was not; null where nothing is wrong. */
    candidateError: { code: JichoErrorCode; message: string } | null;
    /** Minutes between automatic ones; 0 for none. */
    everyMinutes: number;
    /** When the next automatic one is due, ISO 8601, UTC; later while the page is hidden or offline. Null while none is planned. */
    nextAt: string | null;
  };
  /** The device's storage; each null where the browser does not tell. */
  storage: {
    /** Whether models survive the page at all. */
    durable: boolean | null;
    /** Version of the database's schema. */
    schema: number | null;
    /** Whether the browser keeps it when space runs short. */
    persisted: boolean | null;
    /** Whether the library asked it to. */
    askedToPersist: boolean;
    /** Of this origin: the app's own storage, and other channels', count, too. */
    usedBytes: number | null;
    /** What this origin may use. */
    quotaBytes: number | null;
  };
  /** Memory; each null where the browser does not tell. */
  memory: {
    /** Of the wasm module; it never shrinks. */
    wasmBytes: number | null;
    /** Bytes of broken downloads, kept for the next sync. */
    keptBytes: number | null;
    /** JavaScript heap of the page. */
    scriptBytes: number | null;
  };
  /** What was measured; `Jicho.resetDiagnostics()` begins anew. */
  measures: MeasuresReport;
}

/** One check for a newer model. */
export interface LastCheck {
  /** When it ended, ISO 8601, UTC. */
  at: string;
  /** What came of it. */
  outcome: SyncResult['outcome'] | 'failed';
  /** Why it failed, or why the host counts as out of reach; else null. */
  error: { code: JichoErrorCode; message: string } | null;
}

/** Times of one kind. */
export interface Times {
  /** How many were measured since the last reset. */
  count: number;
  /** Of the last 100, milliseconds; null before the first. */
  median: number | null;
  /** 95 of the last 100 took no longer, milliseconds; null before the first. */
  p95: number | null;
}

/** What was measured on this device, of one channel, since the last reset. */
export interface MeasuresReport {
  /** When the measures began, ISO 8601, UTC. */
  since: string;
  /** Loading a model until it answers: from the device's storage, or after its download. */
  loads: Times;
  /** Recognising one picture, decoding included. */
  inferences: Times;
  /** How many pictures had a first confidence of 0–0.1, 0.1–0.2, …, 0.9–1. */
  confidence: number[];
  /** How many calls and automatic checks failed, by code; what the app aborted does not count. */
  errors: Partial<Record<JichoErrorCode, number>>;
  /** How many answers were corrected to another one. */
  corrections: number;
  /** Share of right ones among the answers that were confirmed or corrected, 0–1; null before the first. */
  accuracy: number | null;
}
