import { html, nothing, type TemplateResult } from 'lit';

import { t } from '../texts';
import { announce } from '../ui/announce';
import { AppElement } from '../ui/element';
import { percent } from '../ui/format';
import { icon } from '../ui/icon';
import { CameraSheet } from './camera-sheet';
import { s } from './texts';
import { type Upload, Uploads } from './uploads';

/** The words of the service for what makes a photo hard to recognise, of which the app has texts. */
const KNOWN = ['too-dark', 'too-bright', 'glare', 'low-contrast', 'too-small', 'motion', 'blur'] as const;
type Finding = (typeof KNOWN)[number];

/** How photos of one product are added: by choosing, dropping, pasting or taking them. Tells at once what came of each. */
export class UploadPanel extends AppElement {
  channel = '';
  product = '';
  /** Called after photos were stored. */
  onStored: () => void = () => undefined;
  readonly #uploads = new Uploads();
  readonly #camera = new CameraSheet();
  #over = false;

  override connectedCallback(): void {
    super.connectedCallback();
    document.addEventListener('paste', this.#paste);
    this.#uploads.subscribe(() => this.requestUpdate());
    this.#uploads.onIdle = () => {
      const stored = this.#uploads.count('stored');
      announce(s('upload.sum', { stored, refused: this.#uploads.count('refused', 'failed', 'duplicate') }));
      this.onStored();
    };
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    document.removeEventListener('paste', this.#paste);
  }

  #add(files: Iterable<File>): void {
    this.#uploads.add(this.channel, this.product, files);
  }

  #paste = (event: ClipboardEvent): void => {
    const files = event.clipboardData?.files;
    if (files?.length) this.#add(files);
  };

  protected override render(): TemplateResult {
    const drop = (event: DragEvent): void => {
      event.preventDefault();
      this.#over = false;
      if (event.dataTransfer) this.#add(event.dataTransfer.files);
    };
    const over = (is: boolean) => (event: DragEvent) => {
      event.preventDefault();
      this.#over = is;
      this.requestUpdate();
    };
    const choose = (event: Event): void => {
      const input = event.target as HTMLInputElement;
      this.#add([...(input.files ?? [])]);
      input.value = '';
    };
    return html`<section class="card drop" ?data-over=${this.#over} data-testid="drop"
        @dragover=${over(true)} @dragleave=${over(false)} @drop=${drop}>
        <p>${s('upload.how')}</p>
        <div class="row">
          <label class="main file">${icon('photo')} ${s('upload.choose')}
            <input type="file" accept="image/jpeg,image/png,image/webp" multiple data-testid="photos" @change=${choose} /></label>
          <button type="button" class="quiet" data-testid="burst" @click=${() => this.#camera.show((file) => this.#add([file]))}>
            ${icon('camera')} ${s('upload.camera')}</button>
        </div>
        ${this.#uploads.list.length ? this.#list() : nothing}
      </section>${this.#camera}`;
  }

  #list(): TemplateResult {
    const { list } = this.#uploads;
    const failed = this.#uploads.count('failed');
    const done = list.length - this.#uploads.count('waiting', 'sending', 'looking');
    return html`<div class="row spread">
        <p data-testid="upload-sum"><b>${s('upload.done', { done, of: list.length })}</b></p>
        ${failed ? html`<button type="button" class="quiet" @click=${() => this.#uploads.retry()}>${icon('refresh')} ${s('upload.again')}</button>` : nothing}
        ${this.#uploads.busy ? nothing : html`<button type="button" class="quiet" @click=${() => this.#uploads.clear()}>${s('upload.clear')}</button>`}
      </div>
      <ul class="uploads" tabindex="0" aria-label=${s('upload.list')} data-testid="uploads">${[...list].reverse().map(row)}</ul>`;
  }
}
customElements.define('shop-upload-panel', UploadPanel);

function row({ file, state, share, detail, findings, alike }: Upload): TemplateResult {
  const advice = findings.filter((word): word is Finding => (KNOWN as readonly string[]).includes(word));
  return html`<li data-state=${state}>
    <span class="upload-name">${file.name}</span>
    <b>${s(`upload.state.${state}`)}${state === 'sending' ? ` ${percent(share)}` : ''}</b>
    ${state === 'sending' ? html`<progress max="1" .value=${share} aria-label=${file.name}></progress>` : nothing}
    ${detail ? html`<span class="problem" dir="auto">${detail}</span>` : nothing}
    ${advice.map((word) => html`<span class="few">${t(`hint.${word}`)}</span>`)}
    ${alike ? html`<span class="few">${s('upload.alike')}</span>` : nothing}
  </li>`;
}

/** A word of the service for a photo's defect, in the reader's words; nothing where the app has none. */
export function findingText(word: string): string {
  const known = KNOWN.find((one) => one === word);
  return known ? t(`hint.${known}`) : '';
}
