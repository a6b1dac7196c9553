import type { OnnxNetwork } from '../../wasm/tract/jicho.js';
import { AbortedError, InvalidModelError, NetworkError } from '../api/errors.js';
import type { Preprocessing } from '../api/options.js';
import { download } from '../browser/download.js';
import { type Capture, release } from '../capture/capture.js';
import { FrameReader } from '../capture/frame-reader.js';
import { WasmCalls } from '../wasm/calls.js';
import { loadTract } from '../wasm/modules.js';

/** Which network, and how its pixels go in. Plain data; the URLs are absolute. */
export interface OnnxSettings {
  source: string | ArrayBuffer;
  imageSize: number;
  preprocessing: Preprocessing;
  wasm: string | undefined;
}

/** An ONNX network in this very thread. */
export class OnnxBackend {
  readonly #calls: WasmCalls;
  readonly #reader = new FrameReader();
  #network: OnnxNetwork | undefined;

  constructor(onCrash: (message: string) => void) {
    this.#calls = new WasmCalls(onCrash);
  }

  /** The length of its answers. */
  async load({ source, imageSize, preprocessing, wasm: folder }: OnnxSettings): Promise<number> {
    const bytes = typeof source === 'string' ? bodyOf(source) : source;
    const [wasm, onnx] = await Promise.all([loadTract(folder), bytes]);
    const network = await this.#calls.call(() =>
      wasm.OnnxNetwork.load(new Uint8Array(onnx), imageSize, JSON.stringify(preprocessing)),
    );
    this.#network = network;
    return network.outputLength;
  }

  async infer(capture: Capture, signal: AbortSignal): Promise<Float32Array> {
    const network = this.#network;
    if (signal.aborted || !network) {
      release(capture);
      throw network ? new AbortedError('aborted by the caller') : new InvalidModelError('no network was loaded');
    }
    const { rgba, width, height } = await this.#reader.read(capture);
    return this.#calls.call(() => network.infer(rgba, width, height));
  }
}

async function bodyOf(url: string): Promise<ArrayBuffer> {
  const response = await download(url);
  try {
    return await response.arrayBuffer();
  } catch (error) {
    throw new NetworkError(`${url} broke off: ${String(error)}`, { cause: error });
  }
}
