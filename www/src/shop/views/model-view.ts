import { html, nothing, type TemplateResult } from 'lit';

import { addressOf, api, type Compared, got, type Model } from '../../api/client';
import { locale } from '../../texts';
import { bytes, dateTime, percent } from '../../ui/format';
import { icon } from '../../ui/icon';
import { type Difference, differences, intervalOf } from '../compare';
import { shop } from '../shop';
import { s } from '../texts';
import '../backbone-panel';
import '../train-panel';
import { fact, View } from '../view';
import { thumb } from './products-view';

/** Products of a comparison that are named. */
const MOST = 6;

interface Confusion {
  label: string;
  answer: string;
  images: number;
  of: number;
}

/** The channel's model: trained, compared with the one before, published, kept back, or taken back. */
export class ModelView extends View {
  #models: Model[] = [];
  #compared: Compared | null = null;
  #confusions: Confusion[] = [];

  override connectedCallback(): void {
    super.connectedCallback();
    void this.act(() => this.#load());
  }

  async #load(): Promise<void> {
    const path = { channel: shop.id };
    const { items } = await got(
      api.GET('/api/v1/channels/{channel}/models', { params: { path, query: { limit: 50 } } }),
    );
    this.#models = items as Model[];
    this.#compared = null;
    const active = this.#models.find((model) => model.active);
    const candidate = this.#candidate;
    const before = this.#models.find((model) => !model.active && model.kept);
    const pair = candidate && active ? [active, candidate] : before && active ? [before, active] : null;
    if (pair) {
      const query = { a: pair[0]!.version, b: pair[1]!.version };
      this.#compared = await got(api.GET('/api/v1/channels/{channel}/models/compare', { params: { path, query } }));
    }
    const told = candidate ?? active;
    this.#confusions = told && shop.may('trace') ? await confusionsOf(told.version) : [];
    this.requestUpdate();
  }

