import { LitElement } from 'lit';

/**
 * An element of the app. It renders into the page itself and not into a shadow tree, so that labels, live regions and one
 * stylesheet reach across elements (decision 022). State is in plain fields; who changes it calls `requestUpdate`.
 */
export abstract class AppElement extends LitElement {
  protected override createRenderRoot(): this {
    return this;
  }
}
