import { errorOf, InternalError, type JichoError, NetworkError } from '../api/errors.js';
import type { SyncProgress } from '../api/types.js';
import type { BackendEvents } from '../channel/backend.js';
import type { Reply, Request } from './protocol.js';

type WithoutId<R> = R extends { id: number } ? Omit<R, 'id'> : never;

/** A request before it has its id. */
export type Call = WithoutId<Exclude<Request, { type: 'abort' }>>;

/** What the worker tells and asks besides its answers. */
type Events = Pick<BackendEvents, 'onModel' | 'onLoad' | 'onTaught' | 'token' | 'shelf'>;

interface Pending {
  resolve: (value: never) => void;
  reject: (error: JichoError) => void;
  onProgress: ((progress: SyncProgress) => void) | undefined;
}

/** One worker's life, from its start to its end. */
export class Connection {
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  readonly #events: Partial<Events>;
  readonly #onLost: () => void;
  #ended: JichoError | undefined;
  #lastId = 0;

  constructor(worker: Worker, events: Partial<Events>, onLost: () => void) {
    this.#worker = worker;
    this.#events = events;
    this.#onLost = onLost;
    worker.onmessage = (event: MessageEvent<Reply>) => this.#receive(event.data);
    worker.onmessageerror = () => this.#lose(new InternalError('a message of the worker could not be read'));
    worker.onerror = (event) => this.#lose(describe(event));
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
        reject(new InternalError(`the worker cannot be told: ${String(error)}`, { cause: error }));
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
    this.#worker.onmessage = this.#worker.onmessageerror = this.#worker.onerror = null;
    this.#worker.terminate();
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }

  #lose(error: JichoError): void {
    this.end(error);
    this.#onLost();
  }

  #abort(id: number): void {
    if (this.#pending.has(id)) this.#worker.postMessage({ type: 'abort', id } satisfies Request);
  }

  #receive(reply: Reply): void {
    switch (reply.type) {
      case 'model':
        this.#events.onModel?.(reply.model);
        return;
      case 'loaded':
        this.#events.onLoad?.(reply.ms);
        return;
      case 'token':
        this.#answer(reply.question, this.#events.token?.(reply.refresh));
        return;
      case 'shelf':
        this.#answer(reply.question, this.#events.shelf?.(reply.request));
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
        this.#take(reply.id)?.resolve(reply.value as never);
        return;
      case 'failed':
        this.#take(reply.id)?.reject(errorOf(reply.code, reply.message));
        return;
    }
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

/** A script that cannot be loaded fires an event without a message; a defect in it fires one with. */
function describe(event: Event): JichoError {
  if (event instanceof ErrorEvent && event.message)
    return new InternalError(`a defect ended the worker: ${event.message}`);
  const hint = 'the page is offline, a Content-Security-Policy forbids it, or the bundler did not place it';
  return new NetworkError(`the worker script cannot be loaded: ${hint} (then pass your own with the option "worker")`);
}
