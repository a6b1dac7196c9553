import type { Diagnostics, Jicho } from 'jicho';

import { bytes, CHECKS, dateTime, ENGINES, explain } from './words';

/** The panel "This device": storage, checks, engine and speed. */
export class Device {
  readonly #eye: () => Jicho | undefined;
  readonly #panel = found(document.querySelector<HTMLDetailsElement>('details.device'));

  constructor(eye: () => Jicho | undefined) {
    this.#eye = eye;
    this.#panel.addEventListener('toggle', () => void this.tell());
    const press = (id: string, call: (eye: Jicho) => Promise<string>): void => {
      tested(id).addEventListener('click', () => {
        const opened = eye();
        const said = opened ? call(opened).catch(explain) : Promise.resolve('The channel is not open.');
        void said.then((text) => this.#say(text)).then(() => this.tell());
      });
    };
    press('clear', async (opened) => {
      await opened.clear();
      return 'Nothing of this channel is left on this device. Refresh to fetch it again.';
    });
    press('copy', async (opened) => {
      await navigator.clipboard.writeText(JSON.stringify(await opened.diagnose(), null, 2));
      return 'Copied. Paste it into your message to support.';
    });
  }

  /** Refreshes the panel if it is open. */
  async tell(): Promise<void> {
    const eye = this.#eye();
    if (!this.#panel.open || !eye) return;
    // The channel may have been closed in the meantime.
    const now = await eye.diagnose().catch(() => undefined);
    if (now) for (const [id, text] of Object.entries(lines(now))) tested(id).textContent = text;
  }

  #say(text: string): void {
    tested('device-message').textContent = text;
    tested('device-message').hidden = false;
  }
}

function lines({ check, storage, engine, measures }: Diagnostics): Record<string, string> {
  const { last, nextAt } = check;
  const { usedBytes, quotaBytes, persisted } = storage;
  const { median } = measures.inferences;
  return {
    'last-check': last
      ? `${dateTime(last.at)}: ${CHECKS[last.outcome]}${last.error ? ` (${last.error.code})` : ''}`
      : '–',
    'next-check': nextAt ? dateTime(nextAt) : '–',
    storage: usedBytes === null ? '–' : `${bytes(usedBytes)} of ${bytes(quotaBytes ?? 0)}${persisted ? ', kept' : ''}`,
    engine: engine ? ENGINES[engine.build] : '–',
    speed: median === null ? '–' : `${Math.round(median)} ms a picture`,
  };
}

function tested(id: string): HTMLElement {
  return found(document.querySelector<HTMLElement>(`[data-testid="${id}"]`));
}

function found<T>(element: T | null): T {
  if (!element) throw new Error('the page lacks a part of the panel');
  return element;
}
