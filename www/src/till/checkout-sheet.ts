import { JichoError } from 'jicho';
import { html, nothing, type TemplateResult } from 'lit';

import { explain } from '../app/explain';
import { locale, t } from '../texts';
import { icon } from '../ui/icon';
import { Sheet } from '../ui/sheet';
import { total } from './basket';
import { formatMoney, likelyNotes, type Minor, parseAmount, toMajor } from './money';
import { receiptText, receiptView } from './receipt';
import type { PaymentMethod } from './sale';
import type { Till } from './till';

const METHODS = ['cash', 'card', 'mobile', 'other'] as const;

/** Takes the payment and shows the receipt. */
export class CheckoutSheet extends Sheet {
  #till: Till | undefined;
  #method: PaymentMethod = 'cash';
  #typed = '';
  #message = '';
  #busy = false;

  pay(till: Till): void {
    this.#till = till;
    this.#method = 'cash';
    this.#typed = this.#message = '';
    this.open();
  }

  protected override heading(): string {
    return t(this.#till?.finished ? 'pay.done' : 'pay.title');
  }

  get #due(): Minor {
    return this.#till ? total(this.#till.basket) : 0;
  }

  /** What the customer gives; null where the field holds no amount. */
  get #given(): Minor | null {
    if (this.#method !== 'cash' || this.#typed === '') return this.#due;
    return parseAmount(this.#typed, this.#till!.currency);
  }

  #money(amount: Minor): string {
    return formatMoney(amount, this.#till!.currency, locale);
  }

  #submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const given = this.#given;
    if (!this.#till || given === null || given < this.#due || this.#busy) return;
    this.#busy = true;
    this.requestUpdate();
    try {
      await this.#till.finish({ method: this.#method, given });
      this.#message = '';
    } catch (error) {
      this.#message = error instanceof JichoError && error.code === 'QUEUE_FULL' ? t('pay.full') : explain(error);
    }
    this.#busy = false;
    this.requestUpdate();
    await this.updateComplete;
    this.querySelector<HTMLElement>('[data-testid="next-sale"]')?.focus();
  };

  protected override body(): TemplateResult {
    return this.#till?.finished ? this.#receipt() : this.#payment();
  }

  #payment(): TemplateResult {
    const given = this.#given;
    const change = given === null ? null : given - this.#due;
    const currency = this.#till!.currency;
    const type = (text: string): void => {
      this.#typed = text;
      this.requestUpdate();
    };
    return html`<form class="fields" @submit=${this.#submit}>
      <p class="due"><span>${t('pay.due')}</span> <b data-testid="due">${this.#money(this.#due)}</b></p>
      <fieldset class="segments">
        <legend>${t('pay.how')}</legend>
        ${METHODS.map(
          (method) => html`<label><input type="radio" name="method" value=${method} .checked=${method === this.#method}
              @change=${() => {
                this.#method = method;
                this.requestUpdate();
              }} /> <span>${t(`pay.${method}`)}</span></label>`,
        )}
      </fieldset>
      ${
        this.#method === 'cash'
          ? html`<label>${t('pay.given')} (${currency})
                <input data-first data-testid="given" inputmode="decimal" autocomplete="off" .value=${this.#typed}
                  @input=${(event: Event) => type((event.target as HTMLInputElement).value)} /></label>
              <div class="row notes">
                <button type="button" class="quiet" @click=${() => type('')}>${t('pay.exact')}</button>
                ${likelyNotes(this.#due, currency).map(
                  (note) => html`<button type="button" class="quiet"
                    @click=${() => type(String(toMajor(note, currency)))}>${this.#money(note)}</button>`,
                )}
              </div>
              <p class="due" role="status"><span>${t('pay.change')}</span>
                <b data-testid="change">${change === null || change < 0 ? '–' : this.#money(change)}</b></p>
              <p class="problem">${change !== null && change < 0 ? t('pay.tooLittle', { missing: this.#money(-change) }) : ''}</p>`
          : nothing
      }
      <p class="problem" role="alert">${this.#message}</p>
      <button type="submit" class="main" data-testid="finish" ?disabled=${this.#busy || change === null || change < 0}>
        ${icon('check')} ${t('pay.finish')}
      </button>
    </form>`;
  }

  #receipt(): TemplateResult {
    const sale = this.#till!.finished!;
    const share = async (): Promise<void> => {
      const text = receiptText(sale);
      if (navigator.share) await navigator.share({ title: t('receipt.title'), text }).catch(() => undefined);
      else {
        await navigator.clipboard.writeText(text);
        this.#message = t('receipt.copied');
        this.requestUpdate();
      }
    };
    return html`${receiptView(sale)}
      <p class="note" role="status">${this.#message}</p>
      <div class="row actions">
        <button type="button" class="quiet" @click=${() => print()}>${icon('print')} ${t('receipt.print')}</button>
        <button type="button" class="quiet" @click=${share}>${icon('share')} ${t('receipt.share')}</button>
      </div>
      <button type="button" class="main" data-testid="next-sale" @click=${() => this.close()}>${t('pay.next')}</button>`;
  }

  protected override closed(): void {
    if (this.#till) this.#till.finished = null;
  }
}
customElements.define('jicho-checkout', CheckoutSheet);
