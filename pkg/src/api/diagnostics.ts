import type { Build } from '../wasm/build.js';
import type { JichoErrorCode } from './errors.js';
import type { JichoState, SyncResult } from './model.js';

/** The state of a channel on this device. Plain data without secrets, and without anything that was recognised. */
export interface Diagnostics {
  /** When this was written, ISO 8601, UTC. */
  at: string;
  /** Version of this package. */
  version: string;
  /** The browser's user agent string. */
  browser: string;
  /** Channel id. */
  channel: string;
  /** Where the models are published. */
  models: string;
  /** As in `Jicho.state`. */
  state: JichoState;
  /** The engine that computes; null if it does not answer. */
  engine: {
    /** Where it runs. */
    thread: 'worker' | 'page';
    /** Version of the wasm module. If it differs from `version`, the app serves files of two releases. */
    version: string;
    /** Which of the package's modules runs: one of three by its SIMD, or `tract`, for releases without a plan. */
    build: Build | 'tract';
    /** What runs the network (plan or tract); null without a model. */
    runs: string | null;
  } | null;
  /** The model that answers; null if there is none. */
  model: {
    /** Name of the release. */
    version: string;
    releaseSeq: number;
    /** `releaseSeq` of the latest/metadata.json that named it. It differs from its own while it is a candidate. */
    latestSeq: number | null;
    /** Whether it is the channel's candidate, on trial. */
    candidate: boolean;
    /** When training ended, ISO 8601, UTC. */
    trainedAt: string;
    productCount: number;
    /** Top-1 on photos held out of training, 0–1; null where none could be held out. */
    accuracy: number | null;
    /** Bytes of the files that a device downloads. */
    bytes: number;
    /** The files that it was loaded from, with their SHA-256 in lower-case hex; null if the engine does not answer. */
    files: { role: string; sha256: string; bytes: number }[] | null;
    /** Names of the keys that it claims to be signed with, joined by commas. Verified only if `trust.keys` is above 0. */
    signedBy: string | null;
    /** Whether it is stored on the device, and if not, why. */
    stored: boolean;
    storedProblem: string | null;
  } | null;
  /** What the app asks for. */
  trust: {
    /** Number of pinned public keys. With 0, signatures are not verified. */
    keys: number;
    /** Whether the app gives an access token; never the token itself. */
    token: boolean;
    /** Number of products that the app says it knows; null if it did not say. */
    products: number | null;
  };
  /** The checks for newer models. */
  check: {
    /** The last one on this device that was not aborted; null before the first. */
    last: LastCheck | null;
    /** The number of the release that the host named at the last check of this page; null if it was not read. */
    hostSeq: number | null;
    /** When the host's release should have been replaced, in Unix seconds; null if it does not say. */
    expires: number | null;
    /** Whether that time had passed at the last check of this page; null before the first. */
    expired: boolean | null;
    /** Why this device did not load the candidate that it should have; null if nothing is wrong. */
    candidateError: { code: JichoErrorCode; message: string } | null;
    /** Minutes between automatic checks; 0 for none. */
    everyMinutes: number;
    /** When the next automatic check is due, ISO 8601, UTC. It comes later if the page is hidden or offline. Null if none is scheduled. */
    nextAt: string | null;
  };
  /** The device's storage. Fields are null where the browser does not tell. */
  storage: {
    /** Whether models can be stored at all. */
    durable: boolean | null;
    /** Version of the database's schema. */
    schema: number | null;
    /** Whether the browser has promised to keep the storage when space runs short. */
    persisted: boolean | null;
    /** Whether the library has asked the browser for that. */
    askedToPersist: boolean;
    /** Bytes that this origin uses, with the app's own storage and that of other channels. */
    usedBytes: number | null;
    /** Bytes that this origin may use. */
    quotaBytes: number | null;
  };
  /** Memory. Fields are null where the browser does not tell. */
  memory: {
    /** Bytes of the wasm module's memory, which never shrinks. */
    wasmBytes: number | null;
    /** Bytes of interrupted downloads that the next sync resumes. */
    keptBytes: number | null;
    /** Bytes of the page's JavaScript heap. */
    scriptBytes: number | null;
  };
  /** Times, confidences and errors since the last `Jicho.resetDiagnostics()`. */
  measures: MeasuresReport;
}

/** One check for a newer model. */
export interface LastCheck {
  /** When it ended, ISO 8601, UTC. */
  at: string;
  /** Its result. */
  outcome: SyncResult['outcome'] | 'failed';
  /** Why it failed, or why the host cannot be reached; otherwise null. */
  error: { code: JichoErrorCode; message: string } | null;
}

/** Times of one kind. */
export interface Times {
  /** How many were measured since the last reset. */
  count: number;
  /** Median of the last 100, in milliseconds; null before the first. */
  median: number | null;
  /** 95th percentile of the last 100, in milliseconds; null before the first. */
  p95: number | null;
}

/** What was measured on this device, of one channel, since the last reset. */
export interface MeasuresReport {
  /** When the measures began, ISO 8601, UTC. */
  since: string;
  /** Loading a model until it answers: from the device's storage, or after its download. */
  loads: Times;
  /** Recognising one picture, with decoding. */
  inferences: Times;
  /** Histogram of the first prediction's confidence in ten bins: 0–0.1, 0.1–0.2, …, 0.9–1. */
  confidence: number[];
  /** Number of failed calls and automatic checks by error code. What the app aborted does not count. */
  errors: Partial<Record<JichoErrorCode, number>>;
  /** Number of answers that were corrected to another product. */
  corrections: number;
  /** Share of right answers among those that were confirmed or corrected, 0–1; null before the first. */
  accuracy: number | null;
}
