import { errorOf } from '../api/error-codes.js';
import { InternalError, InvalidFrameError, type JichoError, UnsupportedError } from '../api/errors.js';
import type { SyncProgress } from '../api/model.js';
import { VERSION } from '../api/version.js';
import { TAINTED } from '../capture/capture.js';
import type { BackendEvents } from '../channel/backend.js';
import { loadProblem } from './load-problem.js';
import type { Reply, Request } from './protocol.js';

type WithoutId<R> = R extends { id: number } ? Omit<R, 'id'> : never;

/** A request before it has its id. */
export type Call = WithoutId<Exclude<Request, { type: 'abort' }>>;

/** What the worker tells and asks besides its answers. */
type Events = Pick<BackendEvents, 'onModel' | 'onLoad' | 'onTaught' | 'token' | 'lessonStore'>;

interface Pending {
  resolve: (value: never) => void;
  reject: (error: JichoError) => void;
  onProgress: ((progress: SyncProgress) => void) | undefined;
}

/** Milliseconds that a worker may take until its script runs; longer, and it never will. */
const START_PATIENCE = 60_000;

/** One worker's life, from its start to its end. */
export class Connection {
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  readonly #events: Partial<Events>;
  readonly #onLost: () => void;
  readonly #start: ReturnType<typeof setTimeout>;
  #isReady = false;
  #ended: JichoError | undefined;
  #lastId = 0;

  constructor(worker: Worker, events: Partial<Events>, onLost: () => void) {
    this.#worker = worker;
    this.#events = events;
    this.#onLost = onLost;
    this.#start = setTimeout(() => this.#lose(silent()), START_PATIENCE);
    worker.onmessage = (event: MessageEvent<Reply>) => this.#receive(event.data);
    worker.onmessageerror = () => this.#lose(new InternalError('a message of the worker could not be read'));
    worker.onerror = (event) => void this.#fail(event);
  }

  /** Posts a call and waits for its answer; what is transferred is gone here. */
  call<T>(
    call: Call,
    options: { signal?: AbortSignal; transfer?: Transferable[]; onProgress?: (progress: SyncProgress) => void },
  ): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#ended) {
        reject(this.#ended);
        return;
      }
      const id = ++this.#lastId;
      this.#pending.set(id, { resolve, reject, onProgress: options.onProgress });
      options.signal?.addEventListener('abort', () => this.#abort(id), { once: true });
      try {
        this.#worker.postMessage({ ...call, id }, options.transfer ?? []);
      } catch (error) {
        this.#pending.delete(id);
        reject(unsent(error, options.transfer ?? []));
      }
    });
  }

  /** Posts what has no answer. */
  tell(request: Extract<Request, { type: 'products' | 'answer' | 'no-answer' }>): void {
    if (!this.#ended) this.#worker.postMessage(request);
  }

  /** Ends the worker at once; every open call gets the error. */
  end(error: JichoError): void {
    if (this.#ended) return;
    this.#ended = error;
    clearTimeout(this.#start);
    this.#worker.onmessage = this.#worker.onmessageerror = this.#worker.onerror = null;
    this.#worker.terminate();
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }

  #lose(error: JichoError): void {
    if (this.#ended) return;
    this.end(error);
    this.#onLost();
  }

  /** A defect fires an event with a message; a script that cannot be loaded fires one without. */
  async #fail(event: Event): Promise<void> {
    if (event instanceof ErrorEvent && event.message) {
      this.#lose(new InternalError(`a defect ended the worker: ${event.message}`));
    } else this.#lose(await loadProblem(this.#worker));
  }

  #abort(id: number): void {
    if (this.#pending.has(id)) this.#worker.postMessage({ type: 'abort', id } satisfies Request);
  }

  #receive(reply: Reply): void {
    switch (reply.type) {
      case 'ready':
        this.#greet(reply.version);
        return;
      case 'model':
        this.#events.onModel?.(reply.model);
        return;
      case 'loaded':
        this.#events.onLoad?.(reply.ms);
        return;
      case 'token':
        this.#answer(reply.question, this.#events.token?.(reply.refresh));
        return;
      case 'lesson-store':
        this.#answer(reply.question, this.#events.lessonStore?.(reply.request));
        return;
      case 'taught':
        this.#events.onTaught?.(reply.change, reply.own);
        return;
      case 'crashed':
        this.#lose(new InternalError(reply.message));
        return;
      case 'progress':
        this.#pending.get(reply.id)?.onProgress?.(reply.progress);
        return;
      case 'done':
        if (!this.#isReady) this.#greet(undefined);
        this.#take(reply.id)?.resolve(reply.value as never);
        return;
      case 'failed':
        if (!this.#isReady) this.#greet(undefined);
        this.#take(reply.id)?.reject(errorOf(reply.code, reply.message));
        return;
    }
  }

  /** A worker of another version would misunderstand what it is asked, so it is ended. Old ones do not tell their version. */
  #greet(version: string | undefined): void {
    this.#isReady = true;
    clearTimeout(this.#start);
    if (version === VERSION) return;
    const advice =
      'a cache or a CDN serves them from different releases; serve both from the same one, and reload the page';
    const other = version === undefined ? 'an older version' : `version ${version}`;
    this.#lose(new UnsupportedError(`the worker's script is of ${other}, the page's of version ${VERSION}: ${advice}`));
  }

  #answer(question: number, asked: Promise<unknown> = Promise.resolve(null)): void {
    asked.then(
      (value) => this.tell({ type: 'answer', question, value }),
      ({ code, message }: JichoError) => this.tell({ type: 'no-answer', question, code, message }),
    );
  }

  #take(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    return pending;
  }
}

/** Browsers hand no picture of another origin to a worker. */
function unsent(error: unknown, transfer: Transferable[]): JichoError {
  const isClone = (error as Error).name === 'DataCloneError';
  if (isClone && transfer.some((one) => Object.prototype.toString.call(one) === '[object ImageBitmap]')) {
    return new InvalidFrameError(`the pixels of the picture cannot be read: ${TAINTED}`, { cause: error });
  }
  return new InternalError(`the worker cannot be told: ${String(error)}`, { cause: error });
}

function silent(): JichoError {
  const hint = 'this runtime may run no module workers, or the script is not one of this package';
  return new UnsupportedError(`the worker did not start within ${START_PATIENCE / 1000} seconds: ${hint}`);
}
