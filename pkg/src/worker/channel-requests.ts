import { errorOf, isFailure } from '../api/errors.js';
import type { Backend, BackendEvents } from '../channel/backend.js';
import { OnnxBackend } from '../channel/onnx-backend.js';
import { WasmBackend } from '../channel/wasm-backend.js';
import type { Reply, Request } from './protocol.js';

type Call = Extract<Request, { id: number }>;
type PageAnswer = Extract<Request, { question: number }>;

const running = new Map<number, AbortController>();
/** What the page was asked. */
const questions = new Map<number, (answer: PageAnswer) => void>();
let lastQuestion = 0;
let backend: Backend | undefined;
let network: OnnxBackend | undefined;

function post(reply: Reply): void {
  // The page's global has a `postMessage` of another shape, and the two sets of types exclude each other.
  (globalThis as unknown as { postMessage(reply: Reply): void }).postMessage(reply);
}

const onCrash = (message: string): void => post({ type: 'crashed', message });

const events: BackendEvents = {
  onModel: (model) => post({ type: 'model', model }),
  onLoad: (ms) => post({ type: 'loaded', ms }),
  onCrash,
  onTaught: (change, own) => post({ type: 'taught', change, own }),
  token: (refresh) => ask<string | null>((question) => ({ type: 'token', question, refresh })),
  shelf: (request) => ask((question) => ({ type: 'shelf', question, request })),
};

async function ask<T>(asked: (question: number) => Reply): Promise<T> {
  const question = ++lastQuestion;
  const answer = await new Promise<PageAnswer>((resolve) => {
    questions.set(question, resolve);
    post(asked(question));
  });
  questions.delete(question);
  if (answer.type === 'no-answer') throw errorOf(answer.code, answer.message);
  return answer.value as T;
}

function start(request: Exclude<Call, { type: 'abort' }>, signal: AbortSignal): Promise<unknown> {
  switch (request.type) {
    case 'open':
      backend = new WasmBackend(request.settings, events, request.module);
      return backend.open();
    case 'load':
      network = new OnnxBackend(onCrash);
      return network.load(request.settings);
    case 'infer':
      if (network) return network.infer(request.frame, signal);
      break;
    case 'recognize':
      if (backend) return backend.recognize(request.frames, request.name, signal);
      break;
    case 'assess':
      if (backend) return backend.assess(request.frame, signal);
      break;
    case 'lessons':
      if (backend) return backend.lessons(request.request, signal);
      break;
    case 'sync':
      if (backend) return backend.sync((progress) => post({ type: 'progress', id: request.id, progress }), signal);
      break;
    case 'refresh':
      if (backend) return backend.refresh(signal);
      break;
    case 'clear':
      if (backend) return backend.clear(signal);
      break;
    case 'forget':
      if (backend) return backend.forget(signal);
      break;
    case 'diagnose':
      if (backend) return backend.diagnose(signal);
  }
  throw new Error(`${request.type} before open or load`);
}

async function answer(request: Request): Promise<void> {
  if (request.type === 'products') {
    backend?.setProducts(request.products);
    return;
  }
  if (request.type === 'answer' || request.type === 'no-answer') {
    questions.get(request.question)?.(request);
    return;
  }
  const { id } = request;
  if (request.type === 'abort') {
    running.get(id)?.abort();
    return;
  }
  const controller = new AbortController();
  running.set(id, controller);
  try {
    post({ type: 'done', id, value: await start(request, controller.signal) });
  } catch (error) {
    const code = isFailure(error) ? error.code : 'INTERNAL';
    post({ type: 'failed', id, code, message: error instanceof Error ? error.message : String(error) });
  } finally {
    running.delete(id);
  }
}

/** Answers the requests of the page that started this worker. */
export function answerRequests(): void {
  globalThis.addEventListener('message', (event: MessageEvent<Request>) => void answer(event.data));
}
