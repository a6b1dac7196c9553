import { html, nothing, type TemplateResult } from 'lit';

import { addressOf, changeHeaders, refusalOf } from '../api/client';
import { percent } from '../ui/format';
import { icon } from '../ui/icon';
import { CameraSheet } from './camera-sheet';
import { shop } from './shop';
import { s } from './texts';
import { View } from './view';

interface Answer {
  decision: 'match' | 'unsure' | 'unknown';
  predictions: { label: string; confidence: number }[];
}

/** Tries the model that is in force with a photo of this device's camera, or one that is chosen. */
export class TryPanel extends View {
  readonly #camera = new CameraSheet();
  #answer: Answer | null = null;
  #picture = '';
  /** Called once something was answered. */
  onAnswer: () => void = () => undefined;

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    URL.revokeObjectURL(this.#picture);
  }

  #ask(file: File): void {
    void this.act(async () => {
      URL.revokeObjectURL(this.#picture);
      this.#picture = URL.createObjectURL(file);
      this.#answer = null;
      const form = new FormData();
      form.append('image', file);
      const address = addressOf(`channels/${encodeURIComponent(shop.id)}/predict`);
      const response = await fetch(address, { method: 'POST', headers: changeHeaders(), body: form });
      const body: unknown = await response.json().catch(() => null);
      if (!response.ok) throw refusalOf(response.status, body);
      this.#answer = body as Answer;
      this.onAnswer();
    });
  }

  protected override render(): TemplateResult {
    const choose = (event: Event): void => {
      const input = event.target as HTMLInputElement;
      const file = input.files?.[0];
      if (file) this.#ask(file);
      input.value = '';
    };
    return html`<section class="card" data-testid="try">
      <h2>${s('try')}</h2>
      <p>${s('try.how')}</p>
      <div class="row">
        <button type="button" class="main" @click=${() => this.#camera.show((file) => this.#ask(file), true)}>${icon('camera')} ${s('try.camera')}</button>
        <label class="quiet file">${icon('photo')} ${s('try.photo')}
          <input type="file" accept="image/jpeg,image/png,image/webp" data-testid="try-photo" @change=${choose} /></label>
      </div>
      ${this.notice()}
      ${
        this.#answer
          ? html`<div class="tried" role="status" data-testid="tried" data-decision=${this.#answer.decision}>
              <img alt="" src=${this.#picture} />
              <div><p><b>${s(`try.${this.#answer.decision}`)}</b></p>
                <ul>${this.#answer.predictions
                  .slice(0, 3)
                  .map(
                    ({ label, confidence }) => html`<li>${shop.nameOf(label)} · ${percent(confidence)}</li>`,
                  )}</ul></div>
            </div>`
          : nothing
      }
    </section>${this.#camera}`;
  }
}
customElements.define('shop-try', TryPanel);
