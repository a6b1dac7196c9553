import type { Diagnostics } from 'jicho';
import { html, nothing, type TemplateResult } from 'lit';

import { explain } from '../app/explain';
import { channel, root } from '../app/root';
import { change, type Settings, settings } from '../app/settings';
import type { Camera } from '../recognition/camera';
import { LANGUAGES, language, t } from '../texts';
import { bytes, dateTime } from '../ui/format';
import { icon } from '../ui/icon';
import { Sheet } from '../ui/sheet';
import { MOST_SALES, NEARLY_FULL } from './sales';
import type { Till } from './till';

/** This device: its sales that wait, its model, its settings, and how to leave it. */
export class DeviceSheet extends Sheet {
  #till: Till | undefined;
  #camera: Camera | undefined;
  #cameras: MediaDeviceInfo[] = [];
  #diagnostics: Diagnostics | undefined;
  #appKept = false;
  #message = '';
  #leaving = false;
  /** Refused sales may be discarded once they were saved. */
  #refusedSaved = false;
  #unsubscribe: () => void = () => undefined;

  show(till: Till, camera: Camera | undefined): void {
    this.#till = till;
    this.#camera = camera;
    this.#message = '';
    this.#leaving = false;
    this.#unsubscribe = till.subscribe(() => this.requestUpdate());
    this.open();
    void this.#look();
  }

  protected override heading(): string {
    return t('device.title');
  }

  protected override closed(): void {
    this.#unsubscribe();
  }

