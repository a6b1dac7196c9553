import { html, nothing, type TemplateResult } from 'lit';

import { api, type Backbone, got, type Job } from '../api/client';
import { bytes, percent } from '../ui/format';
import { icon } from '../ui/icon';
import { shop } from './shop';
import { s } from './texts';
import { Training } from './training';
import { explained, fact, onSubmit, View } from './view';

/** What was measured of a backbone on the channel's photos. */
interface Tried {
  backbone: string;
  bytes: number | null;
  milliseconds: number | null;
  accuracy: number | null;
  interval: [low: number, high: number] | null;
  problem: string | null;
}

/** The networks that a channel can be trained with, what each costs and does on this shop's photos, and the choice. */
export class BackbonePanel extends View {
  readonly #trial = new Training('trial');
  #backbones: Backbone[] = [];
  #tried: Tried[] = [];

  override connectedCallback(): void {
    super.connectedCallback();
    this.#trial.subscribe(() => this.requestUpdate());
    this.#trial.onEnd = (job) => this.#over(job);
    if (!shop.may('train')) return;
    void this.act(async () => {
      this.#backbones = await got(api.GET('/api/v1/backbones'));
      const last = await this.#trial.find(shop.id);
      if (last?.state === 'done') this.#over(last);
    });
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#trial.stop();
  }

  #over({ state, result, error }: Job): void {
    if (state === 'failed') this.say(error?.message ?? s('train.failed'), true);
    if (Array.isArray(result)) this.#tried = result as unknown as Tried[];
    this.requestUpdate();
  }

  protected override render(): TemplateResult | typeof nothing {
    if (!shop.may('train')) return nothing;
    const usable = this.#backbones.filter(({ present, fetchable }) => present || fetchable);
    const { job, running } = this.#trial;
    const submit = onSubmit((form) => {
      const chosen = new FormData(form).getAll('backbone').map(String);
      if (chosen.length)
        this.#trial.tryOut(shop.id, chosen).catch((error: unknown) => this.say(explained(error), true));
    });
    return html`<details class="card" data-testid="backbones"><summary>${s('backbones')}</summary>
      <form class="fields" @submit=${submit}>
        <p>${s('backbones.how')}</p>
        <ul class="list">${usable.map((backbone) => this.#row(backbone))}</ul>
        ${
          running
            ? html`<progress max="100" .value=${job?.percent ?? 0} aria-label=${s('backbones.measure')}></progress>
                <button type="button" class="quiet" @click=${() => void this.act(() => this.#trial.cancel())}>${icon('close')} ${s('train.cancel')}</button>`
            : html`<button type="submit" class="quiet" data-testid="measure">${icon('chart')} ${s('backbones.measure')}</button>`
        }
        ${this.notice()}
      </form>
    </details>`;
  }

  #row({ name, bytes: size, present }: Backbone): TemplateResult {
    const tried = this.#tried.find(({ backbone }) => backbone === name);
    const chosen = shop.channel?.settings.backbone === name;
    const use = (): void =>
      void this.act(async () => {
        await shop.changeChannel({ settings: { ...shop.channel?.settings, backbone: name } });
        return s('backbones.used');
      });
    const download = tried?.bytes ?? size;
    const measured = tried?.accuracy == null ? '' : percent(tried.accuracy, 1);
    const interval = tried?.interval;
    return html`<li>
      <div class="row spread">
        <label class="check"><input type="checkbox" name="backbone" value=${name} .checked=${present} /> <span dir="ltr">${name}</span></label>
        ${
          chosen
            ? html`<p class="pill" data-state="ready">${s('backbones.now')}</p>`
            : shop.may('administer')
              ? html`<button type="button" class="quiet" aria-label=${`${s('backbones.use')}: ${name}`} ?disabled=${this.busy} @click=${use}>${s('backbones.use')}</button>`
              : nothing
        }
      </div>
      <dl>
        ${fact(s('backbones.download'), download == null ? '' : bytes(download))}
        ${fact(s('backbones.speed'), tried?.milliseconds == null ? '' : s('backbones.ms', { count: Math.round(tried.milliseconds) }))}
        ${fact(
          s('model.accuracy'),
          measured && interval
            ? s('model.interval', { share: measured, low: percent(interval[0], 1), high: percent(interval[1], 1) })
            : measured,
        )}
      </dl>
      ${present ? nothing : html`<p class="note">${s('backbones.away')}</p>`}
      ${tried?.problem ? html`<p class="problem" lang="en" dir="auto">${tried.problem}</p>` : nothing}
    </li>`;
  }
}
customElements.define('shop-backbones', BackbonePanel);
