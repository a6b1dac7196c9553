import { html, nothing, type TemplateResult } from 'lit';

import { Refused } from '../api/client';
import { AppElement } from '../ui/element';
import { shop } from './shop';
import { s } from './texts';

/** A view of the shop: it is drawn again when the shop changes, does one thing at a time, and says what came of it. */
export abstract class View extends AppElement {
  protected busy = false;
  #message = '';
  #problem = false;
  #unsubscribe: () => void = () => undefined;

  override connectedCallback(): void {
    super.connectedCallback();
    this.#unsubscribe = shop.subscribe(() => this.requestUpdate());
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#unsubscribe();
  }

  /** Does something and says the text that it answers, or why it failed. */
  protected async act(action: () => Promise<unknown>): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    this.say('');
    try {
      const said = await action();
      if (typeof said === 'string') this.say(said);
    } catch (error) {
      this.say(explained(error), true);
    }
    this.busy = false;
    this.requestUpdate();
  }

  protected say(message: string, problem = false): void {
    this.#message = message;
    this.#problem = problem;
    this.requestUpdate();
  }

  /** Where the view says what came of an action. */
  protected notice(): TemplateResult {
    return html`<p class=${this.#problem ? 'problem' : 'note'} role="status" dir="auto" data-testid="message">${this.#message}</p>`;
  }
}

/** A refusal in the reader's language where it is a common one, else in the service's own words. */
export function explained(error: unknown): string {
  if (!(error instanceof Refused)) return s('error.other', { message: error instanceof Error ? error.message : '' });
  if (error.status === 401) {
    shop.ended();
    return s('error.ended');
  }
  if (error.status === 0) return s('error.unreachable');
  if (error.status === 403) return s('error.forbidden');
  if (error.status === 429) return s('error.tooMany');
  if (error.status === 507) return s('error.full');
  return error.message;
}

/** The text of a form's field. */
export function field(form: HTMLFormElement, name: string): string {
  const value = new FormData(form).get(name);
  return typeof value === 'string' ? value.trim() : '';
}

/** Calls with the form once it is sent, in place of the browser's own sending. */
export function onSubmit(handle: (form: HTMLFormElement, submitter: string) => void): (event: SubmitEvent) => void {
  return (event) => {
    event.preventDefault();
    handle(event.target as HTMLFormElement, event.submitter?.getAttribute('value') ?? '');
  };
}

/** A name and a value of a list of facts; nothing where there is no value. */
export function fact(name: string, value: unknown): TemplateResult | typeof nothing {
  if (value === '' || value === null || value === undefined) return nothing;
  return html`<div><dt>${name}</dt><dd>${value}</dd></div>`;
}
