import type { SyncCause } from '../api/model.js';

/** Milliseconds that the host has to answer the question whether it is there. */
const PATIENCE = 5_000;

/** Notes which addresses the page's Content-Security-Policy forbids, from its making on. */
export class PolicyWatch {
  #blocked: string | undefined;
  readonly #origin: string;

  constructor(url: string) {
    this.#origin = new URL(url).origin;
    globalThis.addEventListener('securitypolicyviolation', this.#note);
  }

  /** The directive that forbade an address of the host, if any did. */
  get directive(): string | undefined {
    return this.#blocked;
  }

  end(): void {
    globalThis.removeEventListener('securitypolicyviolation', this.#note);
  }

  readonly #note = (event: Event): void => {
    const { blockedURI, effectiveDirective } = event as SecurityPolicyViolationEvent;
    if (blockedURI.startsWith(this.#origin)) this.#blocked = effectiveDirective;
  };
}

/**
 * Why a host cannot be reached. Browsers tell scripts nothing but that a request failed, so this looks at what else is
 * known, and asks the host of another origin once more in the one way that needs no permission of it.
 *
 * @param directive As of {@link PolicyWatch.directive}.
 */
export async function offlineCause(models: string, directive: string | undefined): Promise<SyncCause> {
  const { origin } = new URL(models);
  const because = (message: string): SyncCause => ({ code: 'NETWORK', message });
  if (directive !== undefined)
    return because(`the Content-Security-Policy forbids to ask ${origin}: add it to "${directive}"`);
  if (!navigator.onLine) return because('the browser says that there is no network');
  if (origin !== globalThis.location?.origin && (await answers(models))) {
    return because(
      `${origin} is there, but does not let this page read its answers: have it send Access-Control-Allow-Origin (CORS)`,
    );
  }
  return because(`${origin} cannot be reached, or its answers broke off`);
}

async function answers(url: string): Promise<boolean> {
  const ended = new AbortController();
  const late = setTimeout(() => ended.abort(), PATIENCE);
  try {
    await fetch(url, { mode: 'no-cors', credentials: 'omit', cache: 'no-store', signal: ended.signal });
    return true;
  } catch {
    return false;
  } finally {
    clearTimeout(late);
  }
}
