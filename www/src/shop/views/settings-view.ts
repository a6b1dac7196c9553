import { html, nothing, type TemplateResult } from 'lit';

import { type AuditRecord, api, type ChannelSettings, got, type Health } from '../../api/client';
import { change, type Settings, settings } from '../../app/settings';
import { LANGUAGES, language, t } from '../../texts';
import { announce } from '../../ui/announce';
import { dateTime } from '../../ui/format';
import { icon } from '../../ui/icon';
import { shop } from '../shop';
import { s } from '../texts';
import { field, onSubmit, View } from '../view';

/** What is set of the channel and of this page, how the service is, and what was done. */
export class SettingsView extends View {
  #health: Health | null = null;
  #records: AuditRecord[] = [];
  #next: string | null = null;
  #whole = '';

  override connectedCallback(): void {
    super.connectedCallback();
    void this.act(async () => {
      this.#health = await got(api.GET('/api/v1/health'));
      if (shop.may('audit')) await this.#page();
    });
  }

  async #page(): Promise<void> {
    const query = { limit: 30, ...(this.#next !== null && { after: Number(this.#next) }) };
    const { items, next } = await got(api.GET('/api/v1/audit', { params: { query } }));
    this.#records = [...this.#records, ...items];
    this.#next = next ?? null;
  }

  protected override render(): TemplateResult {
    return html`<h1>${s('nav.settings')}</h1>
      ${this.notice()}
      ${shop.may('administer') && shop.channel ? this.#channel(shop.channel.settings) : nothing}
      ${this.#thisPage()}
      ${this.#health ? this.#healthCard(this.#health) : nothing}
      ${shop.may('audit') ? this.#audit() : nothing}`;
  }

  #channel(now: ChannelSettings): TemplateResult {
    const submit = onSubmit((form) => {
      void this.act(async () => {
        const automatic = field(form, 'automatic');
        const precision = Number(field(form, 'precision'));
        await shop.changeChannel({
          name: field(form, 'name'),
          settings: {
            ...now,
            currency: field(form, 'currency').toUpperCase() || null,
            automaticTraining: automatic === '' ? null : automatic === 'yes',
            matchPrecision: precision ? precision / 100 : null,
            mirrorDiffers: new FormData(form).has('mirror'),
          },
        });
        return s('saved');
      });
    });
    const automatic = now.automaticTraining;
    const archive = (): void =>
      void this.act(async () => {
        await shop.changeChannel({ archived: shop.channel?.archivedAt == null });
        return s('saved');
      });
    return html`<form class="card fields" @submit=${submit} data-testid="channel-settings">
      <h2>${s('settings.channel')}</h2>
      <label>${s('channels.name')} <input name="name" required maxlength="100" .value=${shop.channel?.name ?? ''} autocomplete="off" /></label>
      <label>${s('channels.currency')}
        <input name="currency" maxlength="3" pattern="[A-Za-z]{3}" .value=${now.currency ?? ''} autocapitalize="characters" autocomplete="off" data-testid="currency" /></label>
      <label>${s('settings.automatic')}
        <select name="automatic">
          <option value="" ?selected=${automatic == null}>${s('settings.automatic.service')}</option>
          <option value="yes" ?selected=${automatic === true}>${s('settings.automatic.yes')}</option>
          <option value="no" ?selected=${automatic === false}>${s('settings.automatic.no')}</option>
        </select></label>
      <label>${s('settings.precision')}
        <input name="precision" type="number" min="50" max="99.9" step="0.1" placeholder="97" inputmode="decimal"
          .value=${now.matchPrecision == null ? '' : String(Math.round(now.matchPrecision * 1000) / 10)} /></label>
      <label class="check"><input type="checkbox" name="mirror" .checked=${now.mirrorDiffers ?? false} /> <span>${s('settings.mirror')}</span></label>
      <div class="row">
        <button type="submit" class="main" data-testid="save-settings" ?disabled=${this.busy}>${icon('check')} ${s('save')}</button>
        <button type="button" class="quiet" ?disabled=${this.busy} @click=${archive}>
          ${s(shop.channel?.archivedAt == null ? 'settings.archive' : 'settings.unarchive')}</button>
      </div>
    </form>`;
  }

  #thisPage(): TemplateResult {
    const value = (event: Event): string => (event.target as HTMLSelectElement).value;
    const themes = ['system', 'light', 'dark', 'contrast'] as const;
    return html`<section class="card fields">
      <h2>${s('settings.page')}</h2>
      <label>${t('settings.language')}
        <select data-testid="language" @change=${(event: Event) => {
          change({ language: value(event) });
          location.reload();
        }}>${Object.entries(LANGUAGES).map(
          ([code, name]) => html`<option value=${code} lang=${code} ?selected=${code === language}>${name}</option>`,
        )}</select></label>
      <label>${t('settings.theme')}
        <select data-testid="theme" @change=${(event: Event) => change({ theme: value(event) as Settings['theme'] })}>${themes.map(
          (theme) =>
            html`<option value=${theme} ?selected=${theme === settings.theme}>${t(`settings.theme.${theme}`)}</option>`,
        )}</select></label>
    </section>`;
  }

  #healthCard(health: Health): TemplateResult {
    const parts = ['database', 'storage', 'disk', 'models', 'queue'] as const;
    const copy = (): void => {
      void navigator.clipboard.writeText(JSON.stringify(health, null, 2)).then(() => announce(s('copied')));
    };
    return html`<section class="card" data-testid="health">
      <div class="row spread"><h2>${s('health')}</h2>
        <p class="pill" data-state=${stateOf(health.status)}>${s(`health.${health.status}`)}</p></div>
      <dl>${parts.map((part) => {
        const { status, detail } = health.components[part];
        return html`<div><dt>${s(`health.part.${part}`)}</dt>
          <dd><span class="note" lang="en" dir="ltr">${detail}</span>
            <span class="pill" data-state=${stateOf(status)}>${s(`health.${status}`)}</span></dd></div>`;
      })}</dl>
      <p class="note">${s('health.version', { version: health.version })}</p>
      <button type="button" class="quiet" @click=${copy}>${icon('copy')} ${t('device.copy')}</button>
    </section>`;
  }

  #audit(): TemplateResult {
    const verify = (): void =>
      void this.act(async () => {
        const { whole, records, broken } = await got(api.GET('/api/v1/audit/verification'));
        this.#whole = whole ? s('audit.whole', { count: records ?? 0 }) : s('audit.broken', { place: broken ?? 0 });
      });
    return html`<section class="card" data-testid="audit">
      <div class="row spread"><h2>${s('audit')}</h2>
        <button type="button" class="quiet" data-testid="verify" ?disabled=${this.busy} @click=${verify}>${icon('check')} ${s('audit.verify')}</button></div>
      <p role="status" class="note" data-testid="whole">${this.#whole}</p>
      <ul class="audit">${this.#records.map(
        ({
          seq,
          at,
          action,
          actor,
          resource,
        }) => html`<li><b lang="en" dir="ltr">${action}</b> <span dir="ltr">${resource}</span>
          <span class="note">${s('audit.line', { seq, time: dateTime(at), actor })}</span></li>`,
      )}</ul>
      ${
        this.#next === null
          ? nothing
          : html`<button type="button" class="quiet" @click=${() => void this.act(() => this.#page())}>${s('more')}</button>`
      }
    </section>`;
  }
}
customElements.define('shop-settings', SettingsView);

function stateOf(condition: Health['status']): string {
  return { healthy: 'ready', warning: 'offline', unhealthy: 'failed' }[condition];
}
