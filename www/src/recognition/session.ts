import { type CheckResult, Jicho, JichoError, type ModelInfo, type SyncProgress, type WatchAnswer } from 'jicho';

import { explain } from '../app/explain';
import { keepTract } from '../app/keep-app';
import { channel, models } from '../app/root';
import { Store } from '../app/store';
import { t } from '../texts';

export type ModelState = 'opening' | 'absent' | 'downloading' | 'ready' | 'failed';

/** The channel of this device: its model, what the last check brought, and the answers to what the camera sees. */
export class Session extends Store {
  state: ModelState = 'opening';
  model: ModelInfo | null = null;
  progress: SyncProgress | null = null;
  refreshing = false;
  online = navigator.onLine;
  /** What the last check said, for the user who asked for it. */
  message: { text: string; failed: boolean } | null = null;
  /** Why there is no model. */
  absence = '';
  eye: Jicho | undefined;

  constructor() {
    super();
    for (const event of ['online', 'offline']) {
      addEventListener(event, () => {
        this.online = navigator.onLine;
        this.changed();
      });
    }
  }

  /** Opens the channel unless it is open, and checks for a newer model. From then on the library checks by itself. */
  async refresh(): Promise<void> {
    if (this.refreshing) return;
    this.refreshing = true;
    this.message = null;
    this.changed();
    try {
      this.eye ??= await Jicho.open({
        channel,
        models,
        // The till asks once the first sale is finished, when it is plain what there is to keep.
        persist: false,
        onModel: (model) => this.#take(model),
        onCheck: (check) => this.#checked(check),
        onProgress: (progress) => this.#progress(progress),
        onTaught: () => this.#take(this.eye?.model ?? null),
      });
      await this.eye.sync();
    } catch (error) {
      // A failed sync was told by `#checked`.
      if (!this.eye) this.#failed(error);
    } finally {
      this.refreshing = false;
      this.#take(this.eye?.model ?? null);
    }
  }

  /** The settled answers to a video until the signal aborts; again from the start when the model was away in between. */
  async watch(video: HTMLVideoElement, onAnswer: (answer: WatchAnswer) => void, signal: AbortSignal): Promise<void> {
    if (!this.eye?.model) return;
    try {
      for await (const answer of this.eye.watch(video, { signal })) onAnswer(answer);
    } catch (error) {
      // The model was removed: `#take` tells, and whoever watches starts again with the next one.
      if (!(error instanceof JichoError && ['NO_MODEL', 'DISPOSED'].includes(error.code))) throw error;
    }
  }

  #take(model: ModelInfo | null): void {
    this.model = model;
    if (model) this.state = 'ready';
    else if (!this.refreshing) this.state = this.eye ? 'absent' : 'failed';
    if (this.state !== 'downloading') this.progress = null;
    this.changed();
  }

  #progress(progress: SyncProgress): void {
    this.state = 'downloading';
    this.progress = progress;
    this.changed();
  }

  #checked({ outcome, error, automatic }: CheckResult): void {
    if (outcome === 'failed') this.#failed(error);
    else {
      this.online = outcome !== 'offline';
      // Only a user who asked wants to know that nothing is new.
      if (this.eye?.model && (!automatic || outcome === 'updated')) {
        this.message = { text: t(`check.${outcome}`), failed: false };
      }
      this.absence = t(outcome === 'absent' ? 'answer.notSetUp' : 'answer.noModel');
    }
    this.#take(this.eye?.model ?? null);
    void this.#keepEngine().catch((reason: unknown) => console.warn(reason));
  }

  #failed(error: unknown): void {
    this.absence = explain(error);
    this.message = { text: this.absence, failed: true };
    this.online = !(error instanceof JichoError && error.code === 'NETWORK');
    this.changed();
  }

  /** Has the service worker keep the module that the current release needs, so that it recognises offline, too. */
  async #keepEngine(): Promise<void> {
    const { engine } = (await this.eye?.diagnose()) ?? {};
    if (engine?.build === 'tract') await keepTract();
  }
}
