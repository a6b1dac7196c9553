import { errorOf } from '../api/error-codes.js';
import type { Backend, BackendEvents } from '../channel/backend.js';
import { OnnxBackend } from '../channel/onnx-backend.js';
import { WasmBackend } from '../channel/wasm-backend.js';
import { scriptsOf } from './loaded-scripts.js';
import type { Reply, Request } from './protocol.js';
import { listen, post, postFailure } from './scope.js';

type Call = Exclude<Extract<Request, { id: number }>, { type: 'abort' } | { type: 'vault' }>;
type PageAnswer = Extract<Request, { question: number }>;

const running = new Map<number, AbortController>();
/** What the page was asked, until it answers. */
const questions = new Map<number, (answer: PageAnswer) => void>();
let lastQuestion = 0;
let backend: Backend | undefined;
let network: OnnxBackend | undefined;

const onCrash = (message: string): void => post({ type: 'crashed', message });

const events: BackendEvents = {
  onModel: (model) => post({ type: 'model', model }),
  onLoad: (ms) => post({ type: 'loaded', ms }),
  onCrash,
  onTaught: (change, own) => post({ type: 'taught', change, own }),
  token: (refresh) => ask<string | null>((question) => ({ type: 'token', question, refresh })),
  lessonStore: (request) => ask((question) => ({ type: 'lesson-store', question, request })),
};

/** Answers the requests of the page that started this worker. */
export function answerRequests(): void {
  listen(hear);
}

function hear(request: Request): void {
  switch (request.type) {
    case 'vault':
      return;
    case 'products':
      backend?.setProducts(request.products);
      return;
    case 'answer':
    case 'no-answer':
      questions.get(request.question)?.(request);
      return;
    case 'abort':
      running.get(request.id)?.abort();
      return;
    default:
      void answer(request);
  }
}

async function answer(call: Call): Promise<void> {
  const controller = new AbortController();
  running.set(call.id, controller);
  try {
    post({ type: 'done', id: call.id, value: await start(call, controller.signal) });
  } catch (error) {
    postFailure(call.id, error);
  } finally {
    running.delete(call.id);
  }
}

function start(call: Call, signal: AbortSignal): Promise<unknown> {
  switch (call.type) {
    case 'open':
      backend = new WasmBackend(call.settings, events, call.module);
      return backend.open();
    case 'scripts':
      return Promise.resolve(scriptsOf(performance.getEntriesByType('resource')));
    case 'load':
      network = new OnnxBackend(onCrash);
      return network.load(call.settings);
    case 'infer':
      return loaded(network).infer(call.capture, signal);
    case 'recognize':
      return loaded(backend).recognize(call.captures, call.asked, signal);
    case 'assess':
      return loaded(backend).assess(call.capture, signal);
    case 'lessons':
      return loaded(backend).lessons(call.request, signal);
    case 'sync':
      return loaded(backend).sync((progress) => post({ type: 'progress', id: call.id, progress }), signal);
    case 'refresh':
      return loaded(backend).refresh(signal);
    case 'clear':
      return loaded(backend).clear(signal);
    case 'unload':
      return loaded(backend).unload(signal);
    case 'diagnose':
      return loaded(backend).diagnose(signal);
  }
}

function loaded<T>(what: T | undefined): T {
  if (!what) throw new Error('the worker was asked before open or load');
  return what;
}

/** Asks the page, which answers each question once. */
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
