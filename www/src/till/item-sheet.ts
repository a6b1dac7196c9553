import { html, nothing, type TemplateResult } from 'lit';

import { t } from '../texts';
import { Sheet } from '../ui/sheet';
import { type Minor, parseAmount } from './money';

/** Asks for the name and the price of something that no catalogue knows, or for the price alone. */
export class ItemSheet extends Sheet {
  #name = '';
  #fixed = false;
  #currency = '';
  #message = '';
  #done: (name: string, price: Minor) => void = () => undefined;

  /** `fixed`: the name is known, and only its price is asked for. */
  ask(name: string, fixed: boolean, currency: string, done: (name: string, price: Minor) => void): void {
    this.#name = name;
    this.#fixed = fixed;
    this.#currency = currency;
    this.#message = '';
    this.#done = done;
    this.open();
  }

  protected override heading(): string {
    return this.#fixed ? this.#name : t('open.title');
  }

  #submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const data = new FormData(event.target as HTMLFormElement);
    const price = parseAmount(String(data.get('price')), this.#currency);
    if (price === null) {
      this.#message = t('open.badPrice');
      this.requestUpdate();
      return;
    }
    const name = this.#fixed ? this.#name : String(data.get('name')).trim() || t('open.title');
    this.close();
    this.#done(name, price);
  };

  protected override body(): TemplateResult {
    return html`<form class="fields" @submit=${this.#submit}>
      ${
        this.#fixed
          ? nothing
          : html`<label>${t('open.name')}
              <input name="name" data-testid="item-name" maxlength="80" autocomplete="off" .value=${this.#name} data-first /></label>`
      }
      <label>${t('open.price')} (${this.#currency})
        <input name="price" data-testid="item-price" inputmode="decimal" autocomplete="off" required
          ?data-first=${this.#fixed} aria-describedby="item-message" /></label>
      <p class="problem" id="item-message" role="alert">${this.#message}</p>
      <button type="submit" class="main" data-testid="item-add">${t('open.add')}</button>
    </form>`;
  }
}
customElements.define('jicho-item', ItemSheet);
