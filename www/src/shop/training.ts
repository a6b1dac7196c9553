import { addressOf, api, got, type Job, type JobEvent } from '../api/client';
import { Store } from '../app/store';

const OVER = ['done', 'failed', 'cancelled'];

/** A job of the channel that is followed while it goes on. */
export class Training extends Store {
  readonly #kind: 'train' | 'trial';
  job: Job | null = null;
  /** Bytes of a download, while there is one. */
  download: { bytes: number; total: number | null } | null = null;
  #source: EventSource | undefined;
  /** Called once a followed job is over. */
  onEnd: (job: Job) => void = () => undefined;

  constructor(kind: 'train' | 'trial') {
    super();
    this.#kind = kind;
  }

  /** Follows the channel's newest job of the kind if it runs or waits. Gives it also if it is over. */
  async find(channel: string): Promise<Job | undefined> {
    const params = { path: { channel }, query: { limit: 20 } };
    const { items } = await got(api.GET('/api/v1/channels/{channel}/jobs', { params }));
    const job = items.find(({ kind }) => kind === this.#kind);
    if (job && !OVER.includes(job.state)) this.#follow(job);
    return job;
  }

  async start(channel: string, body: { fineTune: boolean; force: boolean }): Promise<void> {
    this.#follow(await got(api.POST('/api/v1/channels/{channel}/train', { params: { path: { channel } }, body })));
  }

  /** Measures backbones on the channel's photos. */
  async tryOut(channel: string, backbones: string[]): Promise<void> {
    const params = { path: { channel } };
    this.#follow(await got(api.POST('/api/v1/channels/{channel}/backbone-trials', { params, body: { backbones } })));
  }

  async cancel(): Promise<void> {
    if (!this.job) return;
    const params = { path: { job: this.job.id } };
    this.job = await got(api.POST('/api/v1/jobs/{job}/cancel', { params }));
    this.changed();
  }

  get running(): boolean {
    return this.job !== null && !OVER.includes(this.job.state);
  }

  stop(): void {
    this.#source?.close();
    this.#source = undefined;
  }

  #follow(job: Job): void {
    this.stop();
    this.job = job;
    this.download = null;
    this.changed();
    // The browser connects again by itself and tells what it has heard, so that nothing is missed.
    const source = new EventSource(addressOf(`jobs/${encodeURIComponent(job.id)}/events`));
    this.#source = source;
    source.onmessage = ({ data }: MessageEvent<string>) => this.#heard(JSON.parse(data) as JobEvent);
  }

  #heard({ state, stage, percent, message, bytes, total, at }: JobEvent): void {
    if (!this.job) return;
    const startedAt = this.job.startedAt ?? (state === 'running' ? at : null);
    this.job = { ...this.job, state, stage, percent, message: message ?? null, startedAt };
    this.download = typeof bytes === 'number' ? { bytes, total: total ?? null } : null;
    this.changed();
    if (OVER.includes(state)) void this.#end();
  }

  async #end(): Promise<void> {
    this.stop();
    const { job } = this;
    if (!job) return;
    this.job = await got(api.GET('/api/v1/jobs/{job}', { params: { path: { job: job.id } } }));
    this.changed();
    this.onEnd(this.job);
  }
}
