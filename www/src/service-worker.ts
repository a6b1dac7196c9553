/** The service worker: keeps the app's own files and nothing else. */
import { keepFiles } from 'jicho/service-worker';

/** The app's files by relative address, each with its integrity; the build writes them. */
declare const __APP_FILES__: Record<string, string>;

/** The one of the library's wasm modules that this browser surely needs, as the page says. */
const needed = new URL(self.location.href).searchParams.get('wasm');

/** Which of the library's wasm modules is at an address, if it is one of those that only some browsers or releases need. */
function optional(url: string): string | undefined {
  const module = /\/jicho-(\w+)-[^/]*\.wasm$/.exec(url)?.[1];
  return module === needed ? undefined : module;
}

keepFiles({ cache: 'jicho-app', files: __APP_FILES__, optional });