  async #look(): Promise<void> {
    // The channel may have been closed in the meantime.
    this.#diagnostics = await this.#till?.session.eye?.diagnose().catch(() => undefined);
    this.#cameras = (await this.#camera?.cameras()) ?? [];
    this.#appKept = (await navigator.serviceWorker?.getRegistration())?.active !== undefined;
    this.requestUpdate();
  }

  #do(action: () => Promise<string>): () => void {
    return () => {
      void action()
        .catch(explain)
        .then((text) => {
          this.#message = text;
          return this.#look();
        });
    };
  }

  protected override body(): TemplateResult {
    const till = this.#till!;
    return html`${this.#sales(till)} ${this.#model(till)} ${this.#settings()}
      <a class="quiet page-link" data-testid="scans" href=${new URL('scans/', root).href}>${icon('scan')} ${t('pages.scans')}</a>
      ${this.#leave(till)}
      <p class="note" role="status" data-testid="device-message">${this.#message}</p>`;
  }

  #sales({ sales }: Till): TemplateResult {
    const left = MOST_SALES - sales.waiting;
    const problem = {
      idle: '',
      delivering: t('sales.delivering'),
      delivered: sales.delivered ? t('sales.delivered', { count: sales.delivered }) : '',
      offline: t('sales.offline'),
      'no-host': t('sales.noHost'),
      login: t('sales.login'),
    }[sales.state];
    return html`<section class="card" data-testid="sales" data-state=${sales.state}>
      <h3>${t('sales.title')}</h3>
      <p data-testid="sales-waiting">${sales.waiting ? t('sales.waiting', { count: sales.waiting }) : t('sales.none')}</p>
      <p class="note" role="status">${sales.waiting || sales.state === 'delivered' ? problem : ''}</p>
      ${sales.waiting >= NEARLY_FULL ? html`<p class="problem">${t('sales.nearlyFull', { count: left })}</p>` : nothing}
      ${sales.refused ? this.#refused(sales) : nothing}
      ${sales.durable ? nothing : html`<p class="problem">${t('sales.notKept')}</p>`}
      ${
        sales.waiting
          ? html`<button type="button" class="quiet" data-testid="deliver" ?disabled=${sales.state === 'delivering'}
              @click=${() => void sales.deliver()}>${icon('cloud')} ${t('sales.deliver')}</button>`
          : nothing
      }
    </section>`;
  }

  #refused(sales: Till['sales']): TemplateResult {
    const save = this.#do(async () => {
      const file = new Blob([JSON.stringify(await sales.listRefused(), null, 2)], { type: 'application/json' });
      const link = document.createElement('a');
      link.href = URL.createObjectURL(file);
      link.download = `refused-sales-${channel}.json`;
      link.click();
      URL.revokeObjectURL(link.href);
      this.#refusedSaved = true;
      return '';
    });
    const discard = this.#do(async () => {
      await sales.discardRefused();
      return '';
    });
    return html`<p class="problem" data-testid="sales-refused">${t('sales.refused', { count: sales.refused })}</p>
      <div class="row">
        <button type="button" class="quiet" data-testid="save-refused" @click=${save}>${t('sales.saveRefused')}</button>
        ${
          this.#refusedSaved
            ? html`<button type="button" class="quiet danger" data-testid="discard-refused" @click=${discard}>${icon('trash')} ${t('sales.discardRefused')}</button>`
            : nothing
        }
      </div>`;
  }

  #model({ session }: Till): TemplateResult {
    const { model, state, progress, refreshing, message } = session;
    const { check, storage, engine, measures } = this.#diagnostics ?? {};
    const size = model ? t(model.stored ? 'device.stored' : 'device.unstored', { size: bytes(model.bytes) }) : '–';
    const used = storage?.usedBytes ?? null;
    const median = measures?.inferences.median ?? null;
    const facts: [id: string, name: string, value: string][] = [
      ['model-channel', t('device.channel'), channel],
      ['model-version', t('device.version'), model?.version ?? '–'],
      ['model-trained-at', t('device.trained'), model ? dateTime(model.trainedAt) : '–'],
      ['model-products', t('device.products'), model ? t('search.found', { count: model.productCount }) : '–'],
      ['model-size', t('device.size'), size],
      [
        'last-check',
        t('device.lastCheck'),
        check?.last ? `${dateTime(check.last.at)}: ${t(`check.${check.last.outcome}`)}` : '–',
      ],
      ['next-check', t('device.nextCheck'), check?.nextAt ? dateTime(check.nextAt) : '–'],
      [
        'storage',
        t('device.storage'),
        used === null
          ? '–'
          : t(storage?.persisted ? 'device.storageKept' : 'device.storageUsed', {
              used: bytes(used),
              total: bytes(storage?.quotaBytes ?? 0),
            }),
      ],
      ['engine', t('device.engine'), engine?.build ?? '–'],
      ['speed', t('device.speed'), median === null ? '–' : t('device.ms', { count: Math.round(median) })],
      ['works-offline', t('device.offline'), this.#offline(model?.stored === true)],
    ];
    return html`<section class="card">
      <div class="row spread">
        <h3>${t('device.model')}</h3>
        <p class="pill" data-testid="model-state" data-state=${state}>${t(`device.state.${state}`)}</p>
      </div>
      ${
        progress
          ? html`<progress data-testid="progress" max="1" .value=${progress.loadedBytes / progress.totalBytes}
                aria-label=${t('device.download')}></progress>
              <p>${t('device.progress', { loaded: bytes(progress.loadedBytes), total: bytes(progress.totalBytes) })}</p>`
          : nothing
      }
      <p class=${message?.failed ? 'problem' : 'note'} role="status" data-testid="sync-message">${message?.text ?? ''}</p>
      <button type="button" class="main" data-testid="refresh" ?disabled=${refreshing}
        @click=${() => void session.refresh().then(() => this.#look())}>
        ${icon('refresh')} ${t(refreshing ? 'device.refreshing' : 'device.refresh')}
      </button>
      <dl>${facts.map(([id, name, value]) => html`<div><dt>${name}</dt><dd data-testid=${id}>${value}</dd></div>`)}</dl>
      ${this.#taught()}
      <button type="button" class="quiet" data-testid="copy" @click=${this.#do(async () => {
        await navigator.clipboard.writeText(JSON.stringify(await session.eye?.diagnose(), null, 2));
        return t('device.copied');
      })}>${t('device.copy')}</button>
    </section>`;
  }

  #offline(modelStored: boolean): string {
    if (!isSecureContext) return t('device.offlineInsecure');
    if (!modelStored) return t('device.offlineModel');
    return t(this.#appKept ? 'device.offlineYes' : 'device.offlineApp');
  }

  #taught(): TemplateResult | typeof nothing {
    const { eye, model } = this.#till!.session;
    const taught = eye?.taught() ?? [];
    if (!taught.length) return nothing;
    const nameOf = (label: string | null): string => {
      const name = label === null ? t('search.noProduct') : model?.facts[label]?.['name'];
      return typeof name === 'string' ? name : (label ?? '');
    };
    return html`<h3>${t('teach.taught')}</h3>
      <ul class="parked" data-testid="taught">
        ${taught.map(
          ({ label, frames }) => html`<li>
            <span>${nameOf(label)} · ${t('teach.frames', { count: frames })}</span>
            <button type="button" class="quiet" @click=${this.#do(async () => {
              await eye?.forget(label);
              return t('teach.forgotten');
            })}>${t('teach.forget')}</button>
          </li>`,
        )}
      </ul>`;
  }

  #settings(): TemplateResult {
    const set = (changes: Partial<Settings>): void => {
      change(changes);
      this.requestUpdate();
    };
    const value = (event: Event): string => (event.target as HTMLInputElement | HTMLSelectElement).value;
    const themes = ['system', 'light', 'dark', 'contrast'] as const;
    return html`<section class="card fields">
      <h3>${t('settings.title')}</h3>
      <label>${t('settings.language')}
        <select data-testid="language" @change=${(event: Event) => {
          change({ language: value(event) });
          // Every text is chosen when the page is drawn first, so the page starts again; the basket survives.
          location.reload();
        }}>
          ${Object.entries(LANGUAGES).map(
            ([code, name]) => html`<option value=${code} lang=${code} ?selected=${code === language}>${name}</option>`,
          )}
        </select></label>
      <label>${t('settings.theme')}
        <select data-testid="theme" @change=${(event: Event) => set({ theme: value(event) as Settings['theme'] })}>
          ${themes.map((theme) => html`<option value=${theme} ?selected=${theme === settings.theme}>${t(`settings.theme.${theme}`)}</option>`)}
        </select></label>
      ${
        this.#cameras.length > 1
          ? html`<label>${t('camera.choose')}
              <select @change=${(event: Event) => {
                set({ camera: value(event) });
                this.#camera?.choose(settings.camera);
              }}>
                <option value="">${t('camera.any')}</option>
                ${this.#cameras.map(
                  ({ deviceId, label }, i) => html`<option value=${deviceId} ?selected=${deviceId === settings.camera}>
                    ${label || t('camera.number', { count: i + 1 })}</option>`,
                )}
              </select></label>`
          : nothing
      }
      <label class="check"><input type="checkbox" data-testid="auto-add" .checked=${settings.autoAdd}
        @change=${(event: Event) => set({ autoAdd: (event.target as HTMLInputElement).checked })} />
        <span>${t('settings.autoAdd')}</span></label>
      <label>${t('settings.currency')}
        <input maxlength="3" .value=${settings.currency} autocapitalize="characters" autocomplete="off"
          @change=${(event: Event) => set({ currency: value(event).trim().toUpperCase() })} /></label>
      <label>${t('settings.salesUrl')}
        <input type="url" .value=${settings.salesUrl} placeholder=${t('settings.salesUrlOwn')} autocomplete="off"
          @change=${(event: Event) => set({ salesUrl: value(event).trim() })} /></label>
      <label>${t('settings.deviceKey')}
        <input type="password" .value=${settings.deviceKey} autocomplete="off"
          @change=${(event: Event) => set({ deviceKey: value(event).trim() })} /></label>
    </section>`;
  }

  #leave(till: Till): TemplateResult {
    const { sales, session } = till;
    const lessons = session.eye?.taught().length ?? 0;
    if (!this.#leaving) {
      return html`<button type="button" class="quiet danger" data-testid="remove" @click=${() => {
        this.#leaving = true;
        this.requestUpdate();
      }}>${icon('trash')} ${t('device.remove')}</button>`;
    }
    const discard = this.#do(async () => {
      await sales.discard();
      await session.eye?.clear();
      await till.catalogue.clear();
      change({ deviceKey: '' });
      this.#leaving = false;
      return t('device.removed');
    });
    return html`<section class="card danger" role="alert">
      <p>${t('device.removeAsk')}</p>
      ${sales.waiting + sales.refused ? html`<p class="problem" data-testid="lose-sales">${t('device.loseSales', { count: sales.waiting + sales.refused })}</p>` : nothing}
      ${lessons ? html`<p class="problem" data-testid="lose-lessons">${t('device.loseLessons', { count: lessons })}</p>` : nothing}
      <div class="row actions">
        ${
          sales.waiting
            ? html`<button type="button" class="quiet" @click=${() => void sales.deliver()}>${t('sales.deliver')}</button>`
            : nothing
        }
        ${lessons ? html`<button type="button" class="quiet" @click=${this.#do(() => this.#exportLessons())}>${t('device.exportLessons')}</button>` : nothing}
        <button type="button" class="quiet" @click=${() => {
          this.#leaving = false;
          this.requestUpdate();
        }}>${t('cancel')}</button>
        <button type="button" class="quiet danger" data-testid="discard" @click=${discard}>${t('device.discard')}</button>
      </div>
    </section>`;
  }

  async #exportLessons(): Promise<string> {
    const file = await this.#till!.session.eye!.exportLessons();
    const link = document.createElement('a');
    link.href = URL.createObjectURL(file);
    link.download = `lessons-${channel}.jsonl`;
    link.click();
    URL.revokeObjectURL(link.href);
    return '';
  }
}
customElements.define('jicho-device', DeviceSheet);