  /** The newest model that is not in force and waits for somebody to say whether it shall be. */
  get #candidate(): Model | undefined {
    return this.#models.find(({ state, kept }) => kept && (state === 'candidate' || state === 'canary'));
  }

  protected override render(): TemplateResult {
    const active = this.#models.find((model) => model.active);
    return html`<h1>${s('nav.model')}</h1>
      ${this.notice()}
      ${active ? inForce(active) : html`<p class="note">${s('model.none')}</p>`}
      <shop-train .last=${this.#models[0]?.seconds ?? null}
        .onEnd=${() => void this.act(() => Promise.all([this.#load(), shop.refresh()]))}></shop-train>
      ${this.#compared ? this.#beside(this.#compared) : nothing}
      ${this.#next()}
      <shop-backbones></shop-backbones>
      ${this.#models.length ? this.#versions() : nothing}`;
  }

  #beside({ a, b, products, paired, field }: Compared): TemplateResult {
    const { better, worse } = differences({ products });
    const waits = this.#candidate?.version === b.version;
    const gained = numberOf(paired, 'gained');
    const lost = numberOf(paired, 'lost');
    return html`<section class="card" data-testid="compare">
      <h2>${s(waits ? 'compare.waits' : 'compare')}</h2>
      <div class="beside">
        ${column(s('compare.old'), a, field.a?.accuracy)}
        ${column(s('compare.new'), b, field.b?.accuracy)}
      </div>
      ${gained !== null && lost !== null ? html`<p>${s('compare.paired', { gained, lost })}</p>` : nothing}
      <div class="beside">
        <div><h3>${s('compare.better')}</h3>${list(better)}</div>
        <div><h3>${s('compare.worse')}</h3>${list(worse)}</div>
      </div>
      ${waits && shop.may('train') ? this.#decide() : nothing}
    </section>`;
  }

  #decide(): TemplateResult {
    const params = { path: { channel: shop.id } };
    const promote = (): void =>
      void this.act(async () => {
        await got(api.POST('/api/v1/channels/{channel}/candidate/promote', { params }));
        await Promise.all([this.#load(), shop.refresh()]);
        return s('model.published');
      });
    const withdraw = (): void =>
      void this.act(async () => {
        await got(api.POST('/api/v1/channels/{channel}/candidate/withdraw', { params }));
        await this.#load();
        return s('model.withdrawn');
      });
    return html`<div class="row">
        <button type="button" class="main" data-testid="promote" ?disabled=${this.busy} @click=${promote}>${icon('check')} ${s('model.publish')}</button>
        <button type="button" class="quiet danger" data-testid="withdraw" ?disabled=${this.busy} @click=${withdraw}>${s('model.withdraw')}</button>
      </div>
      <p class="note">${s('model.keepNote')}</p>`;
  }

  /** What to photograph next: products with few photos, and those that are taken for each other. */
  #next(): TemplateResult | typeof nothing {
    const few = shop.products.filter(({ photos }) => photos < 10);
    if (!few.length && !this.#confusions.length) return nothing;
    const find = (id: string) => shop.products.find((product) => product.id === id) ?? { name: id, picture: null };
    return html`<section class="card" data-testid="next-photos">
      <h2>${s('advice')}</h2>
      <ul class="advice">
        ${this.#confusions.slice(0, MOST).map(
          ({ label, answer, images, of }) => html`<li>
            ${thumb(find(label))}${thumb(find(answer))}
            <span>${s('advice.confused', { name: shop.nameOf(label), other: shop.nameOf(answer), count: images, of })}</span>
            <a class="quiet page-link" href=${shop.href('products', label)}>${icon('photo')} ${s('advice.photograph')}</a></li>`,
        )}
        ${few.slice(0, MOST).map(
          (
            product,
          ) => html`<li>${thumb(product)}<span>${s('advice.few', { name: product.name, count: product.photos })}</span>
            <a class="quiet page-link" href=${shop.href('products', product.id)}>${icon('photo')} ${s('advice.photograph')}</a></li>`,
        )}
      </ul>
    </section>`;
  }

  #versions(): TemplateResult {
    const back = (version: string): void =>
      void this.act(async () => {
        const params = { path: { channel: shop.id, version } };
        await got(api.POST('/api/v1/channels/{channel}/models/{version}/rollback', { params }));
        await Promise.all([this.#load(), shop.refresh()]);
        return s('model.rolledBack', { version });
      });
    const report = (version: string): string =>
      addressOf(`channels/${encodeURIComponent(shop.id)}/models/${encodeURIComponent(version)}/report.html`);
    return html`<section><h2>${s('versions')}</h2>
      <ul class="list" data-testid="versions">
        ${this.#models.map(
          (model) => html`<li class="card" data-version=${model.version}>
            <div class="row spread"><h3>${model.version}</h3><p class="pill" data-state=${model.active ? 'ready' : ''}>${s(`model.state.${stateOf(model)}`)}</p></div>
            ${details(model)}
            <div class="row">
              ${
                shop.may('train') && !model.active && model.kept && stateOf(model) === 'superseded'
                  ? html`<button type="button" class="quiet" data-testid="rollback" ?disabled=${this.busy} @click=${() => back(model.version)}>
                      ${icon('undo')} ${s('model.rollback')}</button>`
                  : nothing
              }
              ${shop.may('trace') ? html`<a class="quiet page-link" target="_blank" rel="noopener" href=${report(model.version)}>${s('model.report')}</a>` : nothing}
            </div>
          </li>`,
        )}
      </ul>
    </section>`;
  }
}
customElements.define('shop-model', ModelView);

const STATES = ['published', 'canary', 'candidate', 'withdrawn', 'superseded'] as const;

function stateOf({ state }: Model): (typeof STATES)[number] {
  return STATES.find((one) => one === state) ?? 'superseded';
}

function inForce(model: Model): TemplateResult {
  return html`<section class="card" data-testid="in-force">
    <h2>${s('model.inForce')}</h2>
    <p class="figure"><b>${model.accuracy == null ? '–' : percent(model.accuracy, 1)}</b> <span>${s('model.accuracy')}</span></p>
    ${details(model)}
  </section>`;
}

function accuracyOf(model: Model): string {
  if (model.accuracy == null) return '–';
  const interval = intervalOf(model.metrics);
  const share = percent(model.accuracy, 1);
  return interval ? s('model.interval', { share, low: percent(interval[0], 1), high: percent(interval[1], 1) }) : share;
}

function details(model: Model): TemplateResult {
  return html`<dl>
    ${fact(s('model.accuracy'), accuracyOf(model))}
    ${fact(s('model.trained'), dateTime(model.trainedAt))}
    ${fact(s('nav.products'), model.products.toLocaleString(locale))}
    ${fact(s('model.photos'), model.images.toLocaleString(locale))}
    ${fact(s('model.size'), model.bytes == null ? '' : bytes(model.bytes))}
  </dl>`;
}

function column(heading: string, model: Model, field: number | undefined): TemplateResult {
  return html`<div><h3>${heading}</h3>
    <p class="figure"><b>${model.accuracy == null ? '–' : percent(model.accuracy, 1)}</b></p>
    <dl>${fact(s('model.version'), model.version)}${fact(s('model.accuracy'), accuracyOf(model))}
      ${fact(s('compare.field'), field === undefined ? '' : percent(field, 1))}</dl></div>`;
}

function list(all: Difference[]): TemplateResult {
  if (!all.length) return html`<p class="note">${s('compare.nothing')}</p>`;
  return html`<ul>${all
    .slice(0, MOST)
    .map(
      ({ product, before, after }) =>
        html`<li>${s('compare.line', { name: shop.nameOf(product), before: percent(before), after: percent(after) })}</li>`,
    )}</ul>`;
}

function numberOf(from: unknown, name: string): number | null {
  const value = (from as Record<string, unknown> | null | undefined)?.[name];
  return typeof value === 'number' ? value : null;
}

/** Which products are taken for which, by the report of a version; none where it has no report. */
async function confusionsOf(version: string): Promise<Confusion[]> {
  const address = addressOf(
    `channels/${encodeURIComponent(shop.id)}/models/${encodeURIComponent(version)}/report.json`,
  );
  const response = await fetch(address);
  if (!response.ok) return [];
  const { confusions } = (await response.json()) as { confusions?: Confusion[] };
  return (confusions ?? []).filter(({ images }) => images > 1);
}
