import type { Scan, Stored } from 'jicho/vault';
import { html, nothing, svg, type TemplateResult } from 'lit';

import { explain } from '../app/explain';
import { root } from '../app/root';
import { Session } from '../recognition/session';
import { t } from '../texts';
import { AppElement } from '../ui/element';
import { day, time } from '../ui/format';
import { icon } from '../ui/icon';
import { Book } from './book';
import { cellOf } from './cells';
import { nameOf, ScanSheet } from './scan-sheet';
import { strength } from './strength';

/** Side of a thumbnail, pixels. */
const THUMB = 320;

const RETENTION = { keep: undefined, '7': 7, '30': 30, '90': 90, '365': 365, never: null } as const;

/** The private book of scans: unlock, scan, look through, take out, lock. */
export class ScansPage extends AppElement {
  readonly #book = new Book();
  readonly #session = new Session();
  readonly #sheet = new ScanSheet();
  #message = '';
  #problem = false;
  #busy = false;
  #typed = '';
  #withPlace = false;

  override connectedCallback(): void {
    super.connectedCallback();
    this.#book.subscribe(() => this.requestUpdate());
    this.#session.subscribe(() => this.requestUpdate());
    void this.#session.refresh();
  }

  /** Runs one action at a time and says the text that it answers, if it does. */
  async #do(action: () => Promise<unknown>): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    this.#say('');
    try {
      const said = await action();
      if (typeof said === 'string') this.#say(said);
    } catch (error) {
      const code = (error as { code?: string }).code;
      const known = { WRONG_KEY: t('scans.wrong'), WEAK_PASSPHRASE: t('scans.weak') }[code ?? ''];
      this.#say(known ?? explain(error), true);
    }
    this.#busy = false;
    this.requestUpdate();
  }

  #say(message: string, problem = false): void {
    this.#message = message;
    this.#problem = problem;
    this.requestUpdate();
  }

  protected override render(): TemplateResult {
    const open = this.#book.vault !== null;
    return html`<header class="scans-bar">
        <a class="quiet" href=${root.href}>${icon('cart')} ${t('pages.till')}</a>
        <span class="gap"></span>
        ${
          open
            ? html`<button type="button" class="quiet" data-testid="lock" @click=${() => void this.#book.lock()}>
                ${icon('lock')} ${t('scans.lock')}</button>`
            : nothing
        }
      </header>
      <main class="scans" id="main">
        <h1>${t('pages.scans')}</h1>
        <p class=${this.#problem ? 'problem' : 'note'} role="status" data-testid="message">${this.#message}</p>
        ${open ? this.#opened() : this.#locked()}
      </main>
      ${this.#sheet}`;
  }

  #locked(): TemplateResult {
    const submit = (event: SubmitEvent): void => {
      event.preventDefault();
      const data = new FormData(event.target as HTMLFormElement);
      const days = RETENTION[String(data.get('days')) as keyof typeof RETENTION];
      const passphrase = this.#typed;
      void this.#do(async () => {
        await this.#book.open({ passphrase }, days);
        this.#typed = '';
      });
    };
    const type = (event: Event): void => {
      this.#typed = (event.target as HTMLInputElement).value;
      this.requestUpdate();
    };
    return html`<form class="card fields" @submit=${submit}>
      <p>${t('scans.about')}</p>
      <label>${t('scans.passphrase')}
        <input type="password" data-testid="passphrase" required autocomplete="current-password" .value=${this.#typed} @input=${type} /></label>
      <label>${t('scans.strength')} <meter max="4" low="2" high="3" optimum="4" .value=${strength(this.#typed)}></meter></label>
      <label>${t('scans.retention')}
        <select name="days">
          <option value="keep">${t('scans.asBefore')}</option>
          ${[7, 30, 90, 365].map((days) => html`<option value=${days}>${t('scans.days', { count: days })}</option>`)}
          <option value="never">${t('scans.never')}</option>
        </select></label>
      <button type="submit" class="main" data-testid="unlock" ?disabled=${this.#busy}>${icon('lock')} ${t('scans.unlock')}</button>
    </form>`;
  }

  #opened(): TemplateResult {
    const { scans, more, damaged, area } = this.#book;
    const areas = new Map<string, number>();
    for (const { geohash } of scans) if (geohash) areas.set(geohash, (areas.get(geohash) ?? 0) + 1);
    const choose = (chosen: string): void => {
      this.#book.area = chosen;
      void this.#do(() => this.#book.look());
    };
    return html`${this.#scanning()}
      ${
        areas.size
          ? html`<section class="card fields"><label>${t('scans.area')}
              <select data-testid="area" @change=${(event: Event) => choose((event.target as HTMLSelectElement).value)}>
                <option value="">${t('scans.everywhere')}</option>
                ${[...areas].map(([geohash, count]) => html`<option value=${geohash} ?selected=${geohash === area}>${geohash} (${count})</option>`)}
              </select></label>
              ${areas.size > 1 ? drawing(areas) : nothing}</section>`
          : nothing
      }
      ${damaged ? html`<p class="problem">${t('scans.damaged', { count: damaged })}</p>` : nothing}
      ${scans.length ? this.#list(scans) : html`<p class="note">${t('scans.none')}</p>`}
      ${
        more
          ? html`<button type="button" class="quiet" @click=${() => void this.#do(() => this.#book.next())}>${t('scans.more')}</button>`
          : nothing
      }
      ${this.#files()}`;
  }

  #scanning(): TemplateResult {
    const scan = (event: Event): void => {
      const input = event.target as HTMLInputElement;
      const file = input.files?.[0];
      input.value = '';
      if (!file) return;
      void this.#do(async () => {
        const { eye } = this.#session;
        if (!eye?.model) return this.#session.absence || t('answer.getting');
        const place = this.#withPlace ? await here() : null;
        await this.#book.add(await eye.recognize(file), await thumbnail(file), place);
        return t('scans.added');
      });
    };
    return html`<section class="card">
      <label class="main scan-now">${icon('scan')} ${t('scans.scan')}
        <input type="file" accept="image/*" capture="environment" data-testid="scan" ?disabled=${this.#busy} @change=${scan} /></label>
      <label class="check"><input type="checkbox" .checked=${this.#withPlace}
        @change=${(event: Event) => {
          this.#withPlace = (event.target as HTMLInputElement).checked;
        }} /> <span>${t('scans.place')}</span></label>
    </section>`;
  }

  #list(scans: readonly Stored<Scan>[]): TemplateResult {
    const days = new Map<string, Stored<Scan>[]>();
    for (const scan of scans) days.set(day(scan.time), [...(days.get(day(scan.time)) ?? []), scan]);
    return html`${[...days].map(
      ([name, those]) => html`<section><h2>${name}</h2>
        <ul class="scan-list" data-testid="scans">
          ${those.map(
            (scan) => html`<li><button type="button" class="scan-row"
              @click=${() => this.#sheet.show(scan, () => void this.#do(() => this.#book.delete(scan.id)))}>
              <b>${nameOf(scan)}</b> <span>${time(scan.time)}${scan.geohash ? ` · ${scan.geohash}` : ''}</span>
            </button></li>`,
          )}
        </ul></section>`,
    )}`;
  }

  #files(): TemplateResult {
    const { vault, area } = this.#book;
    const plain = (format: 'csv' | 'json') => (): void =>
      void this.#do(async () => {
        const { text } = await vault!.exportPlain(format, { kind: 'scan', ...(area && { geohash: area }) });
        save(new Blob([text]), `scans.${format}`);
      });
    const submit = (event: SubmitEvent): void => {
      event.preventDefault();
      const form = event.target as HTMLFormElement;
      const data = new FormData(form);
      const passphrase = String(data.get('passphrase'));
      const file = data.get('file');
      const action = event.submitter?.getAttribute('value');
      void this.#do(async () => {
        if (action === 'export') {
          const { file: sealed, records } = await vault!.export(passphrase);
          save(sealed, 'scans.jicho');
          return t('scans.exported', { count: records });
        }
        if (action === 'relock') {
          await vault!.relock({ passphrase });
          form.reset();
          return t('scans.changed');
        }
        if (!(file instanceof File) || file.size === 0) return t('scans.chooseFile');
        const { added } = await vault!.import(file, passphrase);
        await this.#book.look();
        return t('scans.imported', { count: added });
      });
    };
    return html`<section class="card">
      <h2>${t('scans.out')}</h2>
      <p class="note">${t('scans.plainNote')}</p>
      <div class="row">
        <button type="button" class="quiet" data-testid="csv" @click=${plain('csv')}>CSV</button>
        <button type="button" class="quiet" @click=${plain('json')}>JSON</button>
      </div>
      <form class="fields" @submit=${submit}>
        <label>${t('scans.filePassphrase')}
          <input type="password" name="passphrase" data-testid="file-passphrase" required autocomplete="new-password" /></label>
        <label>${t('scans.file')} <input type="file" name="file" data-testid="import-file" /></label>
        <div class="row">
          <button type="submit" class="quiet" value="export" data-testid="export">${t('scans.export')}</button>
          <button type="submit" class="quiet" value="import" data-testid="import">${t('scans.import')}</button>
          <button type="submit" class="quiet" value="relock" data-testid="relock">${t('scans.relock')}</button>
        </div>
      </form>
    </section>`;
  }
}
customElements.define('jicho-scans', ScansPage);

