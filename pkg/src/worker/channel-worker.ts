import { startWorker } from './start.js';

/** Starts the worker of a channel or of an ONNX network, or the one that an app gives. */
export function startChannelWorker(own: (() => Worker) | undefined): Worker {
  // Bundlers recognise this very form, and place the worker's file.
  return startWorker(() => new Worker(new URL('./worker.js', import.meta.url), { type: 'module', name: 'jicho' }), own);
}
