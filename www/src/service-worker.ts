/** The service worker. It keeps the app's own files and nothing else. */
import { keepFiles } from 'jicho/service-worker';

/** The app's files by relative address, each with its integrity; the build writes them. */
declare const __APP_FILES__: Record<string, string>;

/** Which of the library's wasm modules this browser needs; the page names it in the address. */
const needed = new URL(self.location.href).searchParams.get('wasm');

/** The name of the wasm module at a URL if only some browsers or releases need it; such a module is kept once it was used. */
function optional(url: string): string | undefined {
  // The reader of barcodes, for browsers without one of their own.
  if (/\/(zxing_reader|ponyfill)-/.test(url)) return 'barcode';
  const module = /\/jicho-(\w+)-[^/]*\.wasm$/.exec(url)?.[1];
  // The first sale may be finished offline, so the vault is always kept.
  return module === needed || module === 'vault' ? undefined : module;
}

keepFiles({ cache: 'jicho-app', files: __APP_FILES__, optional });
