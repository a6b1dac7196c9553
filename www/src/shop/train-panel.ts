import { html, nothing, type TemplateResult } from 'lit';

import type { Job } from '../api/client';
import { t } from '../texts';
import { bytes } from '../ui/format';
import { icon } from '../ui/icon';
import { secondsLeft } from './estimate';
import { shop } from './shop';
import { s } from './texts';
import { Training } from './training';
import { explained, onSubmit, View } from './view';

/** The stages of a training in their order. A download is rare, so that it is shown only while there is one. */
const STAGES = ['validating', 'embedding', 'fitting', 'evaluating', 'publishing'] as const;

/** Starts a training and shows how far it is: the stage, the share, and how long it still takes as far as that is known. */
export class TrainPanel extends View {
  /** Seconds that the channel's last training took. */
  last: number | null = null;
  /** Called with a training that is over. */
  onEnd: (job: Job) => void = () => undefined;
  readonly #training = new Training('train');
  #tick = 0;

  override connectedCallback(): void {
    super.connectedCallback();
    this.#training.subscribe(() => this.requestUpdate());
    this.#training.onEnd = (job) => this.onEnd(job);
    this.#tick = window.setInterval(() => this.#training.running && this.requestUpdate(), 1000);
    this.#training.find(shop.id).catch((error: unknown) => this.say(explained(error), true));
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearInterval(this.#tick);
    this.#training.stop();
  }

  protected override render(): TemplateResult {
    const { job, running } = this.#training;
    return html`<section class="card" data-testid="training" data-state=${job?.state ?? 'none'}>
      <h2>${s('train')}</h2>
      ${this.notice()}
      ${job && !running ? this.#over(job) : nothing}
      ${job && running ? this.#running(job) : shop.may('train') ? this.#start() : html`<p class="note">${s('train.mayNot')}</p>`}
    </section>`;
  }

  #start(): TemplateResult {
    const submit = onSubmit((form) => {
      const fineTune = new FormData(form).has('fineTune');
      void this.act(() => this.#training.start(shop.id, { fineTune, force: fineTune }));
    });
    return html`<form class="fields" @submit=${submit}>
      <p>${s('train.how')}</p>
      <label class="check"><input type="checkbox" name="fineTune" /> <span>${s('train.fineTune')}</span></label>
      <button type="submit" class="main" data-testid="train" ?disabled=${this.busy}>${icon('teach')} ${s('train.now')}</button>
    </form>`;
  }

  #running({ state, stage, percent, message, startedAt }: Job): TemplateResult {
    const { download } = this.#training;
    const place = (STAGES as readonly string[]).indexOf(stage);
    const elapsed = startedAt == null ? 0 : Date.now() - startedAt;
    const left = state === 'running' ? secondsLeft({ percent, elapsed, last: this.last }) : null;
    return html`<progress max="100" .value=${percent} aria-label=${s('train')} data-testid="train-progress"></progress>
      <div class="row spread">
        <b data-testid="train-percent">${s('train.percent', { count: percent })}</b>
        <span class="note">${state === 'queued' ? s('train.queued') : left === null ? s('train.unknownTime') : timeLeft(left)}</span>
      </div>
      <ol class="stages">
        ${STAGES.map((one, i) => {
          const at = i < place || stage === 'completed' ? 'done' : i === place ? 'now' : 'later';
          return html`<li data-at=${at} aria-current=${at === 'now' ? 'step' : 'false'}>${at === 'done' ? icon('check') : nothing} ${s(`train.stage.${one}`)}</li>`;
        })}
      </ol>
      ${
        download
          ? html`<p>${
              download.total === null
                ? bytes(download.bytes)
                : t('device.progress', { loaded: bytes(download.bytes), total: bytes(download.total) })
            }</p>`
          : nothing
      }
      ${message ? html`<p class="note" lang="en" dir="ltr">${message}</p>` : nothing}
      ${
        shop.may('train')
          ? html`<button type="button" class="quiet" data-testid="train-cancel" ?disabled=${this.busy}
              @click=${() => void this.act(() => this.#training.cancel())}>${icon('close')} ${s('train.cancel')}</button>`
          : nothing
      }`;
  }

  #over({ state, error }: Job): TemplateResult {
    if (state === 'done') return html`<p class="good" role="status">${s('train.done')}</p>`;
    if (state === 'cancelled') return html`<p class="note" role="status">${s('train.cancelled')}</p>`;
    return html`<p class="problem" role="alert">${s('train.failed')} <span lang="en">${error?.message ?? ''}</span></p>`;
  }
}
customElements.define('shop-train', TrainPanel);

/** A time that is an estimate, said no more exactly than it is known. */
function timeLeft(seconds: number): string {
  if (seconds < 10) return s('train.moment');
  if (seconds < 60) return s('train.seconds', { count: Math.ceil(seconds / 10) * 10 });
  return s('train.minutes', { count: Math.ceil(seconds / 60) });
}
