import type { Jicho } from 'jicho';
import { html, nothing, type TemplateResult } from 'lit';

import { explain } from '../app/explain';
import { t } from '../texts';
import { announce } from '../ui/announce';
import { Sheet } from '../ui/sheet';
import { type Minor, parseAmount, toMajor } from './money';

/** Pictures of a lesson, and milliseconds between them, in which the product is turned a little. */
const PICTURES = 5;
const PAUSE = 600;

/** Side of the picture that stands for a taught product, pixels. It is kept with the product's facts, at most 4 KiB. */
const THUMB = 64;

export interface Teaching {
  eye: Jicho;
  /** The camera's video or the chosen photo; null if there is neither. */
  source: HTMLVideoElement | File | null;
  name: string;
  currency: string;
  done(label: string, name: string, price: Minor | null): void;
}

/** Teaches this device a product: five pictures, and it is known. */
export class TeachSheet extends Sheet {
  #teaching: Teaching | undefined;
  #taken = 0;
  #busy = false;
  #message = '';
  readonly #preview = document.createElement('video');

  teach(teaching: Teaching): void {
    this.#teaching = teaching;
    this.#taken = 0;
    this.#busy = false;
    this.#message = teaching.source ? '' : t('teach.noSource');
    if (teaching.source instanceof HTMLVideoElement) {
      Object.assign(this.#preview, { muted: true, playsInline: true, srcObject: teaching.source.srcObject });
      void this.#preview.play().catch(() => undefined);
    } else this.#preview.srcObject = null;
    this.open();
  }

  protected override heading(): string {
    return t('teach.title');
  }

  protected override closed(): void {
    this.#preview.srcObject = null;
    this.#teaching = undefined;
  }

  #submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const teaching = this.#teaching;
    const data = new FormData(event.target as HTMLFormElement);
    const name = String(data.get('name')).trim();
    if (!teaching?.source || name === '' || this.#busy) return;
    const typed = String(data.get('price')).trim();
    const price = typed === '' ? null : parseAmount(typed, teaching.currency);
    if (typed !== '' && price === null) {
      this.#say(t('open.badPrice'));
      return;
    }
    this.#busy = true;
    this.#say('');
    try {
      await this.#learn(teaching, teaching.source, name, price);
    } catch (error) {
      this.#say(explain(error));
    }
    this.#busy = false;
    this.#taken = 0;
    this.requestUpdate();
  };

  async #learn(teaching: Teaching, source: HTMLVideoElement | File, name: string, price: Minor | null): Promise<void> {
    const label = name.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, '-');
    const frames: (ImageBitmap | File)[] = [];
    if (source instanceof File) frames.push(source);
    while (!(source instanceof File) && frames.length < PICTURES) {
      frames.push(await createImageBitmap(source));
      this.#taken = frames.length;
      this.#say(t('teach.progress', { count: frames.length, of: PICTURES }));
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
      if (this.#teaching !== teaching) return;
    }
    const facts = {
      name,
      ...(price !== null && { price: toMajor(price, teaching.currency), currency: teaching.currency }),
      picture: await thumbnail(frames[0]!),
    };
    const { frames: seen } = await teaching.eye.enroll(label, frames, { facts });
    for (const frame of frames) if (frame instanceof ImageBitmap) frame.close();
    const defect = seen.flatMap(({ quality }) => quality.findings)[0]?.defect;
    announce(t('teach.done', { name }));
    this.close();
    teaching.done(label, name, price);
    if (defect) console.info(t('teach.better', { hint: t(`hint.${defect}`) }));
  }

  #say(message: string): void {
    this.#message = message;
    this.requestUpdate();
  }

  protected override body(): TemplateResult {
    return html`<form class="fields" @submit=${this.#submit}>
      <div class="ring" data-taken=${this.#taken} role="progressbar" aria-label=${t('teach.title')}
        aria-valuemin="0" aria-valuemax=${PICTURES} aria-valuenow=${this.#taken}>
        ${this.#preview.srcObject ? this.#preview : nothing}
      </div>
      <p class="note">${t('teach.how')}</p>
      <label>${t('teach.name')}
        <input name="name" data-testid="teach-name" required maxlength="80" autocomplete="off" data-first
          .value=${this.#teaching?.name ?? ''} ?disabled=${this.#busy} /></label>
      <label>${t('teach.price')} (${this.#teaching?.currency})
        <input name="price" data-testid="teach-price" inputmode="decimal" autocomplete="off" ?disabled=${this.#busy} /></label>
      <p class="note" role="status" data-testid="teach-said">${this.#message}</p>
      <button type="submit" class="main" data-testid="teach-now" ?disabled=${this.#busy || !this.#teaching?.source}>
        ${t('teach.start')}
      </button>
    </form>`;
  }
}
customElements.define('jicho-teach', TeachSheet);

/** A small square picture as a data address, below 3 KB. */
async function thumbnail(source: ImageBitmap | File): Promise<string> {
  const bitmap = source instanceof File ? await createImageBitmap(source) : source;
  const side = Math.min(bitmap.width, bitmap.height);
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = THUMB;
  const left = (bitmap.width - side) / 2;
  const top = (bitmap.height - side) / 2;
  canvas.getContext('2d')?.drawImage(bitmap, left, top, side, side, 0, 0, THUMB, THUMB);
  const url = canvas.toDataURL('image/jpeg', 0.6);
  return url.length < 3000 ? url : canvas.toDataURL('image/jpeg', 0.3);
}
