/** What of the browser's BarcodeDetector the till needs. */
interface Detector {
  detect(source: HTMLVideoElement): Promise<{ rawValue: string }[]>;
}

const FORMATS = ['ean_13', 'ean_8', 'upc_a', 'upc_e', 'code_128', 'qr_code'] as const;

/** Milliseconds between two looks. */
const PAUSE = 200;

/** The first code that the video shows; null when the signal aborts. */
export async function readBarcode(video: HTMLVideoElement, signal: AbortSignal): Promise<string | null> {
  const reader = await detector();
  while (!signal.aborted) {
    const found = await reader.detect(video).catch(() => []);
    const code = found[0]?.rawValue;
    if (code && !signal.aborted) return code;
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
  return null;
}

/** The browser's own reader where it has one for these formats, else one that is loaded only now. */
async function detector(): Promise<Detector> {
  const native = (globalThis as { BarcodeDetector?: Native }).BarcodeDetector;
  if (native) {
    const has = await native.getSupportedFormats();
    if (has.includes('ean_13')) return new native({ formats: FORMATS.filter((format) => has.includes(format)) });
  }
  const { BarcodeDetector, prepareZXingModule } = await import('barcode-detector/ponyfill');
  const { default: wasm } = await import('zxing-wasm/reader/zxing_reader.wasm?url');
  prepareZXingModule({ overrides: { locateFile: () => new URL(wasm, location.href).href } });
  return new BarcodeDetector({ formats: [...FORMATS] });
}

interface Native {
  new (options: { formats: readonly string[] }): Detector;
  getSupportedFormats(): Promise<string[]>;
}