/** The cells of the areas, to scale among each other. No map service learns where they are. */
function drawing(areas: ReadonlyMap<string, number>): TemplateResult {
  const cells = [...areas].map(([geohash, count]) => ({ ...cellOf(geohash), count }));
  const west = Math.min(...cells.map((cell) => cell.west));
  const south = Math.min(...cells.map((cell) => cell.south));
  const east = Math.max(...cells.map((cell) => cell.west + cell.width));
  const north = Math.max(...cells.map((cell) => cell.south + cell.height));
  const most = Math.max(...areas.values());
  return html`<svg class="cells" role="img" aria-label=${t('scans.area')} viewBox="${west} ${-north} ${east - west} ${north - south}">
    ${cells.map(
      ({
        west,
        south,
        width,
        height,
        count,
      }) => svg`<rect x=${west} y=${-south - height} width=${width} height=${height}
        fill-opacity=${0.3 + (0.7 * count) / most}></rect>`,
    )}
  </svg>`;
}

function here(): Promise<GeolocationCoordinates | null> {
  return new Promise((resolve) => {
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => resolve(coords),
      () => resolve(null),
      { timeout: 10_000, maximumAge: 60_000 },
    );
  });
}

async function thumbnail(file: File): Promise<Blob> {
  const bitmap = await createImageBitmap(file);
  const scale = Math.min(1, THUMB / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement('canvas');
  canvas.width = Math.round(bitmap.width * scale);
  canvas.height = Math.round(bitmap.height * scale);
  canvas.getContext('2d')?.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error('no thumbnail'))), 'image/jpeg', 0.7);
  });
}

function save(file: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
