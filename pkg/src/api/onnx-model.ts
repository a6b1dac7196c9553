import { absolute, folder } from '../browser/address.js';
import { captureAll, release, transferables } from '../capture/capture.js';
import { sideNeeded } from '../capture/part.js';
import { Backlog } from '../channel/backlog.js';
import { Calls } from '../channel/calls.js';
import { signalOf } from '../channel/options.js';
import { startWorker } from '../worker/channel-worker.js';
import { Connection } from '../worker/connection.js';
import { DisposedError, InternalError, InvalidArgumentError, type JichoError } from './errors.js';
import type { CallOptions, OnnxOptions } from './options.js';
import { isObject, wrongReceiver } from './receiver.js';
import type { ImageSource } from './source.js';

/**
 * Any ONNX network that takes one image and gives one vector, in a worker of its own. It needs no channel. It needs the
 * larger wasm module (15 MB, 3.6 MB compressed), which is downloaded when the first network is loaded.
 */
export class OnnxModel {
  /** What each value of an answer stands for, as given to {@link OnnxModel.load}. */
  readonly labels: readonly string[] | undefined;
  /** Vue must not make a proxy of it, through which its private fields cannot be reached. */
  readonly __v_skip = true;
  readonly #calls = new Calls();
  readonly #backlog = new Backlog();
  readonly #side: number;
  readonly #connection: Connection;
  #ended: JichoError | undefined;
  #outputLength = 0;

  private constructor(options: OnnxOptions) {
    if (!options)
      throw new InvalidArgumentError('a network is loaded by "await OnnxModel.load(…)", not by "new OnnxModel()"');
    this.#side = sideNeeded(options.imageSize);
    this.labels = options.labels;
    const lost = new InternalError('a defect ended the worker: load the network again');
    this.#connection = new Connection(startWorker(options.worker), {}, () => (this.#ended ??= lost));
  }

  /**
   * Loads a network from its bytes, which are copied, or from its address.
   *
   * @throws {@link JichoError} `INVALID_ARGUMENT`, `INVALID_MODEL`, `UNSUPPORTED`, `NETWORK`, `HTTP_STATUS`, `ABORTED`,
   * `INTERNAL`.
   */
  static async load(source: string | URL | ArrayBuffer | Uint8Array, options: OnnxOptions): Promise<OnnxModel> {
    const signal = signalOf(options);
    const { imageSize, preprocessing } = options ?? {};
    if (!Number.isInteger(imageSize) || !preprocessing) {
      throw new InvalidArgumentError('OnnxModel.load needs an imageSize in whole pixels and the preprocessing');
    }
    const wasm = options.wasm === undefined ? undefined : folder('wasm', options.wasm);
    const bytes = isBytes(source) ? new Uint8Array(source).slice().buffer : absolute('source', source).href;
    const model = new OnnxModel(options);
    try {
      const transfer = typeof bytes === 'string' ? [] : [bytes];
      const settings = { source: bytes, imageSize, preprocessing, wasm };
      const load = () => model.#connection.call<number>({ type: 'load', settings }, { transfer });
      model.#outputLength = await model.#calls.run(load, signal);
      const labels = model.labels?.length ?? model.#outputLength;
      if (labels !== model.#outputLength) {
        throw new InvalidArgumentError(`the network gives ${model.#outputLength} values, there are ${labels} labels`);
      }
    } catch (error) {
      model.dispose();
      throw error;
    }
    return model;
  }

  /** Number of values in an answer. */
  get outputLength(): number {
    return OnnxModel.#of(this).#outputLength;
  }

  /**
   * Runs the network on what a source shows at this call. Overlapping calls run one after another.
   *
   * @throws {@link JichoError} `INVALID_FRAME`, `INVALID_ARGUMENT`, `INVALID_MODEL`, `ABORTED`, `DISPOSED`, `INTERNAL`.
   */
  async infer(source: ImageSource, options: CallOptions = {}): Promise<Float32Array> {
    const ended = OnnxModel.#of(this).#ended;
    if (ended) throw ended;
    return this.#calls.run(
      (signal) =>
        this.#backlog.run(async (reserve) => {
          const [capture] = await captureAll([source], this.#side, reserve);
          try {
            signal.throwIfAborted();
            const transfer = transferables(capture!);
            return await this.#connection.call<Float32Array>(
              { type: 'infer', capture: capture! },
              { signal, transfer },
            );
          } finally {
            release(capture!);
          }
        }),
      signalOf(options),
    );
  }

  /** Ends the worker and frees the network. Every waiting call rejects with `DISPOSED`. */
  dispose(): void {
    const ended = new DisposedError('this OnnxModel was disposed: load another one');
    OnnxModel.#of(this).#ended = ended;
    this.#calls.stop(new DisposedError('disposed while the call was waiting'));
    this.#connection.end(ended);
  }

  static #of(model: OnnxModel): OnnxModel {
    if (isObject(model) && #ended in model) return model;
    throw wrongReceiver('OnnxModel');
  }
}

function isBytes(source: string | URL | ArrayBuffer | Uint8Array): source is ArrayBuffer | Uint8Array {
  return source instanceof ArrayBuffer || ArrayBuffer.isView(source);
}
