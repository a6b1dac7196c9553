import { html, nothing, type TemplateResult } from 'lit';

import { settings } from '../app/settings';
import { Camera } from '../recognition/camera';
import { t } from '../texts';
import { icon } from '../ui/icon';
import { Sheet } from '../ui/sheet';
import { s } from './texts';

/** Pictures of a burst, and milliseconds between them: time enough to turn the product a little. */
const BURST = 10;
const PAUSE = 700;

/** Takes photos with this device's camera: one by one, or ten while the product is turned. */
export class CameraSheet extends Sheet {
  readonly #video = document.createElement('video');
  #camera: Camera | undefined;
  #take: (file: File) => void = () => undefined;
  #single = false;
  #taken = 0;
  #timer = 0;

  /** Calls with each photo; with `single`, once. */
  show(take: (file: File) => void, single = false): void {
    this.#take = take;
    this.#single = single;
    this.#taken = 0;
    this.#video.playsInline = true;
    this.#video.muted = true;
    this.#camera ??= new Camera(this.#video, settings.camera, () => this.requestUpdate());
    this.#camera.start();
    this.open();
  }

  protected override heading(): string {
    return s('upload.camera');
  }

  protected override closed(): void {
    clearInterval(this.#timer);
    this.#timer = 0;
    this.#camera?.stop();
  }

  protected override body(): TemplateResult {
    const state = this.#camera?.state ?? 'off';
    if (state !== 'live') {
      const message = state === 'off' || state === 'starting' ? t('camera.starting') : t(`camera.${state}`);
      return html`<p class="note" role="status">${message}</p>`;
    }
    return html`<div class="viewfinder">${this.#video}</div>
      ${
        this.#single
          ? html`<button type="button" class="main" data-testid="shoot" @click=${() => void this.#shoot().then(() => this.close())}>
              ${icon('camera')} ${s('camera.one')}</button>`
          : html`<p>${s('camera.turn')}</p>
            <p role="status" data-testid="taken">${this.#taken ? s('camera.taken', { count: this.#taken }) : nothing}</p>
            <div class="row">
              <button type="button" class="quiet" data-testid="shoot" @click=${() => void this.#shoot()}>${icon('camera')} ${s('camera.one')}</button>
              <button type="button" class="main" data-testid="shoot-many" ?disabled=${this.#timer !== 0} @click=${() => this.#burst()}>
                ${icon('photo')} ${s('camera.many', { count: BURST })}</button>
            </div>`
      }`;
  }

  #burst(): void {
    let left = BURST;
    this.#timer = window.setInterval(() => {
      void this.#shoot();
      left--;
      if (left > 0) return;
      clearInterval(this.#timer);
      this.#timer = 0;
      this.requestUpdate();
    }, PAUSE);
    this.requestUpdate();
  }

  async #shoot(): Promise<void> {
    const { videoWidth, videoHeight } = this.#video;
    if (!videoWidth) return;
    const canvas = document.createElement('canvas');
    canvas.width = videoWidth;
    canvas.height = videoHeight;
    canvas.getContext('2d')?.drawImage(this.#video, 0, 0);
    const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, 'image/jpeg', 0.92));
    if (!blob) return;
    this.#taken++;
    const number = String(this.#taken).padStart(2, '0');
    this.#take(new File([blob], `${Date.now()}-${number}.jpg`, { type: 'image/jpeg' }));
    this.requestUpdate();
  }
}
customElements.define('shop-camera', CameraSheet);
