import { html, type TemplateResult } from 'lit';

import { icon } from '../../ui/icon';
import { shop } from '../shop';
import { s } from '../texts';
import { field, onSubmit, View } from '../view';

/** Signing in with a key. A link has done so before this view is ever seen. */
export class SignInView extends View {
  protected override render(): TemplateResult {
    const submit = onSubmit((form) => {
      void this.act(async () => {
        await shop.signIn({ key: field(form, 'key') });
        form.reset();
      });
    });
    return html`<form class="card fields" @submit=${submit}>
      <h1>${s('signIn')}</h1>
      <p>${s('signIn.how')}</p>
      <p class="problem" role="alert" data-testid="refusal">${shop.refusal ? s('signIn.refused') : ''}</p>
      <label>${s('signIn.key')}
        <input type="password" name="key" required autocomplete="current-password" data-testid="key" /></label>
      <button type="submit" class="main" data-testid="sign-in" ?disabled=${this.busy}>${icon('lock')} ${s('signIn')}</button>
      ${this.notice()}
    </form>`;
  }
}
customElements.define('shop-sign-in', SignInView);
